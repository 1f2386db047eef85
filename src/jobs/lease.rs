//! Which node does a job that only one may do, and until when.

use std::time::Duration;

use uuid::Uuid;

use super::sql;
use crate::{
    clock::Timestamp,
    secret,
    store::{Result, Tx},
};

/// A lease not renewed for this long is free again: the longest pause when its holder dies.
const TERM: Duration = Duration::from_secs(10);

/// This process, among the nodes that share a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Holder(Uuid);

impl Holder {
    /// A name nobody else has.
    pub fn random() -> Self {
        let mut bytes = [0u8; 16];
        secret::fill(&mut bytes);
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

/// Takes or renews the lease `name`; `false` if another node holds it. The row stays locked until the
/// transaction ends, so whoever gets `true` may read and write what the lease guards.
///
/// # Errors
/// The database's.
pub async fn take(tx: &mut Tx<'_>, name: &str, holder: Holder, now: Timestamp) -> Result<bool> {
    take_for(tx, name, holder, TERM, now).await
}

/// The same for work that takes longer than a moment.
///
/// # Errors
/// The database's.
pub async fn take_for(tx: &mut Tx<'_>, name: &str, holder: Holder, term: Duration, now: Timestamp) -> Result<bool> {
    sql::take_lease(tx, name, holder, now + term, now).await
}

/// Gives a lease back before its time.
///
/// # Errors
/// The database's.
pub async fn release(tx: &mut Tx<'_>, name: &str, holder: Holder) -> Result<()> {
    sql::release_lease(tx, name, holder).await
}
