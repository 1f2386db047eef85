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

use super::{
    client_auth, cors, error,
    error::Refusal,
    form::{self, Received},
};
use crate::{
    app::App,
    audit::{self, By, Event, SubjectKind},
    clients::Client,
    clock::Timestamp,
    secret::SecretHash,
    store, tokens, users,
};

/// `POST /revoke`.
pub async fn revoke(State(app): State<App>, request: Request) -> Response {
    let now = app.clock.now();
    let received = match form::read(request).await {
        Ok(received) => received,
        Err(refusal) => return refusal.into_response(),
    };
    let client = match client_auth::authenticate(&app, &received, now).await {
        Ok(client) => client,
        Err(refusal) => return refusal.into_response(),
    };
    let response = match take_back(&app, &client, &received, now).await {
        Ok(()) => error::json(StatusCode::OK, "{}".to_owned()),
        Err(refusal) => refusal.into_response(),
    };
    cors::for_client(&received.headers, &client, response)
}

async fn take_back(app: &App, client: &Arc<Client>, received: &Received, now: Timestamp) -> Result<(), Refusal> {
    let token = received.parameters.get("token").ok_or(Refusal::Missing("token"))?;
    let by = received.by(By::client(client.id));
    let hash = SecretHash::of(token.as_bytes());
    let mut db = app.store.reader().await?;
    // The hint is not needed: a token is of one kind only.
    if let Some(found) = tokens::find_refresh_token(&mut db, &hash).await? {
        drop(db);
        if found.client_id != client.id {
            return Err(Refusal::ForeignToken);
        }
        let master = Arc::clone(&app.master);
        let unit = async move |tx: &mut store::Tx<'_>| {
            tokens::revoke_grant(tx, found.grant.id, now).await?;
            let event = Event::new(found.organization_id, "grant.revoked", by.clone());
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
    let (master, provider) = (Arc::clone(&app.master), app.provider().await?);
    let unit = async move |tx: &mut store::Tx<'_>| {
        match &id {
            Some(id) if signed => tokens::revoke_token_id(tx, id, found.expires_at).await?,
            _ => tokens::revoke_opaque(tx, &hash, now).await?,
        }
        let user = match found.user_id {
            Some(user) => users::find(tx, user).await?,
            None => None,
        };
        let Some(organization) = user.map(|user| user.organization_id).or(provider) else { return Ok(()) };
        let event = Event::new(organization, "access_token.revoked", by.clone());
        let event = match found.grant_id {
            Some(grant) => event.on(SubjectKind::Grant, grant.0),
            None => event.on(SubjectKind::Client, found.client_id.0),
        };
        audit::record(tx, &master, event, now).await
    };
    Ok(app.store.write::<_, store::Error, _>(unit).await?)
}
