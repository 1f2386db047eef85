//! Second factors: what a user has enrolled, what may be asked now, and what policy demands.
//!
//! - [`totp`], [`passkeys`], [`email_code`], [`recovery_codes`]: one file for each way.
//! - [`policy`] says what a user must show for a product; [`step_up`] how fresh it must be.
//! - Here: the list of a user's factors, which of them count at this moment, and taking them all away.
//!
//! Leaves to `login` and `account` the pages, to `sessions` what a finished sign-in is, to
//! `attempts` the counting of wrong answers.
//!
//! Invariants: seeds and credentials are sealed in the database. Every code, step, challenge and
//! recovery code is spent by one conditional statement. A set-up under way is no factor and replaces
//! none. A password that only a mailbox vouches for makes e-mail no second factor
//! (security.md section 0.1).

mod ceremony;
mod change;
mod choice;
pub mod email_code;
pub mod passkeys;
pub mod policy;
pub mod recovery_codes;
mod sql;
pub mod step_up;
pub mod totp;

use uuid::Uuid;

use crate::{
    attempts::Key,
    clock::Timestamp,
    id::{FactorId, LoginFlowId, SessionId, UserId},
    store::{Db, Error, Result},
};

pub use change::{CannotRemove, note_enrolled, note_enrolment_refused, remove, rename, renew_recovery_codes, reset};
pub use choice::{Next, mailbox_counts, next};
pub use sql::STATEMENTS;

text_enum! {
    /// A way to prove a second time who one is.
    pub enum Method {
        /// An authenticator app (RFC 6238).
        Totp = "totp",
        /// A code by e-mail: the weakest.
        Email = "email",
        /// A passkey or security key (WebAuthn).
        Passkey = "passkey",
        /// A one-time recovery code: for the challenge only, never for a policy.
        Recovery = "recovery",
    }
}

impl Method {
    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Totp => "Authenticator app",
            Self::Email => "Code by e-mail",
            Self::Passkey => "Passkey",
            Self::Recovery => "Recovery codes",
        }
    }
}

/// Counts the wrong codes of an account in a row. A right one and [`reset`] forgive them.
pub fn wrong_codes_in_a_row(user: UserId) -> Key {
    Key::new("codes in a row", &user.to_string())
}

/// What a set-up or challenge belongs to: its answer is taken from there only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundTo(pub Uuid);

impl From<LoginFlowId> for BoundTo {
    fn from(id: LoginFlowId) -> Self {
        Self(id.0)
    }
}

impl From<SessionId> for BoundTo {
    fn from(id: SessionId) -> Self {
        Self(id.0)
    }
}

/// An enrolled factor. Recovery codes are none: they come with the first.
#[derive(Debug, Clone)]
pub struct Factor {
    pub id: FactorId,
    pub method: Method,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// The user's confirmed factors, oldest first.
///
/// # Errors
/// The database failed.
pub async fn enrolled(db: &mut Db<'_>, user: UserId) -> Result<Vec<Factor>> {
    sql::list(db, user).await?.into_iter().map(Factor::try_from).collect()
}

/// A name for a factor: one line of at most sixty characters.
pub(crate) fn clean_name(name: &str, otherwise: &str) -> String {
    let line: String = name.trim().chars().filter(|c| !c.is_control()).take(60).collect();
    if line.is_empty() { otherwise.to_owned() } else { line }
}

impl TryFrom<sql::FactorRow> for Factor {
    type Error = Error;

    fn try_from(row: sql::FactorRow) -> Result<Self> {
        let method = row.kind.parse().map_err(Error::Damaged)?;
        let sql::FactorRow { id, name, created_at, last_used_at, .. } = row;
        Ok(Self { id, method, name, created_at, last_used_at })
    }
}
