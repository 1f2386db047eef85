//! Totals that lists show, kept with each change instead of counted: counting a million rows takes longer
//! than reading a page of them.
//!
//! Owns the rows `counters`. A total lies in [`SHARDS`] rows and is their sum, so that writers of
//! PostgreSQL that add to one total at once rarely wait for each other's commit.
//!
//! Invariant: a counter moves in the transaction of the change that it counts.

mod sql;

use std::borrow::Cow;

use uuid::Uuid;

use crate::store::{Db, Result, Tx};

pub use sql::STATEMENTS;

/// In how many rows a total lies.
const SHARDS: u8 = 16;

/// What is counted; the owner is named beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter<'c> {
    /// Users of a connection.
    Users,
    /// Groups of a connection.
    Groups,
    /// Resources of that type of a connection.
    Resources(&'c str),
}

impl Counter<'_> {
    fn name(self) -> Cow<'static, str> {
        match self {
            Self::Users => "users".into(),
            Self::Groups => "groups".into(),
            Self::Resources(kind) => format!("resources:{kind}").into(),
        }
    }
}

/// Moves the owner's total by `change`; `counted` is the thing that came or went.
///
/// # Errors
/// The database's, here and below.
pub async fn add(tx: &mut Tx<'_>, owner: Uuid, counter: Counter<'_>, counted: Uuid, change: i64) -> Result<()> {
    // The last byte of an id is random.
    let shard = counted.as_bytes()[15] % SHARDS;
    later!(tx, sql::ADD, owner, format!("{}/{shard}", counter.name()), change)
}

/// The owner's total.
pub async fn total(db: &mut Db<'_>, owner: Uuid, counter: Counter<'_>) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), sql::TOTAL, owner, format!("{}/", counter.name()))?.0)
}
