//! `POST /introspect` (RFC 7662): whether a token counts, and what it says, told to whom it concerns.
//!
//! That is its own client, and for access tokens every client of the product in its audience: the
//! product's resource servers. Everybody else learns that it is not active (security.md row 101).

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{client_auth, error, error::Refusal, form};
use crate::{
    app::App,
    clients::Client,
    clock::Timestamp,
    secret::SecretHash,
    tokens::{self, AccessToken, RefreshToken},
};

/// `POST /introspect`.
pub async fn introspect(State(app): State<App>, request: Request) -> Response {
    match answer(&app, request, app.clock.now()).await {
        Ok(body) => error::json(StatusCode::OK, Value::Object(body).to_string()),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(app: &App, request: Request, now: Timestamp) -> Result<Map<String, Value>, Refusal> {
    let received = form::read(request).await?;
    let client = client_auth::authenticate(app, &received, now).await?;
    // RFC 7662 §2.1: whoever asks is authorized to; a public client proves nothing.
    if client.is_public() {
        return Err(Refusal::Client { challenge: false });
    }
    let token = received.parameters.get("token").ok_or(Refusal::Missing("token"))?;
    let product = app.products.find(&app.store, client.product_id, now).await?;
    let mut db = app.store.reader().await?;
    if let Some(found) = tokens::authenticate(&mut db, &app.keys, token, now).await? {
        let concerns =
            found.client_id == client.id || product.is_some_and(|product| found.audience.contains(&product.audience));
        return Ok(if concerns { of_access_token(found) } else { inactive() });
    }
    let found = tokens::find_refresh_token(&mut db, &SecretHash::of(token.as_bytes())).await?;
    Ok(found.map_or_else(inactive, |found| of_refresh_token(&client, &found, now)))
}

/// All that there is to say of other tokens, whatever is wrong with them.
fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), Value::Bool(false))])
}

fn of_access_token(found: AccessToken) -> Map<String, Value> {
    let mut body = Map::from_iter([("active".to_owned(), Value::Bool(true))]);
    body.extend(found.claims);
    body.insert("token_type".to_owned(), json!("Bearer"));
    body
}

fn of_refresh_token(client: &Client, found: &RefreshToken, now: Timestamp) -> Map<String, Value> {
    if found.client_id != client.id || found.consumed_at.is_some() || !found.is_live(now) {
        return inactive();
    }
    let mut body = Map::from_iter([("active".to_owned(), Value::Bool(true))]);
    body.insert("client_id".to_owned(), json!(client.client_id));
    body.insert("sub".to_owned(), json!(found.grant.user_id));
    body.insert("scope".to_owned(), json!(found.scope.to_string()));
    body.insert("exp".to_owned(), json!(found.expires_at.as_seconds()));
    body
}
