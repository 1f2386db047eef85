//! Events that change nothing (a token was issued), written in batches beside the requests.
//!
//! Events of one batch that differ in nothing become one with `count` in its details: a machine that
//! takes a hundred tokens in 20 ms is one line of the trail, not a hundred, and neither is one that tries a
//! hundred secrets.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{ActorKind, Event, Outcome, SubjectKind, record};
use crate::{
    clock::Timestamp,
    id::OrganizationId,
    secret::MasterKeys,
    store::{Error, Store},
};

/// A batch is written after this long, or when it is full. What a crash may lose.
const LINGER: Duration = Duration::from_millis(20);
const BATCH: usize = 64;

/// Beyond this many waiting events, requests do not queue more: the database is down, and they answer anyway.
const QUEUE: usize = 16_384;

enum Command {
    Note(Box<Event>, Timestamp),
    Flush(oneshot::Sender<()>),
}

/// Takes events without making anybody wait. Cheap to clone.
#[derive(Clone)]
pub struct Recorder(mpsc::Sender<Command>);

impl Recorder {
    /// Starts the batching writer on the current runtime; it ends when the last clone is dropped.
    pub fn start(store: Store, master: Arc<MasterKeys>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write_batches(store, master, receiver));
        Self(sender)
    }

    /// Leaves an event to be written. Never fails a request: if the queue is full, it is logged and lost.
    pub fn note(&self, event: Event, now: Timestamp) {
        let kind = event.kind;
        if self.0.try_send(Command::Note(Box::new(event), now)).is_err() {
            tracing::error!(kind, "an audit event was lost: the queue is full");
        }
    }

    /// Answers when everything noted before is in the database (or has failed): for stopping and tests.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.0.send(Command::Flush(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

/// What waits to be written together.
#[derive(Default)]
struct Batch {
    events: Vec<(Box<Event>, Timestamp, u64)>,
    places: HashMap<Sameness, usize>,
}

/// All of an event but its time.
#[derive(PartialEq, Eq, Hash)]
struct Sameness {
    organization: OrganizationId,
    kind: &'static str,
    actor: (ActorKind, Option<Uuid>),
    /// Address and browser.
    origin: (Option<String>, Option<String>),
    subject: Option<(SubjectKind, Uuid)>,
    outcome: Outcome,
    details: Value,
}

impl Batch {
    fn add(&mut self, event: Box<Event>, at: Timestamp) {
        if event.personal.is_some() {
            self.events.push((event, at, 1));
            return;
        }
        let sameness = Sameness {
            organization: event.organization,
            kind: event.kind,
            actor: (event.by.kind, event.by.id),
            origin: (event.by.address.clone(), event.by.user_agent.clone()),
            subject: event.subject,
            outcome: event.outcome,
            details: event.details.clone(),
        };
        let place = *self.places.entry(sameness).or_insert(self.events.len());
        match self.events.get_mut(place) {
            Some((_, _, count)) => *count += 1,
            None => self.events.push((event, at, 1)),
        }
    }

    fn into_events(self) -> impl Iterator<Item = (Box<Event>, Timestamp)> {
        self.events.into_iter().map(|(mut event, at, count)| {
            if count > 1
                && let Value::Object(details) = &mut event.details
            {
                details.insert("count".to_owned(), json!(count));
            }
            (event, at)
        })
    }
}

async fn write_batches(store: Store, master: Arc<MasterKeys>, mut queue: mpsc::Receiver<Command>) {
    while let Some(first) = queue.recv().await {
        let mut batch = Batch::default();
        let mut flushed = Vec::new();
        let deadline = tokio::time::Instant::now() + LINGER;
        let mut next = Some(first);
        while let Some(command) = next.take() {
            match command {
                Command::Note(event, at) => batch.add(event, at),
                Command::Flush(done) => flushed.push(done),
            }
            if batch.events.len() >= BATCH || !flushed.is_empty() {
                break;
            }
            next = tokio::time::timeout_at(deadline, queue.recv()).await.ok().flatten();
        }
        write(&store, &master, batch.into_events().collect()).await;
        for done in flushed {
            let _ = done.send(());
        }
    }
}

async fn write(store: &Store, master: &Arc<MasterKeys>, batch: Vec<(Box<Event>, Timestamp)>) {
    if batch.is_empty() {
        return;
    }
    let count = batch.len();
    let master = Arc::clone(master);
    let outcome = store
        .write(async move |tx| {
            for (event, at) in &batch {
                record(tx, &master, Event::clone(event), *at).await?;
            }
            Ok::<_, Error>(())
        })
        .await;
    if let Err(error) = outcome {
        tracing::error!(%error, count, "audit events were lost");
    }
}
