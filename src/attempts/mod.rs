//! Attempts: how often somebody may be wrong. Throttling and lockout, in the database, for all nodes.
//!
//! A try is counted *before* the secret is looked at, by one conditional write, so that parallel tries
//! cannot beat the counter (security.md row 46); a right answer gives the count back. What is counted
//! is a [`Key`]: an account's password, an account's second factor, a source address. Unknown login
//! names have counters too, so that a pause does not tell who exists.
//!
//! Invariants: every pause ends by itself; a counter holds no name and no address, only their hash;
//! passkeys are not counted per account, so that an attacker cannot keep their owner out (row 128).

mod sql;

use std::time::Duration;

use crate::{
    clock::Timestamp,
    secret::SecretHash,
    store::{Db, Result, Tx},
};

pub use sql::STATEMENTS;

/// What is counted, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(SecretHash);

impl Key {
    /// `kind` says what (`password`, `code`, `source`), `whom` whose; NUL cannot occur in either.
    pub fn new(kind: &str, whom: &str) -> Self {
        Self(SecretHash::of(format!("{kind}\0{whom}").as_bytes()))
    }
}

/// How many tries, within which time, and how long the pause is after the last.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub tries: i64,
    pub window: Duration,
    pub pause: Duration,
}

/// Whether a try may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may, and so many more may follow before a pause.
    Go { left: i64 },
    /// Not before this time.
    Paused { until: Timestamp },
}

/// Counts a try and says whether it may be made.
///
/// # Errors
/// The database's, here and below.
pub async fn count(tx: &mut Tx<'_>, key: &Key, limit: Limit, now: Timestamp) -> Result<Verdict> {
    let counts = sql::Counts { limit: limit.tries, window_ends: now + limit.window, pause_ends: now + limit.pause };
    match sql::count(tx, &key.0, counts, now).await? {
        Some(failures) => Ok(Verdict::Go { left: limit.tries - failures }),
        None => Ok(Verdict::Paused { until: sql::paused_until(tx, &key.0).await?.unwrap_or(now) }),
    }
}

/// Forgets what was counted: the right answer came.
pub async fn forgive(tx: &mut Tx<'_>, key: &Key) -> Result<()> {
    sql::forgive(tx, &key.0).await
}

/// Takes one try back, where others still count: a source from which somebody signed in.
pub async fn take_back(tx: &mut Tx<'_>, key: &Key) -> Result<()> {
    sql::take_back(tx, &key.0).await
}

/// Until when there is a pause, if there is one now.
pub async fn paused_until(db: &mut Db<'_>, key: &Key, now: Timestamp) -> Result<Option<Timestamp>> {
    Ok(sql::paused_until(db, &key.0).await?.filter(|until| *until > now))
}
