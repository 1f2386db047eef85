use super::{AuthorizationRequest, Consent};
use crate::{
    clock::Timestamp,
    id::{AuthorizationRequestId, ClientRowId, UserId},
    secret::SecretHash,
    store::{Db, Json, Result, Tx},
    tokens::Scope,
};

statements! {
    INSERT = "
        INSERT INTO authorization_requests (id, client_id, browser_hash, parameters, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "
        SELECT * FROM authorization_requests
         WHERE id = $1 AND browser_hash = $2 AND consumed_at IS NULL AND expires_at > $3";
    /// The `client_id` of who waits.
    CLIENT_OF = "
        SELECT c.client_id FROM authorization_requests r JOIN clients c ON c.id = r.client_id
         WHERE r.id = $1 AND r.browser_hash = $2 AND r.consumed_at IS NULL AND r.expires_at > $3";
    GIVE_CONSENT = "
        UPDATE authorization_requests SET consented_by = $3
         WHERE id = $1 AND browser_hash = $2 AND consumed_at IS NULL AND expires_at > $4";
    CONSUME = "UPDATE authorization_requests SET consumed_at = $2 WHERE id = $1 AND consumed_at IS NULL";
    FIND_CONSENT = "SELECT scope FROM consents WHERE user_id = $1 AND client_id = $2";
    CONSENTS_OF_USER = "
        SELECT c.id AS client_id, c.name AS client_name, o.scope FROM consents o JOIN clients c ON c.id = o.client_id
         WHERE o.user_id = $1 ORDER BY c.name, c.id";
    WITHDRAW_CONSENT = "DELETE FROM consents WHERE user_id = $1 AND client_id = $2";
    REMEMBER_CONSENT = "
        INSERT INTO consents (user_id, client_id, scope, granted_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, granted_at = excluded.granted_at";
}

#[derive(sqlx::FromRow)]
struct Row {
    id: AuthorizationRequestId,
    client_id: ClientRowId,
    browser_hash: SecretHash,
    parameters: Json<Vec<(String, String)>>,
    consented_by: Option<UserId>,
    created_at: Timestamp,
    expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
}

impl From<Row> for AuthorizationRequest {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            client_id: row.client_id,
            browser_hash: row.browser_hash,
            parameters: row.parameters.0,
            consented_by: row.consented_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            consumed_at: row.consumed_at,
        }
    }
}

/// Keeps a request until its user is back.
///
/// # Errors
/// The database's, here and below.
pub async fn insert(tx: &mut Tx<'_>, request: &AuthorizationRequest) -> Result<()> {
    later!(
        tx,
        INSERT,
        request.id,
        request.client_id,
        &request.browser_hash,
        Json(&request.parameters),
        request.created_at,
        request.expires_at,
    )
}

/// The request of that id, if this browser brought it and it still waits.
pub async fn find(
    db: &mut Db<'_>,
    id: AuthorizationRequestId,
    browser: &SecretHash,
    now: Timestamp,
) -> Result<Option<AuthorizationRequest>> {
    Ok(fetch_optional!(db, Row, FIND, id, browser, now)?.map(AuthorizationRequest::from))
}

/// The `client_id` of the client whose request waits in this browser.
pub async fn client_of(
    db: &mut Db<'_>,
    id: AuthorizationRequestId,
    browser: &SecretHash,
    now: Timestamp,
) -> Result<Option<String>> {
    Ok(fetch_optional!(db, (String,), CLIENT_OF, id, browser, now)?.map(|(client_id,)| client_id))
}

/// Notes who allowed it; `false` if it no longer waits in this browser.
pub async fn give_consent(
    tx: &mut Tx<'_>,
    id: AuthorizationRequestId,
    browser: &SecretHash,
    user: UserId,
    now: Timestamp,
) -> Result<bool> {
    Ok(execute!(tx, GIVE_CONSENT, id, browser, user, now)? == 1)
}

/// Answers it; `false` if it was answered before.
pub async fn consume(tx: &mut Tx<'_>, id: AuthorizationRequestId, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, CONSUME, id, now)? == 1)
}

/// What the user has allowed the client before.
pub async fn find_consent(db: &mut Db<'_>, user: UserId, client: ClientRowId) -> Result<Option<Scope>> {
    let row = fetch_optional!(db, (String,), FIND_CONSENT, user, client)?;
    Ok(row.and_then(|(scope,)| scope.parse().ok()))
}

/// All that the user has allowed, by the clients' names.
pub async fn consents_of_user(db: &mut Db<'_>, user: UserId) -> Result<Vec<Consent>> {
    fetch_all!(db, Consent, CONSENTS_OF_USER, user)
}

/// Forgets what the user allowed the client; `false` if that was nothing.
pub async fn withdraw_consent(tx: &mut Tx<'_>, user: UserId, client: ClientRowId) -> Result<bool> {
    Ok(execute!(tx, WITHDRAW_CONSENT, user, client)? == 1)
}

/// Remembers what the user allows the client, beside what they allowed before.
pub async fn remember_consent(
    tx: &mut Tx<'_>,
    user: UserId,
    client: ClientRowId,
    scope: &Scope,
    now: Timestamp,
) -> Result<()> {
    let before = find_consent(tx, user, client).await?.unwrap_or_default();
    later!(tx, REMEMBER_CONSENT, user, client, before.joined(scope).to_string(), now)
}
