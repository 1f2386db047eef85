//! Group commit: one writer runs what has queued, each unit in a savepoint, and commits once.

use std::{future::Future, panic::AssertUnwindSafe, pin::Pin};

use futures_util::FutureExt;

use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::{Error, Result, Tx, waiting::Waiting};

/// At most so many units share a commit: enough to amortise the flush, few enough to stay quick.
const BATCH: usize = 64;
/// So many writes may wait; more make their callers wait.
const QUEUE: usize = 1024;

/// The handle to the writer's thread.
#[derive(Clone)]
pub struct Writer(mpsc::Sender<Message>);

enum Message {
    Unit(Box<dyn Unit>),
    Close(oneshot::Sender<()>),
}

/// A closure with its place for the outcome and its way back, its types erased.
trait Unit: Send {
    /// Runs the closure and keeps its outcome. `true` if what it wrote shall be kept.
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> Pin<Box<dyn Future<Output = bool> + 'a>>;
    /// Sends the outcome home: as it is after a commit, or the reason why there was none.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Job<F, T, E> {
    unit: F,
    outcome: Option<Result<T, E>>,
    home: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Unit for Job<F, T, E>
where
    F: AsyncFn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> Pin<Box<dyn Future<Output = bool> + 'a>> {
        Box::pin(async move {
            // A panic is its caller's failure, not the writer's end: what it wrote is rolled back.
            self.outcome = AssertUnwindSafe((self.unit)(tx)).catch_unwind().await.ok();
            matches!(self.outcome, Some(Ok(_)))
        })
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let answer = match (self.outcome, committed) {
            // A refusal stands whatever became of the batch: it kept nothing.
            (Some(Err(refusal)), _) => Err(refusal),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Error::Closed.into()),
            (_, Err(error)) => Err(error.into()),
        };
        // The caller may have gone away; what is committed stays committed.
        let _ = self.home.send(answer);
    }
}

impl Writer {
    /// Starts the writer's thread on its own connection.
    pub(super) fn start(connection: SqliteConnection) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| Error::Database(sqlx::Error::Io(error)))?;
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || runtime.block_on(serve(connection, receiver)))
            .map_err(|error| Error::Database(sqlx::Error::Io(error)))?;
        Ok(Self(sender))
    }

    pub(super) async fn write<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (home, answer) = oneshot::channel();
        let job = Box::new(Job { unit, outcome: None, home });
        self.0.send(Message::Unit(job)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

async fn serve(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Message>) {
    while let Some(message) = queue.recv().await {
        let mut batch = Vec::new();
        let mut closing = None;
        match message {
            Message::Unit(unit) => batch.push(unit),
            Message::Close(done) => closing = Some(done),
        }
        while closing.is_none() && batch.len() < BATCH {
            match queue.try_recv() {
                Ok(Message::Unit(unit)) => batch.push(unit),
                Ok(Message::Close(done)) => closing = Some(done),
                Err(_) => break,
            }
        }
        if !batch.is_empty() {
            commit_together(&mut connection, batch).await;
        }
        if let Some(done) = closing {
            let _ = connection.close().await;
            let _ = done.send(());
            return;
        }
    }
}

/// Runs a batch and commits it once; if that fails, each unit again in a transaction of its own.
async fn commit_together(connection: &mut SqliteConnection, mut batch: Vec<Box<dyn Unit>>) {
    if batch.len() == 1 {
        return commit_alone(connection, batch.remove(0)).await;
    }
    let committed = async {
        // Each text is a round trip to the connection's thread, so a step is one text.
        let mut waiting = Waiting::default();
        let (mut next, mut last) = ("BEGIN IMMEDIATE; SAVEPOINT unit", "COMMIT");
        for unit in &mut batch {
            waiting.run(next, connection).await?;
            let mut tx = Tx::sqlite(connection);
            (next, last) = if unit.run(&mut tx).await {
                waiting = tx.left()?;
                ("RELEASE unit; SAVEPOINT unit", "COMMIT")
            } else {
                ("ROLLBACK TO unit", "ROLLBACK TO unit; COMMIT")
            };
        }
        waiting.run(last, connection).await
    }
    .await;
    match committed {
        Ok(()) => batch.into_iter().for_each(|unit| unit.answer(Ok(()))),
        Err(error) => {
            tracing::warn!(%error, units = batch.len(), "a batch did not commit; its units run again, one by one");
            roll_back(connection).await;
            for unit in batch {
                commit_alone(connection, unit).await;
            }
        }
    }
}

async fn commit_alone(connection: &mut SqliteConnection, mut unit: Box<dyn Unit>) {
    let outcome = async {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let mut tx = Tx::sqlite(connection);
        if unit.run(&mut tx).await {
            tx.left()?.run("COMMIT", connection).await
        } else {
            sqlx::query("ROLLBACK").execute(&mut *connection).await.map(|_| ())
        }
    }
    .await;
    if outcome.is_err() {
        roll_back(connection).await;
    }
    unit.answer(outcome.map_err(Error::from));
}

/// Leaves whatever transaction may still be open. It fails where SQLite has rolled back itself.
async fn roll_back(connection: &mut SqliteConnection) {
    let _ = sqlx::query("ROLLBACK").execute(connection).await;
}
