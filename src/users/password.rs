//! Passwords: how strong they must be, how they are hashed, and what they may count for.
//!
//! - [`Hasher`] is the only place where a slow hash runs: a small pool of threads with a queue that
//!   refuses after a deadline, so that a flood of sign-ins cannot starve the token endpoint.
//! - [`check_strength`] judges a new one: length, commonness, words of the person's own.
//! - [`set`] and [`confirm`] keep the row. A password set by a mailed reset proves no more than
//!   access to a mailbox, so it stays unconfirmed until a factor other than e-mail has stood beside
//!   it (security.md section 0.1), which `mfa` reads.
//!
//! Invariants: what was typed is hashed as NFKC bytes, never trimmed or cut; verifying against
//! no password costs as much as against one; no password and no hash appears in `Debug`.

mod hash;
mod pool;
mod sql;
mod strength;

use crate::{
    clock::Timestamp,
    id::UserId,
    store::{Db, Error, Result, Tx},
};

pub use hash::{Cost, PasswordHash};
pub use pool::{Busy, Hasher, Verdict};
pub use sql::STATEMENTS;
pub use strength::{MAXIMUM_BYTES, Weak, check_strength};

text_enum! {
    /// By which way a password came to be set.
    pub enum SetBy {
        /// With the account's first link, or by an operator on the command line.
        Activation = "activation",
        /// By its owner, who gave the old one.
        Change = "change",
        /// By a link that was mailed: proves the mailbox and no more.
        MailedReset = "mailed_reset",
        /// Taken over from an older system.
        Import = "import",
    }
}

/// A user's password row.
#[derive(Debug, Clone)]
pub struct Password {
    pub hash: PasswordHash,
    pub set_at: Timestamp,
    pub set_by: SetBy,
    /// When a factor other than e-mail stood beside it.
    pub confirmed_at: Option<Timestamp>,
}

impl Password {
    /// Whether nothing but access to a mailbox stands behind it (security.md section 0.1).
    pub fn is_mailbox_only(&self) -> bool {
        self.set_by == SetBy::MailedReset && self.confirmed_at.is_none()
    }
}

/// The user's password, if there is one.
///
/// # Errors
/// The database failed.
pub async fn find(db: &mut Db<'_>, user: UserId) -> Result<Option<Password>> {
    let row = sql::find(db, user).await?;
    row.map(|row| {
        Ok(Password {
            hash: row.hash,
            set_at: row.set_at,
            set_by: row.set_by.parse().map_err(Error::Damaged)?,
            confirmed_at: row.confirmed_at,
        })
    })
    .transpose()
}

/// Sets the password, whether or not there was one.
///
/// A password that its owner changed inherits the standing of the old one: knowing an unconfirmed
/// password is still no more than having had the mailbox.
///
/// # Errors
/// The database failed.
pub async fn set(tx: &mut Tx<'_>, user: UserId, hash: &PasswordHash, by: SetBy, now: Timestamp) -> Result<()> {
    let mailbox_only = find(tx, user).await?.is_some_and(|password| password.is_mailbox_only());
    let by = if by == SetBy::Change && mailbox_only { SetBy::MailedReset } else { by };
    sql::upsert(tx, user, hash, by.as_str(), now).await
}

/// Changes the password from one that its owner has just shown. `false` if it is another by now: two
/// changes at once, or a mailed reset meanwhile.
///
/// # Errors
/// The database failed.
pub async fn replace(
    tx: &mut Tx<'_>,
    user: UserId,
    (from, to): (&PasswordHash, &PasswordHash),
    now: Timestamp,
) -> Result<bool> {
    if !sql::rehash(tx, user, from, to).await? {
        return Ok(false);
    }
    set(tx, user, to, SetBy::Change, now).await?;
    Ok(true)
}

/// Whether the hash that was verified is still the user's password: hashing takes its time, and meanwhile they
/// may have got another one. Its row stays so until this transaction ends. `renewed` takes its place, where it was
/// made at another cost than today's.
///
/// # Errors
/// The database failed.
pub async fn stands(
    tx: &mut Tx<'_>,
    user: UserId,
    verified: &PasswordHash,
    renewed: Option<&PasswordHash>,
) -> Result<bool> {
    sql::rehash(tx, user, verified, renewed.unwrap_or(verified)).await
}

/// Notes that a TOTP code, passkey or recovery code has stood beside the password.
///
/// # Errors
/// The database failed.
pub async fn confirm(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    sql::confirm(tx, user, now).await
}
