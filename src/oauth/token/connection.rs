//! A tool's client acting for its connection: an access token instead of a static one (RFC 6749 §4.4,
//! RFC 7644 §2).
//!
//! The token's audience is the connection's base URL and its scope `scim`: it opens that connection, and
//! nothing of any product. Whether the client still is the connection's is asked with each request there.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::{
    Parameters, Refusal, client_credentials,
    mint::{Lifetimes, TokenResponse},
};
use crate::{
    app::App,
    audit::{By, Event, SubjectKind},
    clients::{Client, GrantType},
    clock::Timestamp,
    connections::{self, SCOPE, Status},
    tokens::{self, TokenId},
};

/// RFC 9068 §2.2, without a word of products.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
    scope: String,
}

/// The token of a client that belongs to a connection; `None` for any other.
pub(super) async fn exchange(
    app: &App,
    client: &Arc<Client>,
    parameters: &Parameters,
    now: Timestamp,
) -> Result<Option<TokenResponse>, Refusal> {
    // Product clients never are registered for this scope, so that they are not asked about.
    if !client.scopes.iter().any(|scope| scope == SCOPE) {
        return Ok(None);
    }
    let mut db = app.store.reader().await?;
    let Some(connection) = connections::of_client(&mut db, client.id).await? else { return Ok(None) };
    drop(db);
    if connection.status != Status::Active {
        return Err(Refusal::NoAccess);
    }
    let base_url = app.config.url(&connection.path());
    // RFC 8707 §2.
    if parameters.all("resource").any(|resource| resource != base_url) {
        return Err(Refusal::Target);
    }
    let scope = client_credentials::judged(client, parameters)?;
    let lifetimes = Lifetimes::of(client, &app.config.tokens);
    let claims = Claims {
        iss: app.config.issuer(),
        sub: &client.client_id,
        aud: &base_url,
        client_id: &client.client_id,
        jti: TokenId::new(None).to_string(),
        iat: now.as_seconds(),
        exp: (now + lifetimes.access_token()).as_seconds(),
        scope: scope.to_string(),
    };
    let algorithm = client.settings.access_token_alg;
    app.keys.ready(algorithm, now).await?;
    let token = app.keys.sign(algorithm, tokens::JWT_TYPE, &claims, now)?;
    let event = Event::new(connection.organization_id, "token.issued", By::client(client.id))
        .on(SubjectKind::Connection, connection.id.0)
        .with(json!({ "grant_type": GrantType::ClientCredentials.as_str(), "scope": claims.scope }));
    app.recorder.note(event, now);
    Ok(Some(TokenResponse::alone(token, lifetimes, &scope)))
}
