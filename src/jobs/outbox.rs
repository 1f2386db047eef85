//! Sending what is due.
//!
//! Each lane has places. Whenever a delivery ends, somebody rings, or a moment has passed, the free ones
//! are filled again; so a delivery that hangs keeps its own place and nothing else.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{Message, Wake, sql};
use crate::{
    clock::{Clock, Timestamp},
    id::OutboxId,
    secret::MasterKeys,
    store::{Error, Result, Store, Tx},
};

/// What shares places: the mail server, or tenants' webhooks, may be slow without delaying a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Mails = 0,
    /// Everything else, which takes seconds at most.
    Quick = 1,
    /// Addresses that tenants have chosen.
    Webhooks = 2,
}

impl Lane {
    const ALL: [Self; 3] = [Self::Mails, Self::Quick, Self::Webhooks];

    /// Deliveries at the same time.
    const fn places(self) -> i64 {
        match self {
            Self::Mails | Self::Webhooks => 16,
            Self::Quick => 64,
        }
    }

    /// A row taken by a node that died is free again after this long. Longer than [`Lane::patience`].
    const fn lease(self) -> Duration {
        match self {
            Self::Mails => Duration::from_secs(60),
            Self::Quick | Self::Webhooks => Duration::from_secs(15),
        }
    }

    /// How long one delivery may last.
    const fn patience(self) -> Duration {
        match self {
            Self::Mails => Duration::from_secs(50),
            Self::Quick | Self::Webhooks => Duration::from_secs(10),
        }
    }
}

/// The outbox is looked at this often even if nobody rings.
const POLL: Duration = Duration::from_millis(250);

/// After a ring, what others leave meanwhile is taken with it: a bulk load rings some thousand times a second.
const GATHER: Duration = Duration::from_millis(10);

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
    let sender = Sender { store, master, clock, courier };
    let mut deliveries = Deliveries::of(&sender);
    let (mut handled, mut failed) = (0, None);
    loop {
        if failed.is_none()
            && let Err(error) = deliveries.top_up().await
        {
            failed = Some(error);
        }
        // Whatever has begun is brought to its end, so that it is not sent again.
        let Some(outcome) = deliveries.next().await else { return failed.map_or(Ok(handled), Err) };
        match outcome {
            Ok(sent) => handled += sent,
            Err(error) => failed = Some(error),
        }
    }
}

/// Sends what is due, as soon as it is, until it is dropped. What is under way then is sent again later.
pub async fn keep_delivering(store: &Store, master: &MasterKeys, clock: &Clock, courier: &impl Deliver, wake: &Wake) {
    let sender = Sender { store, master, clock, courier };
    let mut deliveries = Deliveries::of(&sender);
    loop {
        if let Err(error) = deliveries.top_up().await {
            tracing::error!(%error, "the outbox could not be read");
        }
        tokio::select! {
            Some(outcome) = deliveries.next() => {
                if let Err(error) = outcome {
                    tracing::error!(%error, "a delivery could not be noted");
                }
            }
            // What is under way goes on meanwhile.
            () = rung(wake) => {}
        }
    }
}

/// Somebody has rung, or a moment has passed; and others have had time to leave theirs.
async fn rung(wake: &Wake) {
    wake.wait(POLL).await;
    tokio::time::sleep(GATHER).await;
}

/// What a delivery needs.
struct Sender<'a, C> {
    store: &'a Store,
    master: &'a MasterKeys,
    clock: &'a Clock,
    courier: &'a C,
}

/// The deliveries under way.
struct Deliveries<'a, C> {
    sender: &'a Sender<'a, C>,
    running: FuturesUnordered<BoxFuture<'a, (Lane, Result<usize>)>>,
    /// Places in use, by lane.
    busy: [i64; 3],
}

impl<'a, C: Deliver> Deliveries<'a, C> {
    fn of(sender: &'a Sender<'a, C>) -> Self {
        Self { sender, running: FuturesUnordered::new(), busy: [0; 3] }
    }

