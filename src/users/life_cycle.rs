//! What activating, ending and beginning again an account means: all of it in one transaction, so that
//! nothing of a deactivated person lives on in another room (product.md P11, P12, P13, V5).

use serde_json::json;

use super::{Status, User, sql, stand_ins};
use crate::{
    access, action_tokens,
    audit::{self, By, Event, SubjectKind},
    clock::Timestamp,
    id::UserId,
    organizations,
    secret::MasterKeys,
    sessions,
    store::{Result, Tx},
    tokens,
};

/// Why an account stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// P13: nobody locks out an organization.
    #[error("this is the organization's last administrator: make another one first")]
    LastAdministrator,
    /// It is not in the state from which this act leads on, or somebody was faster.
    #[error("the account is not in a state in which this can be done")]
    State,
}

/// Who does it, sealed for the audit log.
#[derive(Clone, Copy)]
pub struct Act<'a> {
    pub master: &'a MasterKeys,
    pub by: &'a By,
}

/// The person has set their first credential: from invited to active.
///
/// # Errors
/// The database's.
pub async fn activate(tx: &mut Tx<'_>, act: Act<'_>, user: &User, now: Timestamp) -> Result<Result<(), Refusal>> {
    move_to(tx, act, user, (&[Status::Invited], Status::Active, "user.activated"), now).await
}

/// Ends every access at once and keeps the account: sessions, sign-ins under way, grants, refresh
/// tokens and mailed links end with this commit, and products are sent their logout tokens (P11). Of a stand-in
/// the membership ends, and its invitation; `provisioning::deactivate` signs the person out of what they lose.
///
/// # Errors
/// The database's.
pub async fn deactivate(tx: &mut Tx<'_>, act: Act<'_>, user: &User, now: Timestamp) -> Result<Result<(), Refusal>> {
    if is_last_administrator(tx, user, now).await? {
        return Ok(Err(Refusal::LastAdministrator));
    }
    let kind = named(user, "user.deactivated", "membership.ended");
    let step = (&[Status::Active, Status::Invited][..], Status::Deactivated, kind);
    let moved = move_to(tx, act, user, step, now).await?;
    if moved.is_ok() {
        end_access(tx, act.master, user.id, now).await?;
        stand_ins::leave(tx, user).await?;
    }
    Ok(moved)
}

/// Lets the person in again, with the assignments they had. A stand-in is pending again: joining is the person's
/// decision each time.
///
/// # Errors
/// The database's.
pub async fn reactivate(tx: &mut Tx<'_>, act: Act<'_>, user: &User, now: Timestamp) -> Result<Result<(), Refusal>> {
    // Who has never set a password goes on being invited.
    let to = if super::password::find(tx, user.id).await?.is_some() { Status::Active } else { Status::Invited };
    let kind = named(user, "user.reactivated", "membership.reactivated");
    move_to(tx, act, user, (&[Status::Deactivated], to, kind), now).await
}

/// Removes the person for good: access ends as by [`deactivate`], personal data is erased, the login
/// name is free again, and the id stays as a tombstone (P12).
///
/// # Errors
/// The database's.
pub async fn remove(tx: &mut Tx<'_>, act: Act<'_>, user: &User, now: Timestamp) -> Result<Result<(), Refusal>> {
    if is_last_administrator(tx, user, now).await? {
        return Ok(Err(Refusal::LastAdministrator));
    }
    if !sql::erase(tx, user, now).await? {
        return Ok(Err(Refusal::State));
    }
    end_access(tx, act.master, user.id, now).await?;
    access::end_of_user(tx, user.id, None).await?;
    sql::delete_belongings(tx, user.id).await?;
    stand_ins::leave(tx, user).await?;
    stand_ins::orphan(tx, user.id).await?;
    // The pseudonym stays in the chain; the key that opens what is about the person goes.
    audit::record(tx, act.master, event(act, user, named(user, "user.removed", "membership.removed")), now).await?;
    audit::erase(tx, user.id).await?;
    Ok(Ok(()))
}

/// Ends sessions, sign-ins under way, grants with their refresh tokens, and mailed links.
async fn end_access(tx: &mut Tx<'_>, master: &MasterKeys, user: UserId, now: Timestamp) -> Result<()> {
    sessions::end_of_user(tx, master, user, None, now).await?;
    tokens::revoke_of_user(tx, user, now).await?;
    action_tokens::void(tx, user, now).await
}

/// Asked under the organization's revision, so that two administrators cannot end each other at once.
async fn is_last_administrator(tx: &mut Tx<'_>, user: &User, now: Timestamp) -> Result<bool> {
    organizations::bump_revision(tx, user.organization_id).await?;
    access::is_last_administrator(tx, user.organization_id, user.id, now).await
}

/// One conditional write: of two who act at once, one finds the state already changed.
async fn move_to(
    tx: &mut Tx<'_>,
    act: Act<'_>,
    user: &User,
    (from, to, kind): (&[Status], Status, &'static str),
    now: Timestamp,
) -> Result<Result<(), Refusal>> {
    if !from.contains(&user.status) || !sql::set_status(tx, user.id, user.status, to, now).await? {
        return Ok(Err(Refusal::State));
    }
    audit::record(tx, act.master, event(act, user, kind), now).await?;
    Ok(Ok(()))
}

/// What an act is called: done to an account, or to a stand-in.
fn named(user: &User, account: &'static str, membership: &'static str) -> &'static str {
    if user.stands_for.is_some() { membership } else { account }
}

fn event(act: Act<'_>, user: &User, kind: &'static str) -> Event {
    Event::new(user.organization_id, kind, act.by.clone())
        .on(SubjectKind::User, user.id.0)
        .about(user.id, json!({ "login_name": user.login_name.as_given() }))
}
