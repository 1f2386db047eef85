//! By what a person is known: the name they sign in with, and their address. What it means that a tool
//! changes one of them (security.md rows 29, 92).
//!
//! Invariants: no change leads a name or an address that somebody else has proven to another account. What
//! was mailed to the old address opens nothing any more, and whoever reads it is told what changed, by whom.

use std::time::Duration;

use serde_json::json;

use crate::{
    action_tokens,
    attempts::{self, Key, Limit, Verdict},
    audit::{self, Event, SubjectKind},
    mail::{self, Brand, IdentityChange},
    mfa::email_code,
    organizations,
    scim::{answer::Fault, call::Call, error::Refusal},
    store::Tx,
    users::{self, User, prepare_email},
};

/// A notice that nobody has read after three days is not worth sending.
const NEWS_FOR: Duration = Duration::from_secs(3 * 24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
/// Notices that one address gets, over all accounts that have had it: a tool must not flood a mailbox.
const NOTICES: Limit = Limit { tries: 5, window: HOUR, pause: HOUR };

/// Judges a new login name: nobody takes the address that another person has proven and signs in with.
/// That it is another's login name already is for `users` to find.
pub async fn judge(tx: &mut Tx<'_>, before: &User, after: &User) -> Result<(), Fault> {
    if before.login_name.prepared() == after.login_name.prepared() {
        return Ok(());
    }
    match users::find_by_proven_address(tx, &after.login_name).await? {
        Some(holder) if holder.id != after.id => Err(Refusal::Unique("userName".to_owned()).into()),
        _ => Ok(()),
    }
}

/// What follows of a change that was written. A stand-in's address is only what the tool says: nothing is mailed there.
pub async fn changed(tx: &mut Tx<'_>, call: &Call, before: &User, after: &User) -> Result<(), Fault> {
    if after.stands_for.is_some() {
        return Ok(());
    }
    let has_moved = before.email != after.email;
    if has_moved {
        action_tokens::void(tx, after.id, call.now).await?;
        email_code::void(tx, after.id, call.now).await?;
    }
    let is_renamed = before.login_name.prepared() != after.login_name.prepared();
    if has_moved || is_renamed {
        tell(tx, call, before, after).await?;
    }
    Ok(())
}

/// Mails the notice to the address as it was.
async fn tell(tx: &mut Tx<'_>, call: &Call, before: &User, after: &User) -> Result<(), Fault> {
    let Some(to) = before.email.as_deref() else { return Ok(()) };
    let Some(organization) = organizations::find(tx, after.organization_id).await? else { return Ok(()) };
    let key = Key::new("notices of changes", &prepare_email(to));
    if matches!(attempts::count(tx, &key, NOTICES, call.now).await?, Verdict::Paused { .. }) {
        let event = Event::new(after.organization_id, "mail.withheld", call.by.clone()).refused();
        let event = event.on(SubjectKind::User, after.id.0).with(json!({ "purpose": "identity_changed" }));
        return Ok(audit::record(tx, &call.app.master, event, call.now).await?);
    }
    let change = IdentityChange {
        connection: &call.connection.name,
        organization: &organization.name,
        login_names: (before.login_name.as_given(), after.login_name.as_given()),
        is_renamed: before.login_name.prepared() != after.login_name.prepared(),
        is_elsewhere: before.email != after.email,
    };
    let brand = Brand { name: organization.name.clone(), support: organization.contact_email.clone() };
    let letter = mail::identity_changed(&brand, to, before.name(), &change, call.now);
    mail::enqueue(tx, &call.app.master, &letter, call.now + NEWS_FOR, call.now).await?;
    Ok(())
}
