//! The SQL of `action_tokens`.

use serde_json::Value;

use super::NewActionToken;
use crate::{
    clock::Timestamp,
    id::UserId,
    secret::SecretHash,
    store::{Db, Json, Result, Tx},
};

statements! {
    /// A new link.
    INSERT = "
        INSERT INTO action_tokens (token_hash, user_id, purpose, created_by, data, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// A link that can still be used.
    FIND_LIVE = "
        SELECT user_id, purpose, created_by, data, created_at, expires_at FROM action_tokens
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
    /// One winner.
    CONSUME = "
        UPDATE action_tokens SET used_at = $3
         WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
        RETURNING user_id, purpose, created_by, data, created_at, expires_at";
    /// The user's links of one purpose.
    VOID_PURPOSE = "UPDATE action_tokens SET used_at = $3 WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL";
    /// Whether there is a link of one purpose, used or not, whose time is not over.
    WAS_SENT = "
        SELECT COUNT(*) FROM action_tokens WHERE user_id = $1 AND purpose = $2 AND expires_at > $3";
    /// All of the user's links.
    VOID = "UPDATE action_tokens SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL";
}

#[derive(sqlx::FromRow)]
pub struct Row {
    pub user_id: UserId,
    pub purpose: String,
    pub created_by: Option<UserId>,
    pub data: Json<Value>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

pub async fn insert(tx: &mut Tx<'_>, hash: &SecretHash, new: &NewActionToken, now: Timestamp) -> Result<()> {
    later!(tx, INSERT, hash, new.user_id, new.purpose.as_str(), new.created_by, Json(&new.data), now, new.expires_at,)
}

pub async fn find_live(db: &mut Db<'_>, hash: &SecretHash, now: Timestamp) -> Result<Option<Row>> {
    fetch_optional!(db, Row, FIND_LIVE, hash, now)
}

pub async fn consume(tx: &mut Tx<'_>, hash: &SecretHash, purpose: &str, now: Timestamp) -> Result<Option<Row>> {
    fetch_optional!(tx, Row, CONSUME, hash, purpose, now)
}

pub async fn void_purpose(tx: &mut Tx<'_>, user: UserId, purpose: &str, now: Timestamp) -> Result<()> {
    later!(tx, VOID_PURPOSE, user, purpose, now)
}

pub async fn was_sent(db: &mut Db<'_>, user: UserId, purpose: &str, now: Timestamp) -> Result<bool> {
    Ok(fetch_one!(db, (i64,), WAS_SENT, user, purpose, now)?.0 > 0)
}

pub async fn void(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    later!(tx, VOID, user, now)
}
