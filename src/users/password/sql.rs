//! The SQL of `users::password`.

use super::PasswordHash;
use crate::{
    clock::Timestamp,
    id::UserId,
    store::{Db, Result, Tx},
};

statements! {
    /// One password.
    FIND = "SELECT hash, set_at, set_by, confirmed_at FROM passwords WHERE user_id = $1";
    /// A new password is unconfirmed, whatever the old one was.
    UPSERT = "
        INSERT INTO passwords (user_id, hash, set_at, set_by, confirmed_at) VALUES ($1, $2, $3, $4, NULL)
        ON CONFLICT (user_id) DO UPDATE
           SET hash = excluded.hash, set_at = excluded.set_at, set_by = excluded.set_by, confirmed_at = NULL";
    /// Only while the password is the one that was verified.
    REHASH = "UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2 RETURNING user_id";
    /// The first confirmation stands.
    CONFIRM = "UPDATE passwords SET confirmed_at = $2 WHERE user_id = $1 AND confirmed_at IS NULL";
}

#[derive(sqlx::FromRow)]
pub struct Row {
    pub hash: PasswordHash,
    pub set_at: Timestamp,
    pub set_by: String,
    pub confirmed_at: Option<Timestamp>,
}

pub async fn find(db: &mut Db<'_>, user: UserId) -> Result<Option<Row>> {
    fetch_optional!(db, Row, FIND, user)
}

pub async fn upsert(tx: &mut Tx<'_>, user: UserId, hash: &PasswordHash, set_by: &str, now: Timestamp) -> Result<()> {
    execute!(tx, UPSERT, user, hash, now, set_by)?;
    Ok(())
}

pub async fn rehash(tx: &mut Tx<'_>, user: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<bool> {
    Ok(fetch_optional!(tx, (UserId,), REHASH, user, old, new)?.is_some())
}

pub async fn confirm(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    later!(tx, CONFIRM, user, now)
}
