//! Sweeping out rows whose time is over.
//!
//! Nothing depends on it: every rule judges expiry itself, and a row may lie here for days. Sweeps
//! are small, so that no other writer waits long.

use std::time::Duration;

use super::{
    lease::{self, Holder},
    sql::{self, Sweep},
};
use crate::{
    clock::Timestamp,
    store::{Error, Result, Store},
};

/// Rows deleted in one transaction.
const BATCH: i64 = 500;

const DAY: Duration = Duration::from_secs(86_400);

/// Every sweep, and how long after its end a row is kept: children before what they refer to.
///
/// Grants are kept a while, for a refresh token that comes back must still find its family to
/// revoke; what the outbox has sent stays long enough to see why something did not arrive.
const SWEEPS: &[(Sweep, Duration)] = &[
    (Sweep(sql::SWEEP_CODES), DAY),
    (Sweep(sql::SWEEP_REFRESH_TOKENS), DAY),
    (Sweep(sql::SWEEP_ACCESS_TOKENS), Duration::ZERO),
    (Sweep(sql::SWEEP_REVOKED_TOKENS), Duration::ZERO),
    (Sweep(sql::SWEEP_ASSERTIONS), Duration::ZERO),
    (Sweep(sql::SWEEP_GRANTS), Duration::from_secs(7 * 86_400)),
    (Sweep(sql::SWEEP_REQUESTS), DAY),
    (Sweep(sql::SWEEP_FLOWS), DAY),
    (Sweep(sql::SWEEP_CEREMONIES), Duration::ZERO),
    (Sweep(sql::SWEEP_EMAIL_CODES), DAY),
    (Sweep(sql::SWEEP_SESSIONS), DAY),
    (Sweep(sql::SWEEP_DEVICES), Duration::ZERO),
    (Sweep(sql::SWEEP_ATTEMPTS), Duration::ZERO),
    (Sweep(sql::SWEEP_ACTION_TOKENS), DAY),
    (Sweep(sql::SWEEP_PORTAL_SESSIONS), Duration::ZERO),
    // What administrators search for 30 days (V4).
    (Sweep(sql::SWEEP_CONNECTION_LOG), Duration::from_secs(30 * 86_400)),
    // The guard counts over an hour.
    (Sweep(sql::SWEEP_ENDINGS), Duration::from_secs(3600)),
    (Sweep(sql::SWEEP_OUTBOX), Duration::from_secs(3 * 86_400)),
];

/// Deletes what has expired, and answers how many rows went. One node at a time.
///
/// # Errors
/// The database's.
pub async fn clean(store: &Store, holder: Holder, now: Timestamp) -> Result<u64> {
    let mut swept = 0;
    for &(sweep, keep) in SWEEPS {
        loop {
            let ended_before = now - keep;
            let rows = store
                .write(async move |tx| {
                    if !lease::take(tx, "janitor", holder, now).await? {
                        return Ok::<_, Error>(0);
                    }
                    sql::sweep(tx, sweep, ended_before, BATCH).await
                })
                .await?;
            swept += rows;
            if rows < BATCH.unsigned_abs() {
                break;
            }
        }
    }
    Ok(swept)
}
