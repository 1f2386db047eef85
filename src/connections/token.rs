use std::time::Duration;

use sqlx::FromRow;

use super::{Connection, Status, connection, sql};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, ConnectionId, ConnectionTokenId},
    secret::{Secret, SecretHash},
    store::{Db, Result, Tx},
};

/// What scanners and people recognise a token by.
const PREFIX: &str = "cst_scim_";
/// `last_used_at` moves at most this often, so that reading costs no writes.
const LAST_USED_PRECISION: Duration = Duration::from_secs(60);
/// Two, so that a token can be replaced without a gap (V1).
const LIVE_TOKENS: i64 = 2;

/// A bearer token of a connection, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Token {
    pub id: ConnectionTokenId,
    /// Its last four characters.
    pub hint: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Whether it opens anything at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }
}

/// Two tokens of the connection live already; one must be revoked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("two tokens of this connection are live already; revoke one first")]
pub struct TwoLive;

/// Who a request comes from.
#[derive(Debug, Clone)]
pub struct Bearer {
    pub connection: Connection,
    /// `None`: an access token of an OAuth client of the connection.
    pub token: Option<ConnectionTokenId>,
    /// Whether [`touch`] is due.
    pub stale: bool,
}

/// Issues a token that lives until `expires_at`. The secret is shown once and never stored.
///
/// # Errors
/// The database failed.
pub async fn issue_token(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Result<(Secret, Token), TwoLive>> {
    lock(tx, connection).await?;
    let (live,) = fetch_one!(tx, (i64,), sql::COUNT_LIVE_TOKENS, connection, now)?;
    if live >= LIVE_TOKENS {
        return Ok(Err(TwoLive));
    }
    let secret = Secret::random_with_prefix(PREFIX);
    let token = Token {
        id: ConnectionTokenId::new(now),
        hint: secret.expose().chars().skip(secret.expose().len() - 4).collect(),
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    execute!(tx, sql::INSERT_TOKEN, token.id, connection, secret.hash(), &token.hint, now, expires_at)?;
    Ok(Ok((secret, token)))
}

/// Ends a token at once; `false` if the connection has no such live token.
///
/// # Errors
/// The database failed.
pub async fn revoke_token(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    token: ConnectionTokenId,
    now: Timestamp,
) -> Result<bool> {
    Ok(execute!(tx, sql::REVOKE_TOKEN, connection, token, now)? == 1)
}

/// Makes live tokens end at `end`, unless they end before: a rotation has begun.
///
/// # Errors
/// The database failed.
pub async fn end_tokens_by(tx: &mut Tx<'_>, connection: ConnectionId, end: Timestamp) -> Result<()> {
    later!(tx, sql::END_TOKENS_BY, connection, end)
}

/// A connection's tokens, newest first, ended ones too.
///
/// # Errors
/// The database failed.
pub async fn tokens(db: &mut Db<'_>, connection: ConnectionId) -> Result<Vec<Token>> {
    fetch_all!(db, Token, sql::TOKENS, connection)
}

/// The connection `id` if `bearer` is a live token of it and it is active (RFC 7644 §2).
///
/// # Errors
/// The database failed.
pub async fn authenticate(db: &mut Db<'_>, bearer: &str, id: ConnectionId, now: Timestamp) -> Result<Option<Bearer>> {
    if !bearer.starts_with(PREFIX) {
        return Ok(None);
    }
    let hash = SecretHash::of(bearer.as_bytes());
    let Some(found) = fetch_optional!(db, Found, sql::FIND_BEARER, id, hash, now)? else { return Ok(None) };
    let stale = found.token_last_used_at.is_none_or(|at| now.since(at) >= LAST_USED_PRECISION);
    Ok(Some(Bearer { connection: found.connection.into(), token: Some(found.token_id), stale }))
}

#[derive(FromRow)]
struct Found {
    token_id: ConnectionTokenId,
    token_last_used_at: Option<Timestamp>,
    #[sqlx(flatten)]
    connection: connection::Row,
}

/// The connection `id` if `client`, whose access token the caller has judged, is one of its clients and it
/// is active.
///
/// # Errors
/// The database failed.
pub async fn by_client(
    db: &mut Db<'_>,
    client: ClientRowId,
    id: ConnectionId,
    now: Timestamp,
) -> Result<Option<Bearer>> {
    let connection = super::of_client(db, client).await?;
    let connection = connection.filter(|connection| connection.id == id && connection.status == Status::Active);
    Ok(connection.map(|connection| {
        let stale = connection.last_used_at.is_none_or(|at| now.since(at) >= LAST_USED_PRECISION);
        Bearer { connection, token: None, stale }
    }))
}

/// Writes the connection's row: whoever counts something of a connection does this first, so that two at
/// once queue for the count.
///
/// # Errors
/// The database failed.
pub async fn lock(tx: &mut Tx<'_>, connection: ConnectionId) -> Result<()> {
    execute!(tx, sql::LOCK, connection)?;
    Ok(())
}

/// Notes that a token was used.
///
/// # Errors
/// The database failed.
pub async fn touch(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    token: Option<ConnectionTokenId>,
    now: Timestamp,
) -> Result<()> {
    if let Some(token) = token {
        later!(tx, sql::TOUCH_TOKEN, token, now)?;
    }
    later!(tx, sql::TOUCH, connection, now)
}
