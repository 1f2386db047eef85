//! The next key: published before it signs, while the old one stays published as long as its tokens live.

use std::time::Duration;

use super::{
    Algorithm, Keyring,
    key::NewKey,
    making,
    sql::{self, KeyRow},
};
use crate::{
    clock::Timestamp,
    secret::MasterKeys,
    store::{Error, Result, Store},
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The life of a key.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// How long it signs.
    pub signs_for: Duration,
    /// How long it is published before.
    pub publish_ahead: Duration,
    /// How long it stays published after; no token lives longer.
    pub keep: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { signs_for: DAY * 60, publish_ahead: DAY, keep: DAY * 2 }
    }
}

/// How long a key is published before it signs when it is made by command: twice the time for which
/// relying parties may keep our JWKS.
const AHEAD_BY_COMMAND: Duration = Duration::from_secs(600);

/// How long after that its row still recognises ID tokens given as hints.
const HINTS: Duration = Duration::from_secs(400 * 24 * 3600);

/// How a rotation by command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The next key is published now and signs in ten minutes; no token fails.
    Planned,
    /// The key has leaked: the next one signs now, and all tokens of the old ones are void.
    Compromised,
}

/// Makes the next key of each of `algorithms`.
///
/// # Errors
/// The database's.
pub async fn rotate(
    store: &Store,
    master: &MasterKeys,
    algorithms: &[Algorithm],
    (rotation, schedule): (Rotation, &Schedule),
    now: Timestamp,
) -> Result<Vec<String>> {
    let mut made = Vec::new();
    let keep = schedule.keep;
    for &algorithm in algorithms {
        let new = generate(algorithm).await?;
        made.push(new.id.clone());
        let sealed = making::seal(master, &new);
        store
            .write(async move |tx| {
                sql::lock(tx).await?;
                match rotation {
                    Rotation::Planned => {
                        let first = !sql::exists(tx, new.algorithm).await?;
                        let activates_at = if first { now } else { now + AHEAD_BY_COMMAND };
                        sql::insert(tx, &new, &sealed, activates_at, now).await?;
                        sql::retire_others(tx, &new, activates_at, activates_at + keep).await
                    }
                    Rotation::Compromised => {
                        sql::insert(tx, &new, &sealed, now, now).await?;
                        sql::revoke_others(tx, &new, now).await
                    }
                }
            })
            .await?;
    }
    Ok(made)
}

impl Keyring {
    /// Publishes the successors that are due by the schedule. Any node may; the first one does.
    ///
    /// # Errors
    /// The database's.
    pub async fn rotate_when_due(&self, schedule: &Schedule, now: Timestamp) -> Result<()> {
        let inner = self.inner();
        let schedule = *schedule;
        let keep = schedule.keep;
        let rows = sql::list(&mut inner.store.reader().await?).await?;
        for algorithm in Algorithm::ALL {
            if successor_begins(&rows, algorithm, &schedule, now).is_none() {
                continue;
            }
            let new = generate(algorithm).await?;
            let sealed = making::seal(&inner.master, &new);
            inner
                .store
                .write(async move |tx| {
                    sql::lock(tx).await?;
                    // Judged again behind the lock: another node may have been faster.
                    let rows = sql::list(tx).await?;
                    let Some(activates_at) = successor_begins(&rows, algorithm, &schedule, now) else { return Ok(()) };
                    sql::insert(tx, &new, &sealed, activates_at, now).await?;
                    sql::retire_others(tx, &new, activates_at, activates_at + keep).await
                })
                .await?;
        }
        if rows.iter().any(|row| row.expires_at.is_some_and(|end| end + HINTS <= now)) {
            let ended_before = now - HINTS;
            inner.store.write(async move |tx| sql::delete_old(tx, ended_before).await).await?;
        }
        self.refresh(now).await
    }
}

/// When the successor of the newest key of `algorithm` is to sign, if it is time to publish one.
fn successor_begins(rows: &[KeyRow], algorithm: Algorithm, schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    let newest = rows
        .iter()
        .filter(|row| row.algorithm == algorithm.as_str() && row.retires_at.is_none())
        .map(|row| row.activates_at)
        .max()?;
    let end = newest + schedule.signs_for;
    // A server that was off for long still gives relying parties their time.
    (end - schedule.publish_ahead <= now).then(|| end.max(now + HOUR))
}

async fn generate(algorithm: Algorithm) -> Result<NewKey> {
    let made = tokio::task::spawn_blocking(move || NewKey::generate(algorithm)).await;
    Ok(made.map_err(|_| Error::Damaged("the thread that makes keys".to_owned()))??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{secret::MasterKeys, store::Json};

    fn row(activates_at: Timestamp, retires_at: Option<Timestamp>) -> KeyRow {
        let sealed = MasterKeys::new(&[(1, [0; 32])]).expect("a key").seal("", b"");
        KeyRow {
            key_id: "k".to_owned(),
            algorithm: "ES256".to_owned(),
            public_jwk: Json(serde_json::Value::Null),
            sealed,
            activates_at,
            retires_at,
            expires_at: None,
        }
    }

    #[test]
    fn a_successor_is_published_a_day_before_it_signs() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let rows = [row(start, None)];
        let schedule = Schedule::default();
        let end = start + schedule.signs_for;
        let successor = |now| successor_begins(&rows, Algorithm::Es256, &schedule, now);
        assert_eq!(successor(end - DAY - HOUR), None);
        assert_eq!(successor(end - DAY), Some(end));
        assert_eq!(successor(end + DAY), Some(end + DAY + HOUR), "after a long stop");
        let replaced = [row(start, Some(end)), row(end, None)];
        assert_eq!(successor_begins(&replaced, Algorithm::Es256, &schedule, end), None);
    }
}
