//! The rows of signing keys.

use serde_json::Value;

use super::{Algorithm, key::NewKey};
use crate::{
    clock::Timestamp,
    secret::Sealed,
    store::{Db, Json, Result, Tx},
};

statements! {
    LIST = "
        SELECT key_id, algorithm, public_jwk, sealed, activates_at, retires_at, expires_at FROM signing_keys";
    EXISTS = "SELECT key_id FROM signing_keys WHERE algorithm = $1 AND retires_at IS NULL LIMIT 1";
    INSERT = "
        INSERT INTO signing_keys (key_id, algorithm, public_jwk, sealed, created_at, activates_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    /// What signed until now signs until its successor does, and is published until its tokens are over.
    RETIRE = "
        UPDATE signing_keys SET retires_at = $3, expires_at = $4
         WHERE algorithm = $1 AND key_id <> $2 AND retires_at IS NULL";
    /// Compromised: what is published or signs ends at once.
    REVOKE = "
        UPDATE signing_keys SET retires_at = $3, expires_at = $3
         WHERE algorithm = $1 AND key_id <> $2 AND (expires_at IS NULL OR expires_at > $3)";
    /// A row that every change of keys locks first, so that changes come one after the other.
    LOCK = "
        INSERT INTO settings (name, value) VALUES ('signing_keys', '')
        ON CONFLICT (name) DO UPDATE SET value = settings.value";
    DELETE_OLD = "DELETE FROM signing_keys WHERE expires_at <= $1";
}

#[derive(Clone, sqlx::FromRow)]
pub struct KeyRow {
    pub key_id: String,
    pub algorithm: String,
    pub public_jwk: Json<Value>,
    pub sealed: Sealed,
    pub activates_at: Timestamp,
    pub retires_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

pub async fn list(db: &mut Db<'_>) -> Result<Vec<KeyRow>> {
    fetch_all!(db, KeyRow, LIST)
}

pub async fn exists(db: &mut Db<'_>, algorithm: Algorithm) -> Result<bool> {
    Ok(fetch_optional!(db, (String,), EXISTS, algorithm.as_str())?.is_some())
}

pub async fn lock(tx: &mut Tx<'_>) -> Result<()> {
    execute!(tx, LOCK)?;
    Ok(())
}

pub async fn insert(
    tx: &mut Tx<'_>,
    new: &NewKey,
    sealed: &Sealed,
    activates_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let public_jwk = Json(&new.public_jwk);
    execute!(tx, INSERT, new.id.as_str(), new.algorithm.as_str(), &public_jwk, sealed, now, activates_at)?;
    Ok(())
}

pub async fn retire_others(tx: &mut Tx<'_>, new: &NewKey, retires_at: Timestamp, expires_at: Timestamp) -> Result<()> {
    execute!(tx, RETIRE, new.algorithm.as_str(), new.id.as_str(), retires_at, expires_at)?;
    Ok(())
}

pub async fn revoke_others(tx: &mut Tx<'_>, new: &NewKey, now: Timestamp) -> Result<()> {
    execute!(tx, REVOKE, new.algorithm.as_str(), new.id.as_str(), now)?;
    Ok(())
}

pub async fn delete_old(tx: &mut Tx<'_>, ended_before: Timestamp) -> Result<u64> {
    execute!(tx, DELETE_OLD, ended_before)
}
