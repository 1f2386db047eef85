//! The SQL of `mfa`.

use crate::{
    clock::Timestamp,
    id::{FactorId, UserId},
    secret::{Sealed, SecretHash},
    store::{Db, Result, Tx},
};

statements! {
    /// The confirmed factors of a user.
    LIST = "
        SELECT id, kind, name, created_at, last_used_at FROM factors
         WHERE user_id = $1 AND confirmed_at IS NOT NULL ORDER BY created_at, id";
    /// The confirmed ones of a kind, with what is sealed in them.
    LIST_SEALED = "
        SELECT id, sealed FROM factors
         WHERE user_id = $1 AND kind = $2 AND confirmed_at IS NOT NULL ORDER BY created_at, id";
    /// The newest set-up under way.
    FIND_SETUP = "
        SELECT id, sealed FROM factors
         WHERE user_id = $1 AND kind = $2 AND confirmed_at IS NULL AND created_at > $3
         ORDER BY created_at DESC, id DESC LIMIT 1";
    /// Drops set-ups that were not finished.
    DELETE_SETUPS = "DELETE FROM factors WHERE user_id = $1 AND kind = $2 AND confirmed_at IS NULL";
    /// A factor, unconfirmed.
    INSERT = "
        INSERT INTO factors (id, user_id, kind, name, sealed, credential_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// One confirmation wins; the code's step is spent with it.
    CONFIRM_TOTP = "
        UPDATE factors SET confirmed_at = $5, name = $2, sealed = $3, last_step = $4
         WHERE id = $1 AND kind = 'totp' AND confirmed_at IS NULL RETURNING id";
    /// Only forward: a code is accepted once, and no older one after it.
    SPEND_STEP = "
        UPDATE factors SET last_step = $2, last_used_at = $3
         WHERE id = $1 AND confirmed_at IS NOT NULL AND (last_step IS NULL OR last_step < $2) RETURNING id";
    /// Another name.
    RENAME = "UPDATE factors SET name = $3 WHERE user_id = $1 AND id = $2 AND confirmed_at IS NOT NULL RETURNING id";
    /// The old set goes before a new one comes.
    DELETE_RECOVERY_CODES = "DELETE FROM recovery_codes WHERE user_id = $1";
    /// One code of a new set.
    INSERT_RECOVERY_CODE = "INSERT INTO recovery_codes (user_id, code_hash, created_at) VALUES ($1, $2, $3)";
    /// One winner.
    CONSUME_RECOVERY_CODE = "
        UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL
        RETURNING user_id";
    /// How many are left.
    COUNT_RECOVERY_CODES = "
        SELECT CAST(COUNT(*) AS BIGINT) AS remaining FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL";
}

#[derive(sqlx::FromRow)]
pub struct FactorRow {
    pub id: FactorId,
    pub kind: String,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
pub struct SealedRow {
    pub id: FactorId,
    pub sealed: Sealed,
}

/// A factor to be.
pub struct NewFactor<'a> {
    pub id: FactorId,
    pub user: UserId,
    pub kind: &'static str,
    pub name: &'a str,
    pub sealed: &'a Sealed,
    pub credential_id: Option<&'a [u8]>,
}

pub async fn list(db: &mut Db<'_>, user: UserId) -> Result<Vec<FactorRow>> {
    fetch_all!(db, FactorRow, LIST, user)
}

pub async fn list_sealed(db: &mut Db<'_>, user: UserId, kind: &str) -> Result<Vec<SealedRow>> {
    fetch_all!(db, SealedRow, LIST_SEALED, user, kind)
}

pub async fn find_setup(db: &mut Db<'_>, user: UserId, kind: &str, since: Timestamp) -> Result<Option<SealedRow>> {
    fetch_optional!(db, SealedRow, FIND_SETUP, user, kind, since)
}

pub async fn delete_setups(tx: &mut Tx<'_>, user: UserId, kind: &str) -> Result<()> {
    execute!(tx, DELETE_SETUPS, user, kind)?;
    Ok(())
}

pub async fn insert(tx: &mut Tx<'_>, new: &NewFactor<'_>, now: Timestamp) -> Result<()> {
    execute!(tx, INSERT, new.id, new.user, new.kind, new.name, new.sealed, new.credential_id, now)?;
    Ok(())
}

pub async fn confirm_totp(
    tx: &mut Tx<'_>,
    factor: FactorId,
    name: &str,
    (sealed, step): (&Sealed, i64),
    now: Timestamp,
) -> Result<bool> {
    Ok(fetch_optional!(tx, (FactorId,), CONFIRM_TOTP, factor, name, sealed, step, now)?.is_some())
}

pub async fn spend_step(tx: &mut Tx<'_>, factor: FactorId, step: i64, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(tx, (FactorId,), SPEND_STEP, factor, step, now)?.is_some())
}

pub async fn rename(tx: &mut Tx<'_>, user: UserId, factor: FactorId, name: &str) -> Result<bool> {
    Ok(fetch_optional!(tx, (FactorId,), RENAME, user, factor, name)?.is_some())
}

pub async fn delete_recovery_codes(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    execute!(tx, DELETE_RECOVERY_CODES, user)?;
    Ok(())
}

pub async fn insert_recovery_code(tx: &mut Tx<'_>, user: UserId, hash: &SecretHash, now: Timestamp) -> Result<()> {
    execute!(tx, INSERT_RECOVERY_CODE, user, hash, now)?;
    Ok(())
}

pub async fn consume_recovery_code(tx: &mut Tx<'_>, user: UserId, hash: &SecretHash, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(tx, (UserId,), CONSUME_RECOVERY_CODE, user, hash, now)?.is_some())
}

pub async fn count_recovery_codes(db: &mut Db<'_>, user: UserId) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), COUNT_RECOVERY_CODES, user)?.0)
}
