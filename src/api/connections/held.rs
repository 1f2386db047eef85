//! What the mass-change guard keeps, and the decision about it (V3).

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Caller, Ids, Parameters, Problem, READ, Refusal, attempt, managed};
use crate::{
    app::App,
    connections,
    id::{ConnectionId, OrganizationId, uuid_at},
    provisioning::held::{self as queue, Decision, Released, Wanted},
};

const LARGEST: u32 = 200;

/// Which changes to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HeldQuery {
    /// `next` of the page before.
    after: Option<Uuid>,
    /// 1 to 200; 200 if absent.
    limit: Option<u32>,
}

/// A page of changes that wait.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldList {
    pub changes: Vec<HeldChange>,
    /// What to send as `after` for the next page; null on the last.
    pub next: Option<Uuid>,
}

/// A change that waits: nothing of it is done.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldChange {
    /// The person whom it is about; null if it is a group.
    pub user: Option<Uuid>,
    /// The group that it is about.
    pub group: Option<Uuid>,
    pub name: String,
    pub login_name: Option<String>,
    /// `deactivate`, `detach` (the tool deletes, the account stays deactivated) or `remove`; of a group `leave_group`
    /// (members leave it) or `delete_group`.
    pub change: String,
    /// Of a group: how many people would lose a product role.
    pub people: Option<i64>,
    /// `run`: too many within an hour, or by one change of a group. `discarded`: it was discarded, and came again. `last_administrator`.
    pub reason: String,
    /// RFC 3339.
    pub since: String,
}

/// What a decision has done.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldOutcome {
    /// How many changes were done, or forgotten.
    pub decided: i64,
    /// How many go on waiting: each would end an organization's last administrator.
    pub waiting: i64,
}

/// The changes that the mass-change guard keeps.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/connections/{connection}/held", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path), HeldQuery),
    responses((status = 200, body = HeldList), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn held(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
    Parameters(query): Parameters<HeldQuery>,
) -> Result<Json<HeldList>, Refusal> {
    let limit = query.limit.unwrap_or(LARGEST).clamp(1, LARGEST) as usize;
    let mut db = app.store.reader().await?;
    caller.over(&mut db, id).await?.require(READ)?;
    let connection = connections::find_in(&mut db, id, connection).await?.ok_or(Refusal::NotFound)?;
    let after = query.after.unwrap_or_default();
    let mut found = queue::list(&mut db, connection.id, after, limit as i64 + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let mut changes = Vec::with_capacity(found.len());
    for change in &found {
        let wanted = change.wanted()?;
        let (user, group) = match wanted {
            Wanted::User(user, _) => (Some(user.0), None),
            Wanted::Group(group, _) => (None, Some(group.0)),
        };
        let login_name = change.login_name.clone();
        let name = if change.name.is_empty() { login_name.clone().unwrap_or_default() } else { change.name.clone() };
        changes.push(HeldChange {
            user,
            group,
            name,
            login_name,
            change: wanted.as_str().to_owned(),
            people: change.people,
            reason: change.reason()?.as_str().to_owned(),
            since: change.created_at.to_rfc3339(),
        });
    }
    Ok(Json(HeldList { next: found.last().filter(|_| more).map(|change| change.resource_id), changes }))
}

/// Lets everything through that waits: people are deactivated or removed, and groups lose members or are deleted, as
/// if the tool had just asked.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/connections/{connection}/held/release", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 200, body = HeldOutcome), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn release(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, ConnectionId)>,
) -> Result<Json<HeldOutcome>, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    // What the events of all that is let through have in common.
    let transaction = uuid_at(caller.now).to_string();
    let begun = app.store.write(async move |tx| {
        let (_, connection) = managed(tx, &who, ids).await?;
        let decision = decision(&parts, &connection, (&who, ""));
        if decision.release(tx).await? { Ok(connection) } else { Err(NOTHING_WAITS) }
    });
    let attempt = attempt(ids.0, ids.1, "connection.run_released");
    let connection = caller.clone().denied(app.clone(), attempt, begun.await).await?;
    let mut outcome = HeldOutcome { decided: 0, waiting: 0 };
    let mut after = Uuid::nil();
    // In parts, so that other writers need not wait for all of it. What a crash leaves waits on.
    loop {
        let (parts, who, connection) = (app.clone(), caller.clone(), connection.clone());
        let transaction = transaction.clone();
        let batch = app.store.write(async move |tx| {
            Ok::<_, Refusal>(decision(&parts, &connection, (&who, &transaction)).release_batch(tx, after).await?)
        });
        let (Released { done, kept, more }, last) = batch.await?;
        (outcome.decided, outcome.waiting, after) = (outcome.decided + done, outcome.waiting + kept, last);
        app.wake.ring();
        if !more {
            return Ok(Json(outcome));
        }
    }
}

/// Forgets everything that waits. A tool that sends the same again within a day is held at once.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/connections/{connection}/held/discard", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 200, body = HeldOutcome), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn discard(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, ConnectionId)>,
) -> Result<Json<HeldOutcome>, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, connection) = managed(tx, &who, ids).await?;
        match decision(&parts, &connection, (&who, "")).discard(tx).await? {
            0 => Err(NOTHING_WAITS),
            discarded => Ok(HeldOutcome { decided: i64::try_from(discarded).unwrap_or(i64::MAX), waiting: 0 }),
        }
    });
    let attempt = attempt(ids.0, ids.1, "connection.run_discarded");
    caller.denied(app.clone(), attempt, outcome.await).await.map(Json)
}

const NOTHING_WAITS: Refusal =
    Refusal::WrongState("Nothing waits here any more. Somebody else has decided, or the tool changed its mind.");

/// `transaction` is what events know it by.
fn decision<'a>(
    app: &'a App,
    connection: &'a connections::Connection,
    (caller, transaction): (&'a Caller, &'a str),
) -> Decision<'a> {
    Decision {
        connection,
        master: &app.master,
        by: &caller.by,
        decided_by: caller.user_id(),
        issuer: app.config.issuer(),
        transaction,
        clock: &app.clock,
        now: caller.now,
    }
}
