//! Whether the tool could get in now, and when it last did.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Caller, Ids, Problem, READ, Refusal};
use crate::{
    app::App,
    clock::Timestamp,
    connections::{self, Connection, Status, Token, log},
    id::{ConnectionId, OrganizationId},
};

/// A token that ends within so many days should be replaced.
const ENDS_SOON_DAYS: u64 = 14;

/// What stands in a tool's way, if anything does.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionHealth {
    /// Whether a request with the newest live token would be let in.
    pub open: bool,
    pub checks: Vec<Check>,
    /// RFC 3339; null if the tool has never called.
    pub last_used_at: Option<String>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    /// `state`, `token`, `request` or `mode`.
    pub name: String,
    /// `ok`, `warn` or `bad`.
    pub state: String,
    /// What was found and, where it is not well, what to do.
    pub detail: String,
}

/// Looks at everything that a request of the tool would meet, without sending one.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/connections/{connection}/health", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 200, body = ConnectionHealth), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn health(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
) -> Result<Json<ConnectionHealth>, Refusal> {
    let mut db = app.store.reader().await?;
    caller.over(&mut db, id).await?.require(READ)?;
    let connection = connections::find_in(&mut db, id, connection).await?.ok_or(Refusal::NotFound)?;
    let tokens = connections::tokens(&mut db, connection.id).await?;
    let latest = log::Search { limit: 1, ..log::Search::default() };
    let latest = log::search(&mut db, connection.id, &latest).await?.into_iter().next();
    let mut checks = vec![state(&connection), token(&tokens, caller.now), request(latest.as_ref())];
    if connection.settings.dry_run {
        checks.push(Check::new(
            "mode",
            "warn",
            "This is a dry run: requests are answered and logged, and change nothing.",
        ));
    }
    Ok(Json(ConnectionHealth {
        open: checks.iter().take(2).all(|check| check.state != "bad"),
        checks,
        last_used_at: connection.last_used_at.map(Timestamp::to_rfc3339),
    }))
}

impl Check {
    fn new(name: &str, state: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state: state.to_owned(), detail: detail.into() }
    }
}

fn state(connection: &Connection) -> Check {
    match connection.status {
        Status::Active => Check::new("state", "ok", "The connection is active."),
        Status::Paused => Check::new("state", "bad", "The connection is paused: every request is refused. Resume it."),
    }
}

fn token(tokens: &[Token], now: Timestamp) -> Check {
    let live = tokens.iter().filter(|token| token.is_live(now)).max_by_key(|token| token.expires_at);
    let Some(token) = live else {
        return Check::new("token", "bad", "No token is live: every request is refused. Make another token.");
    };
    let days = token.expires_at.since(now).as_secs() / 86_400;
    if days < ENDS_SOON_DAYS {
        return Check::new(
            "token",
            "warn",
            format!("The token …{} ends in {days} days. Make another one.", token.hint),
        );
    }
    Check::new("token", "ok", format!("The token …{} works for {days} more days.", token.hint))
}

fn request(latest: Option<&log::Logged>) -> Check {
    let Some(latest) = latest else {
        return Check::new(
            "request",
            "warn",
            "The tool has not called within the last 30 days. Press its own test button.",
        );
    };
    let words = format!("The last request was {} {}, answered {}.", latest.method, latest.path, latest.status);
    let state = if latest.status < 400 { "ok" } else { "warn" };
    Check::new("request", state, words)
}
