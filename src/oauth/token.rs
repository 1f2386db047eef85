//! The token endpoint, `POST /token` (RFC 6749 §3.2).
//!
//! A request names a grant type. Each has its own file here and answers with an [`Issue`], what tokens
//! are to be minted from, or a [`Refusal`]; minting is in one place, [`mint`], after the commit.
//!
//! Invariants: one durable write for each code or refresh token that is spent, none for
//! client_credentials. A refusal commits: a replayed code revokes the tokens it once bought (§4.1.2),
//! and rolling back would undo exactly that.

mod authorization_code;
mod client_credentials;
mod connection;
mod mint;
mod refresh_token;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

pub use super::cors::preflight;
use super::{
    client_auth, cors, error,
    error::Refusal,
    form::{self, Received},
    parameters::Parameters,
};
use crate::{
    app::App,
    clients::{Client, GrantType},
    clock::Timestamp,
    products::Product,
};

use mint::{Issue, TokenResponse};

/// `POST /token`.
pub async fn token(State(app): State<App>, request: Request) -> Response {
    let now = app.clock.now();
    let received = match form::read(request).await {
        Ok(received) => received,
        Err(refusal) => return refusal.into_response(),
    };
    let client = match client_auth::authenticate(&app, &received, now).await {
        Ok(client) => client,
        Err(refusal) => return refusal.into_response(),
    };
    let Received { headers, parameters, .. } = received;
    let answer = match exchange(&app, &client, parameters, now).await {
        Ok(tokens) => match serde_json::to_string(&tokens) {
            Ok(body) => error::json(StatusCode::OK, body),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Err(refusal) => refusal.into_response(),
    };
    cors::for_client(&headers, &client, answer)
}

async fn exchange(
    app: &App,
    client: &Arc<Client>,
    parameters: Parameters,
    now: Timestamp,
) -> Result<TokenResponse, Refusal> {
    let grant_type = parameters.get("grant_type").ok_or(Refusal::Missing("grant_type"))?;
    let grant_type: GrantType = grant_type.parse().map_err(|_| Refusal::UnsupportedGrant)?;
    if !client.may_use(grant_type) {
        return Err(Refusal::GrantNotAllowed);
    }
    if grant_type == GrantType::ClientCredentials
        && let Some(tokens) = connection::exchange(app, client, &parameters, now).await?
    {
        return Ok(tokens);
    }
    let product = product(app, client, &parameters, now).await?;
    let issue = match grant_type {
        GrantType::AuthorizationCode => authorization_code::exchange(app, client, product, parameters, now).await?,
        GrantType::RefreshToken => refresh_token::exchange(app, client, product, parameters, now).await?,
        GrantType::ClientCredentials => client_credentials::exchange(app, client, product, &parameters, now).await?,
    };
    issue.note(app, grant_type, now);
    issue.mint(app, now).await
}

/// The client's product, which must be the resource that is asked for, if one is (RFC 8707 §2).
async fn product(app: &App, client: &Client, parameters: &Parameters, now: Timestamp) -> Result<Arc<Product>, Refusal> {
    let product = app.products.find(&app.store, client.product_id, now).await?.ok_or(Refusal::NoAccess)?;
    if parameters.all("resource").any(|resource| resource != product.audience) {
        return Err(Refusal::Target);
    }
    Ok(product)
}
