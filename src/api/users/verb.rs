use axum::http::StatusCode;
use serde_json::Value;

use crate::{
    api::{Caller, Over, Refusal},
    app::App,
    audit::{self, Event, SubjectKind},
    connections,
    id::{OrganizationId, UserId},
    store::{Db, Tx},
    users::{User, life_cycle},
};

/// An act of an administrator on one person: which permission it needs, and what the audit log calls it.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    pub kind: &'static str,
    pub permission: &'static str,
    /// Whether one may do it to oneself.
    pub on_oneself: bool,
}

/// Judges whether the caller may do this to that person, and finds both. Within the write of the act.
pub async fn judge(
    db: &mut Db<'_>,
    caller: &Caller,
    verb: Verb,
    (organization, user): (OrganizationId, UserId),
) -> Result<(Over, User), Refusal> {
    let over = caller.over(db, organization).await?;
    let user = over.person(db, user).await?;
    over.require(verb.permission)?;
    if let Some(connection) = user.connection_id.filter(|_| user.stands_for.is_some()) {
        // It is no account, and what becomes of the membership its tool and the person decide.
        let name = connections::find(db, connection).await?.map(|connection| connection.name);
        return Err(Refusal::OwnedByConnection(name.unwrap_or_default()));
    }
    if !verb.on_oneself && caller.user_id() == Some(user.id) {
        return Err(Refusal::Yourself);
    }
    if !over.actor.may_act_on(db, verb.permission, (user.organization_id, user.id), caller.now).await? {
        return Err(Refusal::AboveYou);
    }
    Ok((over, user))
}

/// Audits an act that was done, in its own transaction.
pub async fn record(
    tx: &mut Tx<'_>,
    app: &App,
    caller: &Caller,
    (verb, user): (Verb, &User),
    details: Value,
) -> Result<(), Refusal> {
    let event = Event::new(user.organization_id, verb.kind, caller.by.clone());
    let event = event.on(SubjectKind::User, user.id.0).with(details);
    Ok(audit::record(tx, &app.master, event, caller.now).await?)
}

impl From<life_cycle::Refusal> for Refusal {
    fn from(refusal: life_cycle::Refusal) -> Self {
        match refusal {
            life_cycle::Refusal::LastAdministrator => Self::LastAdministrator,
            _ => Self::WrongState("The account is no longer in a state in which this can be done. Read it again."),
        }
    }
}

/// What an act answers that has nothing to tell.
pub const DONE: StatusCode = StatusCode::NO_CONTENT;
