//! Requests that were accepted and are performed later (RFC 9967 §2.5.1), and how far each is.
//!
//! A request is one row, sealed, since it may carry passwords, and lies here for a day at most. Whoever
//! performs it has [taken](take) it: what it notes is refused once another has, so that no operation is
//! written twice.

use std::time::Duration;

use sqlx::FromRow;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{sql, token::lock};
use crate::{
    clock::Timestamp,
    id::{AsynchronousRequestId, ConnectionId},
    secret::{MasterKeys, OpenError, Sealed},
    store::{Db, Error, Result, Tx},
};

/// How many requests of one connection wait at most.
pub const MOST: i64 = 20;
/// What has not been performed by then is not any more.
pub const LIFE: Duration = Duration::from_secs(24 * 3600);
/// A request whose performer died is free again after this long. Longer than any one operation takes.
const LEASE: Duration = Duration::from_secs(30);

/// A request that has been taken to be performed.
#[derive(Debug, FromRow)]
pub struct Taken {
    pub id: AsynchronousRequestId,
    pub connection_id: ConnectionId,
    sealed: Sealed,
    taken: i64,
    pub expires_at: Timestamp,
}

/// The right to note how far a request is; it ends when another takes the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub request: AsynchronousRequestId,
    taken: i64,
}

/// What came of one operation.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Operation {
    /// In the request, from 0.
    pub place: i64,
    pub status: i64,
    pub resource_id: Option<Uuid>,
    /// Whether nothing is left to be done: resources that refer to each other are made without that first.
    pub is_whole: bool,
    /// Whether its event has been published.
    pub is_told: bool,
}

impl Taken {
    /// The right to note how far it is.
    pub fn hold(&self) -> Hold {
        Hold { request: self.id, taken: self.taken }
    }

    /// The request.
    ///
    /// # Errors
    /// It was sealed under a key that is not there any more.
    pub fn open(&self, master: &MasterKeys) -> std::result::Result<Zeroizing<Vec<u8>>, OpenError> {
        master.open(&context(self.id), &self.sealed)
    }
}

/// Puts a request behind those of its connection that wait; `None` if too many do.
///
/// # Errors
/// The database's, here and below.
pub async fn insert(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    (connection, request): (ConnectionId, &[u8]),
    now: Timestamp,
) -> Result<Option<AsynchronousRequestId>> {
    lock(tx, connection).await?;
    let (waiting,) = fetch_one!(tx, (i64,), sql::COUNT_DEFERRED, connection)?;
    if waiting >= MOST {
        return Ok(None);
    }
    let id = AsynchronousRequestId::new(now);
    let sealed = master.seal(&context(id), request);
    execute!(tx, sql::DEFER, id, connection, sealed, now, now + LIFE)?;
    Ok(Some(id))
}

/// Whether [`take`] would find something to perform.
pub async fn any_due(db: &mut Db<'_>, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(db, (AsynchronousRequestId,), sql::ANY_DEFERRED, now)?.is_some())
}

/// Takes up to `limit` requests to be performed, one of each connection.
pub async fn take(tx: &mut Tx<'_>, limit: i64, now: Timestamp) -> Result<Vec<Taken>> {
    fetch_all!(tx, Taken, sql::TAKE_DEFERRED, limit, now + LEASE, now)
}

/// What is known of the operations of a request.
pub async fn operations(db: &mut Db<'_>, request: AsynchronousRequestId) -> Result<Vec<Operation>> {
    fetch_all!(db, Operation, sql::OPERATIONS, request)
}

/// Notes what came of an operation, in the transaction of what it tells of.
///
/// # Errors
/// [`Error::Lost`]: the request is another's, or gone.
pub async fn note(tx: &mut Tx<'_>, hold: Hold, operation: &Operation, now: Timestamp) -> Result<()> {
    keep(tx, hold, now + LEASE).await?;
    let Operation { place, status, resource_id, is_whole, is_told } = *operation;
    later!(tx, sql::NOTE_OPERATION, hold.request, place, status, resource_id, is_whole, is_told)
}

/// Leaves the rest of a request to whoever takes it next.
///
/// # Errors
/// [`Error::Lost`], as above.
pub async fn pass_on(tx: &mut Tx<'_>, hold: Hold, now: Timestamp) -> Result<()> {
    keep(tx, hold, now).await
}

/// Forgets a request of which nothing is left to do.
///
/// # Errors
/// [`Error::Lost`], as above.
pub async fn finish(tx: &mut Tx<'_>, hold: Hold, now: Timestamp) -> Result<()> {
    keep(tx, hold, now).await?;
    later!(tx, sql::FORGET_OPERATIONS, hold.request)?;
    later!(tx, sql::FORGET, hold.request, hold.taken)
}

async fn keep(tx: &mut Tx<'_>, hold: Hold, until: Timestamp) -> Result<()> {
    if execute!(tx, sql::HOLD_DEFERRED, hold.request, hold.taken, until)? == 0 {
        return Err(Error::Lost);
    }
    Ok(())
}

/// What a request is sealed for.
fn context(id: AsynchronousRequestId) -> String {
    format!("asynchronous:{id}")
}
