//! What signing in leaves in the audit log (product.md A1).

use serde_json::json;

use super::outcome::Context;
use crate::{
    audit::{self, By, Event, SubjectKind},
    clock::Timestamp,
    organizations,
    sessions::Session,
    store::{Result, Tx},
    users::User,
};

/// The person themselves, from where they are.
pub(super) fn by(context: &Context, user: &User) -> By {
    By::user(user.id).at(context.agent.address.clone(), context.agent.user_agent.clone())
}

/// Somebody who claims to be them.
fn nobody(context: &Context) -> By {
    By::nobody().at(context.agent.address.clone(), context.agent.user_agent.clone())
}

pub(super) async fn signed_in(
    tx: &mut Tx<'_>,
    context: &Context,
    user: &User,
    session: &Session,
    now: Timestamp,
) -> Result<()> {
    let event = Event::new(user.organization_id, "login.succeeded", by(context, user))
        .on(SubjectKind::User, user.id.0)
        .with(json!({ "session": session.id, "amr": session.amr, "acr": session.acr }));
    audit::record(tx, &context.master, event, now).await
}

/// A wrong password or code, or a pause: `details` says which.
pub(super) async fn refused(
    tx: &mut Tx<'_>,
    context: &Context,
    user: &User,
    (kind, method): (&'static str, &str),
    now: Timestamp,
) -> Result<()> {
    let event = Event::new(user.organization_id, kind, nobody(context))
        .on(SubjectKind::User, user.id.0)
        .with(json!({ "method": method }))
        .refused();
    audit::record(tx, &context.master, event, now).await
}

/// A wrong password for a name that is nobody's: told to the provider, without the name.
pub(super) async fn unknown(tx: &mut Tx<'_>, context: &Context, now: Timestamp) -> Result<()> {
    let Some(provider) = organizations::provider(tx).await? else { return Ok(()) };
    let event = Event::new(provider.id, "login.failed", nobody(context))
        .with(json!({ "method": "password", "unknown": true }))
        .refused();
    audit::record(tx, &context.master, event, now).await
}

/// Something the person did to their own account.
pub(super) async fn own(
    tx: &mut Tx<'_>,
    context: &Context,
    user: &User,
    (kind, details): (&'static str, serde_json::Value),
    now: Timestamp,
) -> Result<()> {
    let event =
        Event::new(user.organization_id, kind, by(context, user)).on(SubjectKind::User, user.id.0).with(details);
    audit::record(tx, &context.master, event, now).await
}
