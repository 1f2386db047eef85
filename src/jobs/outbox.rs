//! Sending what is due.

use std::time::Duration;

use super::{Message, sql};
use crate::{
    clock::{Clock, Timestamp},
    id::OutboxId,
    secret::MasterKeys,
    store::{Error, Result, Store},
};

/// Messages taken at a time, and sent at the same time.
const BATCH: i64 = 16;

/// A row taken by a node that died is free again after this long. Longer than any delivery lasts.
const LEASE: Duration = Duration::from_secs(60);

/// After the n-th failure a message rests this long; beyond the list, as at its end.
const BACK_OFF: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
];

/// Delivers a message to the world.
pub trait Deliver: Sync {
    /// Sends message `id`. May be called again for the same message if the answer was lost.
    fn deliver(
        &self,
        id: OutboxId,
        message: Message,
        now: Timestamp,
    ) -> impl Future<Output = std::result::Result<(), Failure>> + Send;
}

/// Why a message did not leave. The text holds no secret and nothing of the receiver's answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may work later.
    #[error("{0}")]
    Later(String),
    /// It never will: no such mailbox, no such client any more.
    #[error("{0}")]
    Never(String),
}

/// Sends everything that is due now and answers how many messages were handled.
///
/// # Errors
/// The database's. A delivery that fails is not one: it is tried again later.
pub async fn deliver_due(store: &Store, master: &MasterKeys, clock: &Clock, courier: &impl Deliver) -> Result<usize> {
    let mut handled = 0;
    loop {
        let now = clock.now();
        if !sql::any_due(&mut store.reader().await?, now).await? {
            return Ok(handled);
        }
        let taken = store.write(async move |tx| sql::take(tx, BATCH, now + LEASE, now).await).await?;
        if taken.is_empty() {
            return Ok(handled);
        }
        handled += taken.len();
        let deliveries = taken.into_iter().map(|row| deliver_one(store, master, clock, courier, row));
        for outcome in futures_util::future::join_all(deliveries).await {
            outcome?;
        }
    }
}

async fn deliver_one(
    store: &Store,
    master: &MasterKeys,
    clock: &Clock,
    courier: &impl Deliver,
    row: sql::OutboxRow,
) -> Result<()> {
    let id = row.id;
    let outcome = match open(master, &row) {
        Ok(_) if row.expires_at <= clock.now() => Err(Failure::Never("expired".to_owned())),
        Ok(message) => courier.deliver(id, message, clock.now()).await,
        Err(failure) => Err(failure),
    };
    let now = clock.now();
    match outcome {
        Ok(()) => store.write(async move |tx| sql::done(tx, id, None, now).await).await,
        Err(Failure::Never(why)) => {
            tracing::warn!(message = %id, kind = row.kind, why, "a message will not be delivered");
            store.write(async move |tx| sql::done(tx, id, Some(&why), now).await).await
        }
        Err(Failure::Later(why)) => {
            let rest = back_off(row.attempts);
            tracing::warn!(message = %id, kind = row.kind, why, attempts = row.attempts, "a delivery failed");
            store.write(async move |tx| sql::rest(tx, id, &why, now + rest, now).await).await
        }
    }
}

fn open(master: &MasterKeys, row: &sql::OutboxRow) -> std::result::Result<Message, Failure> {
    let plain = master.open(&context(row.id), &row.sealed).map_err(|error| Failure::Later(error.to_string()))?;
    serde_json::from_slice(&plain).map_err(|_| Failure::Never("a message of unknown form".to_owned()))
}

fn back_off(attempts: i64) -> Duration {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    BACK_OFF.get(index).or(BACK_OFF.last()).copied().unwrap_or(LEASE)
}

/// What a payload is sealed for.
pub(super) fn context(id: OutboxId) -> String {
    format!("outbox:{id}")
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Later(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_slower_and_slower() {
        assert_eq!(back_off(1), Duration::from_secs(1));
        assert_eq!(back_off(2), Duration::from_secs(5));
        assert_eq!(back_off(60), Duration::from_secs(120));
    }
}