    /// Begins to deliver what is due, as far as there are places.
    async fn top_up(&mut self) -> Result<()> {
        let Sender { store, clock, .. } = *self.sender;
        let due = sql::due(&mut store.reader().await?, clock.now()).await?;
        for lane in Lane::ALL {
            let free = lane.places() - self.busy[lane as usize];
            let (number, now) = (lane as i32, clock.now());
            if free == 0 || !due.contains(&number) {
                continue;
            }
            let until = now + lane.lease();
            for row in store.write(async move |tx| sql::take(tx, number, free, until, now).await).await? {
                self.busy[lane as usize] += 1;
                self.running.push(self.sender.deliver(lane, row).boxed());
            }
        }
        Ok(())
    }

    /// Waits until a delivery ends, and answers how many messages all that have ended handled. `None` if
    /// nothing is under way.
    async fn next(&mut self) -> Option<Result<usize>> {
        let (lane, outcome) = self.running.next().await?;
        self.busy[lane as usize] -= 1;
        let mut handled = outcome;
        // Those that ended meanwhile: their places are filled by one write.
        while let Some(Some((lane, outcome))) = self.running.next().now_or_never() {
            self.busy[lane as usize] -= 1;
            handled = handled.and_then(|before| outcome.map(|sent| before + sent));
        }
        Some(handled)
    }
}

impl<C: Deliver> Sender<'_, C> {
    /// Delivers a message, and after it what else waits for the same receiver.
    async fn deliver(&self, lane: Lane, row: sql::OutboxRow) -> (Lane, Result<usize>) {
        let (mut handled, mut next) = (0, Some(row));
        while let Some(row) = next {
            match self.deliver_one(lane, row).await {
                Ok(following) => next = following,
                Err(error) => return (lane, Err(error)),
            }
            handled += 1;
        }
        (lane, Ok(handled))
    }

    /// Answers the receiver's next message, unless this one has just shown that it takes none.
    async fn deliver_one(&self, lane: Lane, row: sql::OutboxRow) -> Result<Option<sql::OutboxRow>> {
        let Sender { store, master, clock, courier } = *self;
        let (id, receiver) = (row.id, row.receiver);
        let outcome = match open(master, &row) {
            Ok(_) if row.expires_at <= clock.now() => Err(Failure::Never("expired".to_owned())),
            Ok(message) => tokio::time::timeout(lane.patience(), courier.deliver(id, message, clock.now()))
                .await
                .unwrap_or_else(|_| Err(Failure::Later("no answer in time".to_owned()))),
            Err(failure) => Err(failure),
        };
        let now = clock.now();
        let error = match outcome {
            Ok(()) => None,
            Err(Failure::Never(why)) => {
                tracing::warn!(message = %id, kind = row.kind, why, "a message will not be delivered");
                Some(why)
            }
            Err(Failure::Later(why)) => {
                let due_at = now + back_off(row.attempts);
                tracing::warn!(message = %id, kind = row.kind, why, attempts = row.attempts, "a delivery failed");
                store.write(async move |tx| sql::rest(tx, id, &why, due_at, now).await).await?;
                return Ok(None);
            }
        };
        let until = now + lane.lease();
        let unit = async move |tx: &mut Tx<'_>| {
            sql::done(tx, id, error.as_deref(), now).await?;
            match receiver {
                Some(receiver) => sql::take_next(tx, receiver, until, now).await,
                None => Ok(None),
            }
        };
        store.write(unit).await
    }
}

fn open(master: &MasterKeys, row: &sql::OutboxRow) -> std::result::Result<Message, Failure> {
    let plain = master.open(&context(row.id), &row.sealed).map_err(|error| Failure::Later(error.to_string()))?;
    serde_json::from_slice(&plain).map_err(|_| Failure::Never("a message of unknown form".to_owned()))
}

fn back_off(attempts: i64) -> Duration {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    BACK_OFF.get(index).or(BACK_OFF.last()).copied().unwrap_or(Duration::from_secs(120))
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
