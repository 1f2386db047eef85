//! Who calls: a bearer token of the connection, or an access token of one of its OAuth clients.

use axum::{
    RequestExt,
    extract::Request,
    http::{HeaderMap, header},
};

use crate::{
    app::App,
    audit::By,
    clock::Timestamp,
    connections::{self, Bearer},
    http::{ClientAddress, UserAgent},
    id::ConnectionId,
    scim::{answer::Fault, error::Refusal},
    store::Db,
    tokens,
};

/// The bearer token in the header, never in the query (RFC 6750 §2.1, RFC 7644 §2): one of the connection's
/// own, or an access token of a client of it.
pub(super) async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    id: ConnectionId,
    now: Timestamp,
) -> Result<Bearer, Fault> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::Unauthorized.into());
    }
    let mut db = app.store.reader().await?;
    let bearer = match connections::authenticate(&mut db, token.trim(), id, now).await? {
        Some(bearer) => Some(bearer),
        None => by_client(app, &mut db, token.trim(), id, now).await?,
    };
    let bearer = bearer.ok_or(Refusal::Unauthorized)?;
    drop(db);
    if bearer.stale {
        let token = bearer.token;
        app.store.write(async move |tx| connections::touch(tx, id, token, now).await).await?;
    }
    Ok(bearer)
}

/// The connection that an access token is for: by its audience, its scope, and because its client still is
/// one of the connection's.
async fn by_client(
    app: &App,
    db: &mut Db<'_>,
    token: &str,
    id: ConnectionId,
    now: Timestamp,
) -> Result<Option<Bearer>, Fault> {
    // Only these are signed; other kinds of token are not looked up.
    if !token.contains('.') {
        return Ok(None);
    }
    let Some(access) = tokens::authenticate(db, &app.keys, token, now).await? else { return Ok(None) };
    let Some(bearer) = connections::by_client(db, access.client_id, id, now).await? else { return Ok(None) };
    let base_url = app.config.url(&bearer.connection.path());
    let is_meant =
        access.user_id.is_none() && access.scope.contains(connections::SCOPE) && access.audience.contains(&base_url);
    Ok(is_meant.then_some(bearer))
}

pub(super) async fn by(request: &mut Request, id: ConnectionId) -> By {
    let address = request.extract_parts::<ClientAddress>().await.unwrap_or_else(|error| match error {});
    let UserAgent(agent) = request.extract_parts::<UserAgent>().await.unwrap_or_else(|error| match error {});
    By::connection(id).at(address.to_string(), agent)
}
