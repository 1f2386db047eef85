//! One statement for each act on grants, codes and tokens. "Live" is spelled out in each reading: the
//! user active, and no organization from theirs upwards suspended.

use serde_json::{Map, Value};

use super::{Code, Grant, GrantDetails, NewCode, NewOpaqueToken, RefreshToken, Scope};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, GrantId, OrganizationId, ProductId, SessionId, UserId},
    secret::SecretHash,
    store::{Db, Json, Result, Tx},
};

/// Whether the user may be acted for: active, and no organization from theirs upwards suspended.
macro_rules! is_live {
    () => {
        "u.status = 'active' AND NOT EXISTS (
                   SELECT 1 FROM organization_ancestors a JOIN organizations o ON o.id = a.ancestor_id
                    WHERE a.organization_id = u.organization_id AND o.status <> 'active')"
    };
}

/// What must still be true of the grant of `$table`'s row at the moment in which it is spent.
macro_rules! grant_stands {
    ($table:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM grants g JOIN users u ON u.id = g.user_id
                          WHERE g.id = ",
            $table,
            ".grant_id AND g.revoked_at IS NULL AND ",
            is_live!(),
            ")"
        )
    };
}

statements! {
    INSERT_GRANT = "
        INSERT INTO grants (id, user_id, client_id, session_id, scope, details, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    INSERT_CODE = "
        INSERT INTO authorization_codes (code_hash, grant_id, client_id, redirect_uri, code_challenge, nonce, failures,
                                         expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, 0, $7)";
    FIND_CODE = concat!("
        SELECT g.id, g.user_id, g.client_id, g.session_id, g.scope, g.details, g.created_at, g.expires_at, g.revoked_at,
               u.organization_id, c.client_id AS holder_id, c.redirect_uri, c.code_challenge, c.nonce, c.failures,
               c.expires_at AS code_expires_at, c.consumed_at,
               (", is_live!(), ") AS user_is_live
          FROM authorization_codes c JOIN grants g ON g.id = c.grant_id JOIN users u ON u.id = g.user_id
         WHERE c.code_hash = $1");
    CONSUME_CODE = concat!("
        UPDATE authorization_codes SET consumed_at = $2
         WHERE code_hash = $1 AND consumed_at IS NULL AND failures < $3 AND expires_at > $2 AND ",
        grant_stands!("authorization_codes"));
    COUNT_CODE_FAILURE = "
        UPDATE authorization_codes SET failures = failures + 1 WHERE code_hash = $1 AND consumed_at IS NULL";
    INSERT_REFRESH_TOKEN = "
        INSERT INTO refresh_tokens (token_hash, grant_id, client_id, scope, issued_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    FIND_REFRESH_TOKEN = concat!("
        SELECT g.id, g.user_id, g.client_id, g.session_id, g.scope, g.details, g.created_at, g.expires_at, g.revoked_at,
               u.organization_id, r.client_id AS holder_id, r.scope AS token_scope, r.expires_at AS token_expires_at, r.consumed_at,
               (", is_live!(), ") AS user_is_live
          FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id JOIN users u ON u.id = g.user_id
         WHERE r.token_hash = $1");
    CONSUME_REFRESH_TOKEN = concat!("
        UPDATE refresh_tokens SET consumed_at = $2
         WHERE token_hash = $1 AND consumed_at IS NULL AND expires_at > $2 AND ",
        grant_stands!("refresh_tokens"));
    /// One more use of a token that was rotated a moment ago, where a grace is configured.
    REUSE_WITHIN_GRACE = "UPDATE refresh_tokens SET consumed_at = 0 WHERE token_hash = $1 AND consumed_at > $2";
    INSERT_OPAQUE = "
        INSERT INTO access_tokens (token_hash, grant_id, client_id, user_id, scope, claims, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    REVOKE_OPAQUE = "UPDATE access_tokens SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at IS NULL";
    REVOKE_TOKEN_ID = "INSERT INTO revoked_tokens (token_id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    REVOKE_GRANT = "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    REVOKE_OF_USER = "UPDATE grants SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL";
    REVOKE_OF_SESSION = "UPDATE grants SET revoked_at = $2 WHERE session_id = $1 AND revoked_at IS NULL";
    REVOKE_OF_OTHER_SESSIONS = "
        UPDATE grants SET revoked_at = $3
         WHERE user_id = $1 AND (session_id IS NULL OR session_id <> $2) AND revoked_at IS NULL";
    REVOKE_OF_CLIENT = "UPDATE grants SET revoked_at = $3 WHERE user_id = $1 AND client_id = $2 AND revoked_at IS NULL";
    CLIENTS_OF_SESSION = "SELECT DISTINCT client_id FROM grants WHERE session_id = $1";
    /// Those of one product that the user is signed in to.
    CLIENTS_OF_USER = "
        SELECT DISTINCT g.client_id FROM grants g JOIN clients c ON c.id = g.client_id
         WHERE g.user_id = $1 AND c.product_id = $2 AND g.revoked_at IS NULL";
    NOTE_ASSERTION = "
        INSERT INTO client_assertions (assertion_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    /// Whose a signed token of a grant is, while everything it rests on stands.
    STANDING_OF_GRANT = concat!("
        SELECT g.client_id, g.user_id, g.id AS grant_id, g.session_id, g.details
          FROM grants g JOIN users u ON u.id = g.user_id JOIN clients c ON c.id = g.client_id
         WHERE g.id = $1 AND g.revoked_at IS NULL AND c.status = 'active' AND ", is_live!(), "
           AND NOT EXISTS (SELECT 1 FROM revoked_tokens t WHERE t.token_id = $2)");
    /// The same for a client acting for itself.
    STANDING_OF_CLIENT = "
        SELECT id FROM clients
         WHERE client_id = $1 AND status = 'active'
           AND NOT EXISTS (SELECT 1 FROM revoked_tokens t WHERE t.token_id = $2)";
    /// The same for an opaque token, with what it says.
    FIND_OPAQUE = concat!("
        SELECT t.client_id, t.user_id, t.grant_id, g.session_id, g.details, t.claims
          FROM access_tokens t JOIN clients c ON c.id = t.client_id
          LEFT JOIN grants g ON g.id = t.grant_id
          LEFT JOIN users u ON u.id = t.user_id
         WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > $2 AND c.status = 'active'
           AND (t.grant_id IS NULL OR (g.id IS NOT NULL AND g.revoked_at IS NULL))
           AND (t.user_id IS NULL OR (", is_live!(), "))");
}

#[derive(sqlx::FromRow)]
struct GrantRow {
    id: GrantId,
    user_id: UserId,
    client_id: ClientRowId,
    session_id: Option<SessionId>,
    #[sqlx(try_from = "String")]
    scope: Scope,
    details: Json<GrantDetails>,
    created_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

impl From<GrantRow> for Grant {
    fn from(row: GrantRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            client_id: row.client_id,
            session_id: row.session_id,
            scope: row.scope,
            details: row.details.0,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}

#[derive(sqlx::FromRow)]
struct CodeRow {
    #[sqlx(flatten)]
    grant: GrantRow,
    organization_id: OrganizationId,
    holder_id: ClientRowId,
    redirect_uri: String,
    code_challenge: Option<String>,
    nonce: Option<String>,
    failures: i64,
    code_expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
    user_is_live: bool,
}

#[derive(sqlx::FromRow)]
struct RefreshRow {
    #[sqlx(flatten)]
    grant: GrantRow,
    organization_id: OrganizationId,
    holder_id: ClientRowId,
    #[sqlx(try_from = "String")]
    token_scope: Scope,
    token_expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
    user_is_live: bool,
}

/// Keeps a grant.
///
/// # Errors
/// The database's, here and below.
pub async fn insert_grant(tx: &mut Tx<'_>, grant: &Grant) -> Result<()> {
    later!(
        tx,
        INSERT_GRANT,
        grant.id,
        grant.user_id,
        grant.client_id,
        grant.session_id,
        grant.scope.to_string(),
        Json(&grant.details),
        grant.created_at,
        grant.expires_at,
    )
}

/// Keeps a code.
pub async fn insert_code(tx: &mut Tx<'_>, code: &NewCode) -> Result<()> {
    later!(
        tx,
        INSERT_CODE,
        &code.code_hash,
        code.grant_id,
        code.client_id,
        &code.redirect_uri,
        &code.code_challenge,
        &code.nonce,
        code.expires_at,
    )
}

/// The code, used or not, with its grant.
pub async fn find_code(db: &mut Db<'_>, code: &SecretHash) -> Result<Option<Code>> {
    let row = fetch_optional!(db, CodeRow, FIND_CODE, code)?;
    Ok(row.map(|row| Code {
        grant: row.grant.into(),
        organization_id: row.organization_id,
        client_id: row.holder_id,
        redirect_uri: row.redirect_uri,
        code_challenge: row.code_challenge,
        nonce: row.nonce,
        failures: row.failures,
        expires_at: row.code_expires_at,
        consumed_at: row.consumed_at,
        user_is_live: row.user_is_live,
    }))
}

/// Spends the code, all whose unchanging parts have been judged; `false` if another request was faster, or its
/// grant or user no longer stand.
pub async fn consume_code(tx: &mut Tx<'_>, code: &SecretHash, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, CONSUME_CODE, code, now, super::code::FAILURES)? == 1)
}

/// Counts a redemption with invalid proof.
pub async fn count_code_failure(tx: &mut Tx<'_>, code: &SecretHash) -> Result<()> {
    later!(tx, COUNT_CODE_FAILURE, code)
}

/// Keeps a refresh token of a grant.
pub async fn insert_refresh_token(
    tx: &mut Tx<'_>,
    token: &SecretHash,
    grant: &Grant,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let scope = grant.scope.to_string();
    later!(tx, INSERT_REFRESH_TOKEN, token, grant.id, grant.client_id, scope, now, expires_at)
}

/// The refresh token, used or not, with its grant.
pub async fn find_refresh_token(db: &mut Db<'_>, token: &SecretHash) -> Result<Option<RefreshToken>> {
    let row = fetch_optional!(db, RefreshRow, FIND_REFRESH_TOKEN, token)?;
    Ok(row.map(|row| RefreshToken {
        grant: row.grant.into(),
        organization_id: row.organization_id,
        client_id: row.holder_id,
        scope: row.token_scope,
        expires_at: row.token_expires_at,
        consumed_at: row.consumed_at,
        user_is_live: row.user_is_live,
    }))
}

/// Spends the refresh token; `false` if another request was faster, or it, its grant or user no longer stand.
pub async fn consume_refresh_token(tx: &mut Tx<'_>, token: &SecretHash, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, CONSUME_REFRESH_TOKEN, token, now)? == 1)
}

/// Lets a token that was rotated after `since` pass once more; `false` if it was not, or has passed already.
pub async fn reuse_within_grace(tx: &mut Tx<'_>, token: &SecretHash, since: Timestamp) -> Result<bool> {
    Ok(execute!(tx, REUSE_WITHIN_GRACE, token, since)? == 1)
}

/// Keeps an opaque access token.
pub async fn insert_opaque(tx: &mut Tx<'_>, token: &NewOpaqueToken) -> Result<()> {
    later!(
        tx,
        INSERT_OPAQUE,
        &token.token_hash,
        token.grant_id,
        token.client_id,
        token.user_id,
        token.scope.to_string(),
        Json(&token.claims),
        token.expires_at,
    )
}

/// Revokes one opaque access token.
pub async fn revoke_opaque(tx: &mut Tx<'_>, token: &SecretHash, now: Timestamp) -> Result<()> {
    later!(tx, REVOKE_OPAQUE, token, now)
}

/// Revokes one signed access token by its `jti`, remembered until it would have ended.
pub async fn revoke_token_id(tx: &mut Tx<'_>, token_id: &str, expires_at: Timestamp) -> Result<()> {
    later!(tx, REVOKE_TOKEN_ID, token_id, expires_at)
}

/// Ends a grant and with it every code and token of its family.
pub async fn revoke_grant(tx: &mut Tx<'_>, id: GrantId, now: Timestamp) -> Result<()> {
    later!(tx, REVOKE_GRANT, id, now)
}

/// Ends all grants of a user.
pub async fn revoke_of_user(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    later!(tx, REVOKE_OF_USER, user, now)
}

/// Ends all grants given in a browser session.
pub async fn revoke_of_session(tx: &mut Tx<'_>, session: SessionId, now: Timestamp) -> Result<()> {
    later!(tx, REVOKE_OF_SESSION, session, now)
}

/// Ends all grants of a user but those of one session: the password was changed there.
pub async fn revoke_of_other_sessions(tx: &mut Tx<'_>, user: UserId, session: SessionId, now: Timestamp) -> Result<()> {
    later!(tx, REVOKE_OF_OTHER_SESSIONS, user, session, now)
}

/// Ends what a user allowed one client.
pub async fn revoke_of_client(tx: &mut Tx<'_>, user: UserId, client: ClientRowId, now: Timestamp) -> Result<()> {
    later!(tx, REVOKE_OF_CLIENT, user, client, now)
}

/// The clients that were signed in to in a session: those to tell when it ends.
pub async fn clients_of_session(db: &mut Db<'_>, session: SessionId) -> Result<Vec<ClientRowId>> {
    Ok(fetch_all!(db, (ClientRowId,), CLIENTS_OF_SESSION, session)?.into_iter().map(|(id,)| id).collect())
}

/// The clients of a product that a user is signed in to: those to tell when the user loses the product.
pub async fn clients_of_user(db: &mut Db<'_>, user: UserId, product: ProductId) -> Result<Vec<ClientRowId>> {
    Ok(fetch_all!(db, (ClientRowId,), CLIENTS_OF_USER, user, product)?.into_iter().map(|(id,)| id).collect())
}

/// Marks a client assertion as seen; `false` if it was before (RFC 7523 §3 item 7).
pub async fn note_assertion(tx: &mut Tx<'_>, assertion: &SecretHash, expires_at: Timestamp) -> Result<bool> {
    Ok(execute!(tx, NOTE_ASSERTION, assertion, expires_at)? == 1)
}

/// Whose an access token is.
#[derive(sqlx::FromRow)]
pub(super) struct Standing {
    pub client_id: ClientRowId,
    pub user_id: Option<UserId>,
    pub grant_id: Option<GrantId>,
    pub session_id: Option<SessionId>,
    /// Of the grant.
    pub details: Option<Json<GrantDetails>>,
}

#[derive(sqlx::FromRow)]
struct OpaqueRow {
    #[sqlx(flatten)]
    standing: Standing,
    claims: Json<Map<String, Value>>,
}

pub(super) async fn standing_of_grant(db: &mut Db<'_>, grant: GrantId, token_id: &str) -> Result<Option<Standing>> {
    fetch_optional!(db, Standing, STANDING_OF_GRANT, grant, token_id)
}

pub(super) async fn standing_of_client(db: &mut Db<'_>, client_id: &str, token_id: &str) -> Result<Option<Standing>> {
    let row = fetch_optional!(db, (ClientRowId,), STANDING_OF_CLIENT, client_id, token_id)?;
    Ok(row.map(|(client_id,)| Standing { client_id, user_id: None, grant_id: None, session_id: None, details: None }))
}

pub(super) async fn find_opaque(
    db: &mut Db<'_>,
    token: &SecretHash,
    now: Timestamp,
) -> Result<Option<(Map<String, Value>, Standing)>> {
    let row = fetch_optional!(db, OpaqueRow, FIND_OPAQUE, token, now)?;
    Ok(row.map(|row| (row.claims.0, row.standing)))
}
