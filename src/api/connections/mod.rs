//! Connections of an organization (product.md V1 to V4): made in a minute, the token shown once; their rules,
//! their tokens, what is held of them, and their log.
//!
//! Whoever may see a connection reads all of it but secrets. Making one, making a token, and rules that give more
//! than those before ask for a fresh sign-in, for all of them give access; ending access never does. Who set a rule
//! is kept and shown; a rule that somebody could not set themselves is not theirs to change or to leave out.

mod change;
mod create;
mod end;
mod health;
mod held;
mod log;
mod rules;
mod standing;
mod tokens;
mod wire;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Attempt, Body, Caller, Ids, Invalid, Over, Parameters, Problem, Refusal};
use crate::{
    app::App,
    audit::{self, Event, SubjectKind},
    connections::{self, Connection},
    id::{ConnectionId, OrganizationId},
    store::Tx,
};

pub use change::{__path_change, __path_pause, __path_resume, change, pause, resume};
pub use create::{__path_create, create};
pub use end::{__path_end, end};
pub use health::{__path_health, health};
pub use held::{__path_discard, __path_held, __path_release, discard, held, release};
pub use log::{__path_entries, entries};
pub use tokens::{__path_create_token, __path_revoke_token, create_token, revoke_token};
pub use wire::ConnectionDetail;

const READ: &str = "portal:connections:read";
const MANAGE: &str = "portal:connections:manage";

/// The connections of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionList {
    pub connections: Vec<ConnectionDetail>,
}

/// The organization's connections, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/connections", tag = "connections",
    params(("organization" = Uuid, Path)),
    responses((status = 200, body = ConnectionList), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
) -> Result<Json<ConnectionList>, Refusal> {
    let mut db = app.store.reader().await?;
    let over = caller.over(&mut db, id).await?;
    over.require(READ)?;
    let mut listed = Vec::new();
    for connection in connections::list(&mut db, id).await? {
        listed.push(wire::detail(&mut db, (&app, &over), connection, caller.now).await?);
    }
    Ok(Json(ConnectionList { connections: listed }))
}

/// One connection with its tokens.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/connections/{connection}", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 200, body = ConnectionDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
) -> Result<Json<ConnectionDetail>, Refusal> {
    let mut db = app.store.reader().await?;
    let over = caller.over(&mut db, id).await?;
    over.require(READ)?;
    let connection = connections::find_in(&mut db, id, connection).await?.ok_or(Refusal::NotFound)?;
    Ok(Json(wire::detail(&mut db, (&app, &over), connection, caller.now).await?))
}

/// The connection, for somebody who may change it. Within the write of the act; two acts at once queue here, and
/// what the tool is given meanwhile by the connection's rules does too.
async fn managed(
    db: &mut Tx<'_>,
    caller: &Caller,
    (organization, connection): (OrganizationId, ConnectionId),
) -> Result<(Over, Connection), Refusal> {
    let over = caller.over(db, organization).await?;
    connections::lock(db, connection).await?;
    let found = connections::find_in(db, organization, connection).await?.ok_or(Refusal::NotFound)?;
    over.require(MANAGE)?;
    Ok((over, found))
}

/// An act on a connection, for the audit log of denials.
fn attempt(organization: OrganizationId, connection: ConnectionId, kind: &'static str) -> Attempt {
    Attempt { organization, kind, subject: Some((SubjectKind::Connection, connection.0)) }
}

/// Audits an act that was done, in its own transaction.
async fn record(
    tx: &mut Tx<'_>,
    app: &App,
    caller: &Caller,
    (connection, kind): (&Connection, &'static str),
    details: serde_json::Value,
) -> Result<(), Refusal> {
    let event = Event::new(connection.organization_id, kind, caller.by.clone());
    let event = event.on(SubjectKind::Connection, connection.id.0).with(details);
    Ok(audit::record(tx, &app.master, event, caller.now).await?)
}
