//! The SQL of `mfa`.

use uuid::Uuid;

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
    /// A factor, or a set-up of one.
    INSERT = "
        INSERT INTO factors (id, user_id, kind, name, sealed, credential_id, created_at, confirmed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// One confirmation wins; the code's step is spent with it.
    CONFIRM_TOTP = "
        UPDATE factors SET confirmed_at = $5, name = $2, sealed = $3, last_step = $4
         WHERE id = $1 AND kind = 'totp' AND confirmed_at IS NULL RETURNING id";
    /// Only forward: a code is accepted once, and no older one after it.
    SPEND_STEP = "
        UPDATE factors SET last_step = $2, last_used_at = $3
         WHERE id = $1 AND confirmed_at IS NOT NULL AND (last_step IS NULL OR last_step < $2) RETURNING id";
    /// A passkey by the id that its authenticator gave it.
    FIND_CREDENTIAL = "
        SELECT id, user_id, sealed FROM factors
         WHERE credential_id = $1 AND kind = 'passkey' AND confirmed_at IS NOT NULL";
    /// A passkey was used: its counter is inside.
    USE_PASSKEY = "UPDATE factors SET sealed = $2, last_used_at = $3 WHERE id = $1 AND kind = 'passkey'";
    /// A ceremony begins.
    INSERT_CEREMONY = "
        INSERT INTO webauthn_ceremonies (id, user_id, bound_to, kind, sealed, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    /// One answer, at the place the ceremony was made for.
    CONSUME_CEREMONY = "
        UPDATE webauthn_ceremonies SET consumed_at = $5
         WHERE id = $1 AND bound_to = $3 AND kind = $4 AND consumed_at IS NULL AND expires_at > $5
           AND (user_id = $2 OR (user_id IS NULL AND kind = 'discover'))
        RETURNING sealed";
    /// Whether there is any factor.
    HAS_FACTOR = "SELECT id FROM factors WHERE user_id = $1 AND confirmed_at IS NOT NULL LIMIT 1";
    /// A new code replaces the one before.
    VOID_EMAIL_CODES = "
        UPDATE email_codes SET used_at = $3 WHERE user_id = $1 AND bound_to = $2 AND used_at IS NULL";
    /// A code.
    INSERT_EMAIL_CODE = "
        INSERT INTO email_codes (id, user_id, bound_to, code_hash, attempts, created_at, expires_at)
        VALUES ($1, $2, $3, $4, 0, $5, $6)";
    /// Takes one try of what is live; what has none left does not come back.
    TRY_EMAIL_CODES = "
        UPDATE email_codes SET attempts = attempts + 1
         WHERE user_id = $1 AND bound_to = $2 AND used_at IS NULL AND expires_at > $4 AND attempts < $3
        RETURNING id, code_hash";
    /// One winner.
    SPEND_EMAIL_CODE = "UPDATE email_codes SET used_at = $2 WHERE id = $1 AND used_at IS NULL RETURNING id";
    /// When it was last of use.
    USE_EMAIL_FACTOR = "UPDATE factors SET last_used_at = $2 WHERE user_id = $1 AND kind = 'email'";
    /// One factor goes.
    DELETE = "DELETE FROM factors WHERE user_id = $1 AND id = $2 AND confirmed_at IS NOT NULL";
    /// All factors go, set-ups too.
    DELETE_ALL = "DELETE FROM factors WHERE user_id = $1";
    /// No browser is trusted any more.
    DELETE_TRUSTED_DEVICES = "DELETE FROM trusted_devices WHERE user_id = $1";
    /// Challenges under way are over.
    END_CEREMONIES = "UPDATE webauthn_ceremonies SET consumed_at = $2 WHERE user_id = $1 AND consumed_at IS NULL";
    /// Codes under way are over.
    END_EMAIL_CODES = "UPDATE email_codes SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL";
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

#[derive(sqlx::FromRow)]
pub struct CredentialRow {
    pub id: FactorId,
    pub user_id: UserId,
    pub sealed: Sealed,
}

#[derive(sqlx::FromRow)]
pub struct EmailCodeRow {
    pub id: Uuid,
    pub code_hash: Sealed,
}

/// A factor to be.
pub struct NewFactor<'a> {
    pub id: FactorId,
    pub user: UserId,
    pub kind: &'static str,
    pub name: &'a str,
    pub sealed: &'a Sealed,
    pub credential_id: Option<&'a [u8]>,
    /// `None` for a set-up.
    pub confirmed_at: Option<Timestamp>,
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
    later!(tx, DELETE_SETUPS, user, kind)
}

pub async fn insert(tx: &mut Tx<'_>, new: &NewFactor<'_>, now: Timestamp) -> Result<()> {
    execute!(tx, INSERT, new.id, new.user, new.kind, new.name, new.sealed, new.credential_id, now, new.confirmed_at)?;
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

pub async fn find_credential(db: &mut Db<'_>, credential_id: &[u8]) -> Result<Option<CredentialRow>> {
    fetch_optional!(db, CredentialRow, FIND_CREDENTIAL, credential_id)
}

pub async fn use_passkey(tx: &mut Tx<'_>, factor: FactorId, sealed: &Sealed, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, USE_PASSKEY, factor, sealed, now)? == 1)
}

/// Whose a ceremony is, what it is bound to, and its kind.
type CeremonyPlace = (Option<UserId>, Uuid, &'static str);

pub async fn insert_ceremony(
    tx: &mut Tx<'_>,
    ceremony: Uuid,
    (user, bound_to, kind): CeremonyPlace,
    sealed: &Sealed,
    expires_at: Timestamp,
) -> Result<()> {
    later!(tx, INSERT_CEREMONY, ceremony, user, bound_to, kind, sealed, expires_at)
}

pub async fn consume_ceremony(
    tx: &mut Tx<'_>,
    ceremony: Uuid,
    (user, bound_to, kind): CeremonyPlace,
    now: Timestamp,
) -> Result<Option<Sealed>> {
    Ok(fetch_optional!(tx, (Sealed,), CONSUME_CEREMONY, ceremony, user, bound_to, kind, now)?.map(|(sealed,)| sealed))
}

pub async fn has_factor(db: &mut Db<'_>, user: UserId) -> Result<bool> {
    Ok(fetch_optional!(db, (FactorId,), HAS_FACTOR, user)?.is_some())
}

pub async fn void_email_codes(tx: &mut Tx<'_>, user: UserId, bound_to: Uuid, now: Timestamp) -> Result<()> {
    later!(tx, VOID_EMAIL_CODES, user, bound_to, now)
}

pub async fn insert_email_code(
    tx: &mut Tx<'_>,
    (id, user, bound_to): (Uuid, UserId, Uuid),
    sealed: &Sealed,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    later!(tx, INSERT_EMAIL_CODE, id, user, bound_to, sealed, now, expires_at)
}

pub async fn try_email_codes(
    tx: &mut Tx<'_>,
    (user, bound_to): (UserId, Uuid),
    tries: i64,
    now: Timestamp,
) -> Result<Vec<EmailCodeRow>> {
    fetch_all!(tx, EmailCodeRow, TRY_EMAIL_CODES, user, bound_to, tries, now)
}

pub async fn spend_email_code(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(tx, (Uuid,), SPEND_EMAIL_CODE, id, now)?.is_some())
}

pub async fn use_email_factor(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    later!(tx, USE_EMAIL_FACTOR, user, now)
}

pub async fn delete(tx: &mut Tx<'_>, user: UserId, factor: FactorId) -> Result<()> {
    later!(tx, DELETE, user, factor)
}

/// Everything that was a second factor of the user, or was about to become one.
pub async fn delete_all(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    later!(tx, DELETE_ALL, user)?;
    later!(tx, DELETE_RECOVERY_CODES, user)?;
    later!(tx, DELETE_TRUSTED_DEVICES, user)?;
    later!(tx, END_CEREMONIES, user, now)?;
    end_email_codes(tx, user, now).await
}

pub async fn end_email_codes(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    later!(tx, END_EMAIL_CODES, user, now)
}

pub async fn rename(tx: &mut Tx<'_>, user: UserId, factor: FactorId, name: &str) -> Result<bool> {
    Ok(fetch_optional!(tx, (FactorId,), RENAME, user, factor, name)?.is_some())
}

pub async fn delete_recovery_codes(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    later!(tx, DELETE_RECOVERY_CODES, user)
}

pub async fn insert_recovery_code(tx: &mut Tx<'_>, user: UserId, hash: &SecretHash, now: Timestamp) -> Result<()> {
    later!(tx, INSERT_RECOVERY_CODE, user, hash, now)
}

pub async fn consume_recovery_code(tx: &mut Tx<'_>, user: UserId, hash: &SecretHash, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(tx, (UserId,), CONSUME_RECOVERY_CODE, user, hash, now)?.is_some())
}

pub async fn count_recovery_codes(db: &mut Db<'_>, user: UserId) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), COUNT_RECOVERY_CODES, user)?.0)
}
