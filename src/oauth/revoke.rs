//! `POST /revoke` (RFC 7009): a client gives a token back.
//!
//! A refresh token takes its whole family along (§2.1); an access token ends alone. An unknown token is
//! no error (§2.2): what the client wanted holds already.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{client_auth, cors, error, error::Refusal, form, parameters::Parameters};
use crate::{
    app::App,
    audit::{self, By, Event, SubjectKind},
    clients::Client,
    clock::Timestamp,
    secret::SecretHash,
    store, tokens,
};

/// `POST /revoke`.
pub async fn revoke(State(app): State<App>, request: Request) -> Response {
    let now = app.clock.now();
    let (headers, parameters) = match form::read(request).await {
        Ok(read) => read,
        Err(refusal) => return refusal.into_response(),
    };
    let client = match client_auth::authenticate(&app, &headers, &parameters, now).await {
        Ok(client) => client,
        Err(refusal) => return refusal.into_response(),
    };
    let response = match take_back(&app, &client, &parameters, now).await {
        Ok(()) => error::json(StatusCode::OK, "{}".to_owned()),
        Err(refusal) => refusal.into_response(),
    };
    cors::for_client(&headers, &client, response)
}

async fn take_back(app: &App, client: &Arc<Client>, parameters: &Parameters, now: Timestamp) -> Result<(), Refusal> {
    let token = parameters.get("token").ok_or(Refusal::Missing("token"))?;
    let hash = SecretHash::of(token.as_bytes());
    let mut db = app.store.reader().await?;
    // The hint is not needed: a token is of one kind only.
    if let Some(found) = tokens::find_refresh_token(&mut db, &hash).await? {
        drop(db);
        if found.client_id != client.id {
            return Err(Refusal::ForeignToken);
        }
        let (master, client) = (Arc::clone(&app.master), client.id);
        let unit = async move |tx: &mut store::Tx<'_>| {
            tokens::revoke_grant(tx, found.grant.id, now).await?;
            let event = Event::new(found.organization_id, "grant.revoked", By::client(client));
            audit::record(tx, &master, event.on(SubjectKind::Grant, found.grant.id.0), now).await
        };
        return Ok(app.store.write::<_, store::Error, _>(unit).await?);
    }
    let Some(found) = tokens::authenticate(&mut db, &app.keys, token, now).await? else { return Ok(()) };
    drop(db);
    if found.client_id != client.id {
        return Err(Refusal::ForeignToken);
    }
    let id = found.claims.get("jti").and_then(serde_json::Value::as_str).map(str::to_owned);
    let signed = token.contains('.');
    let unit = async move |tx: &mut store::Tx<'_>| match &id {
        Some(id) if signed => tokens::revoke_token_id(tx, id, found.expires_at).await,
        _ => tokens::revoke_opaque(tx, &hash, now).await,
    };
    Ok(app.store.write::<_, store::Error, _>(unit).await?)
}
