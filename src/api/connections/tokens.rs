use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Body, Caller, Ids, Problem, Refusal, attempt,
    create::{self, ConnectionWithToken, Created},
    managed, record,
};
use crate::{
    app::App,
    connections,
    id::{ConnectionId, ConnectionTokenId, OrganizationId},
};

/// How long two tokens may live side by side at a rotation.
const LONGEST_OVERLAP_DAYS: u32 = 30;

/// A token to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCreation {
    /// 1 to 366; 180 if absent.
    days: Option<u32>,
    /// Ends the token in use so many days from now, 0 to 30: time to change it in the tool. It keeps its
    /// own end if absent.
    others_end_in_days: Option<u32>,
}

/// Makes another token beside the one in use, so that it can be replaced without a gap. Two live at once
/// at most. Asks for a fresh sign-in.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/connections/{connection}/tokens", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)), request_body = TokenCreation,
    responses((status = 201, body = ConnectionWithToken), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn create_token(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
    Body(creation): Body<TokenCreation>,
) -> Result<Created, Refusal> {
    let life = create::life("/days", creation.days).map_err(|invalid| Refusal::Invalid(vec![invalid]))?;
    let overlap = creation.others_end_in_days.map(overlap).transpose()?;
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let over = create::managing(tx, &who, id).await?;
        let connection = connections::find_in(tx, id, connection).await?.ok_or(Refusal::NotFound)?;
        if let Some(overlap) = overlap {
            connections::end_tokens_by(tx, connection.id, who.now + overlap).await?;
        }
        create::issue(tx, &parts, (&who, &over), (connection, life)).await
    });
    let attempt = attempt(id, connection, "connection.token_issued");
    let made = caller.denied(app.clone(), attempt, outcome.await).await?;
    Ok(create::created(&app, id, made))
}

/// Ends a token at once.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/connections/{connection}/tokens/{token}", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path), ("token" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn revoke_token(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection, token)): Ids<(OrganizationId, ConnectionId, ConnectionTokenId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, connection) = managed(tx, &who, (id, connection)).await?;
        if !connections::revoke_token(tx, connection.id, token, who.now).await? {
            return Err(Refusal::NotFound);
        }
        record(tx, &parts, &who, (&connection, "connection.token_revoked"), json!({ "token": token })).await
    });
    let attempt = attempt(id, connection, "connection.token_revoked");
    caller.denied(app.clone(), attempt, outcome.await).await.map(|()| StatusCode::NO_CONTENT)
}

fn overlap(days: u32) -> Result<Duration, Refusal> {
    if days <= LONGEST_OVERLAP_DAYS {
        return Ok(Duration::from_secs(u64::from(days) * 24 * 3600));
    }
    let text = "Use 0 to 30 days.";
    Err(Refusal::Invalid(vec![super::Invalid::new("/others_end_in_days", "out-of-range", text)]))
}
