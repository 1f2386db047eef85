use axum::{extract::State, http::StatusCode};
use serde_json::json;

use super::{Caller, Ids, Problem, Refusal, attempt, managed, record};
use crate::{
    app::App,
    connections,
    id::{ConnectionId, OrganizationId},
    provisioning,
    users::life_cycle::Act,
};

/// Deletes a connection at once, with its tokens, its log and what is held of it. Its people stay with
/// what they have themselves, and are managed by hand from here on; what its groups gave ends, and who has joined by
/// it from another organization has left again. Asks for a fresh sign-in.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/connections/{connection}", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn end(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, ConnectionId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, connection) = managed(tx, &who, ids).await?;
        who.fresh()?;
        let act = Act { master: &parts.master, by: &who.by };
        provisioning::mapping::end(tx, &connection, &parts.master, who.now).await?;
        provisioning::end_joins(tx, act, &connection, who.now).await?;
        connections::delete(tx, connection.id, who.now).await?;
        record(tx, &parts, &who, (&connection, "connection.removed"), json!({})).await
    });
    let attempt = attempt(ids.0, ids.1, "connection.removed");
    let ended = caller.denied(app.clone(), attempt, outcome.await).await;
    // Whoever lost a product by it is signed out there.
    app.wake.ring();
    ended.map(|()| StatusCode::NO_CONTENT)
}
