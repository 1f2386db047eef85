//! Links that are mailed: to set a first password, or a new one, or to join an organization.
//!
//! Whoever has one sent (the page of a forgotten password, an administrator, a connection) asks here; what
//! the link does is for the page that it opens, its rows are [`crate::action_tokens`]'.
//!
//! Invariants: a link goes to the stored address and into no answer (security.md row 147). However many are
//! asked for, and by whomever, an account gets so many an hour (row 129); beyond that none is made, the last
//! one goes on working, and only the audit log says so. Invitations to join are counted apart: however many other
//! organizations send, the account's own links still come. These go to the address of the account, never to what
//! the other organization's tool takes for it.

use std::time::Duration;

use serde_json::json;

use crate::{
    action_tokens::{self, NewActionToken, Purpose},
    attempts::{self, Key, Limit, Verdict},
    audit::{self, ActorKind, By, Event, SubjectKind},
    clock::Timestamp,
    id::UserId,
    mail::{self, Brand},
    organizations,
    secret::MasterKeys,
    store::{Result, Tx},
    users::{self, Status, User},
};

const HOUR: Duration = Duration::from_secs(3600);

/// A link to be made.
#[derive(Debug, Clone)]
pub struct NewLink {
    pub purpose: Purpose,
    /// Who asks for it, and from where.
    pub by: By,
    /// The page that it opens, at the public URL.
    pub page: String,
    pub life: Duration,
    /// Such mails that one account gets within an hour.
    pub hourly: i64,
}

/// What became of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// It is on its way.
    Mailed,
    /// There is no address to mail it to, or nobody's name to mail it in.
    NoAddress,
    /// The account had its mails of this hour. Nobody is told; the audit log is.
    Withheld,
}

/// Makes a link, which voids the one before, and mails it. A stand-in's goes to whom it stands for.
///
/// # Errors
/// The database's.
pub async fn send(tx: &mut Tx<'_>, master: &MasterKeys, user: &User, link: &NewLink, now: Timestamp) -> Result<Sent> {
    let Some(person) = reader(tx, user).await? else { return Ok(Sent::NoAddress) };
    let Some(to) = person.email.as_deref() else { return Ok(Sent::NoAddress) };
    let Some(organization) = organizations::find(tx, user.organization_id).await? else { return Ok(Sent::NoAddress) };
    let limit = Limit { tries: link.hourly, window: HOUR, pause: HOUR };
    let counted = if link.purpose == Purpose::Join { "invitations of account" } else { "mails of account" };
    let key = Key::new(counted, &person.id.to_string());
    if matches!(attempts::count(tx, &key, limit, now).await?, Verdict::Paused { .. }) {
        let event = Event::new(user.organization_id, "mail.withheld", link.by.clone()).refused();
        let event = event.on(SubjectKind::User, user.id.0).with(json!({ "purpose": link.purpose }));
        audit::record(tx, master, event, now).await?;
        return Ok(Sent::Withheld);
    }
    let address = make(tx, user, link, now).await?;
    let brand = Brand { name: organization.name, support: organization.contact_email };
    let letter = match link.purpose {
        Purpose::Activate => {
            let names = (user.name(), user.login_name.as_given());
            mail::activation(&brand, to, names, &address, link.life.as_secs().div_ceil(24 * 3600))
        }
        Purpose::ResetPassword => {
            mail::password_reset(&brand, to, user.name(), &address, link.life.as_secs().div_ceil(60))
        }
        Purpose::Join => {
            let names = (person.name(), person.login_name.as_given());
            mail::join(&brand, to, names, &address, link.life.as_secs().div_ceil(24 * 3600))
        }
    };
    mail::enqueue(tx, master, &letter, now + link.life, now).await?;
    Ok(Sent::Mailed)
}

/// Who reads the mail: the account itself, or of a stand-in the person, if they can sign in to answer.
async fn reader(tx: &mut Tx<'_>, user: &User) -> Result<Option<User>> {
    let Some(person) = user.stands_for else { return Ok(Some(user.clone())) };
    let person = users::find(tx, person).await?;
    let Some(person) = person.filter(|person| person.status != Status::Deactivated) else { return Ok(None) };
    Ok(organizations::is_active(tx, person.organization_id).await?.then_some(person))
}

/// Makes a link, which voids the one before, for whoever hands it over in another way than by mail.
///
/// # Errors
/// The database's.
pub async fn make(tx: &mut Tx<'_>, user: &User, link: &NewLink, now: Timestamp) -> Result<String> {
    let new = NewActionToken {
        user_id: user.id,
        purpose: link.purpose,
        created_by: link.by.id.filter(|_| link.by.kind == ActorKind::User).map(UserId),
        data: json!({}),
        expires_at: now + link.life,
    };
    let secret = action_tokens::issue(tx, &new, now).await?;
    Ok(format!("{}?token={}", link.page, secret.expose()))
}
