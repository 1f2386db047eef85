//! Performing what has been accepted: few requests at once, one of a connection at a time, each for a
//! moment only, so that nobody waits for another's thousand operations.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};

use super::{Kept, Progress};
use crate::{
    app::App,
    audit::By,
    connections::{self, Connection, Status, asynchronous as stored},
    scim::{
        bulk::Run,
        call::{Call, Shared},
        error::Refusal,
    },
    store::{self, Error, Tx},
};

/// Requests under way at the same time, of one node.
const AT_ONCE: usize = 4;
/// How often somebody looks even if nobody rings: another node may have died.
const POLL: Duration = Duration::from_secs(1);
/// A request that takes longer goes on when others have had their turn.
const TURN: Duration = Duration::from_secs(2);

/// Performs what has been accepted until it is dropped. What is under way then is taken up again later.
pub async fn keep_performing(app: &App) {
    let shared = Shared::of(app);
    let mut running = FuturesUnordered::new();
    loop {
        match take(app, AT_ONCE.saturating_sub(running.len())).await {
            Ok(taken) => running.extend(taken.into_iter().map(|request| perform(app, request))),
            Err(error) => tracing::error!(%error, "accepted requests could not be read"),
        }
        tokio::select! {
            Some(()) = running.next() => {}
            () = shared.wake.wait(POLL) => {}
        }
    }
}

/// Performs everything that has been accepted, to its end.
///
/// # Errors
/// The database's.
pub async fn perform_due(app: &App) -> store::Result<()> {
    loop {
        let taken = take(app, AT_ONCE).await?;
        if taken.is_empty() {
            return Ok(());
        }
        join_all(taken.into_iter().map(|request| perform(app, request))).await;
    }
}

async fn take(app: &App, most: usize) -> store::Result<Vec<stored::Taken>> {
    let now = app.clock.now();
    if most == 0 || !stored::any_due(&mut app.store.reader().await?, now).await? {
        return Ok(Vec::new());
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    app.store.write(async move |tx| stored::take(tx, most, now).await).await
}

/// Performs a request, or as much of it as there is time for. Where that fails it is taken again, once its
/// lease is over.
async fn perform(app: &App, request: stored::Taken) {
    let id = request.id;
    match attempt(app, request).await {
        Ok(()) => {}
        Err(Error::Lost) => tracing::debug!(request = %id, "an accepted request is performed elsewhere, or gone"),
        Err(error) => tracing::error!(%error, request = %id, "an accepted request could not be performed"),
    }
}

async fn attempt(app: &App, request: stored::Taken) -> store::Result<()> {
    let (began, hold) = (Instant::now(), request.hold());
    let mut db = app.store.reader().await?;
    let connection = connections::find(&mut db, request.connection_id).await?.ok_or(Error::Lost)?;
    let done = stored::operations(&mut db, request.id).await?;
    drop(db);
    let plain = request.open(&app.master).map_err(|error| Error::Damaged(error.to_string()));
    let kept: store::Result<Kept> =
        plain.and_then(|plain| serde_json::from_slice(&plain).map_err(|error| Error::Damaged(error.to_string())));
    let Kept { work, address, user_agent } = match kept {
        Ok(kept) => kept,
        Err(error) => return give_up(app, hold, &error).await,
    };
    let by = By { address, user_agent, ..By::connection(connection.id) };
    let call = Call::deferred(app, connection.clone(), by, &request.id.to_string(), work.path());
    let job = match work.job() {
        Ok(job) => job,
        Err(refusal) => return give_up(app, hold, &Error::Damaged(refusal.to_string())).await,
    };
    let progress = Progress { hold, is_bulk: !job.is_alone };
    let mut run = Run::resume(&call, &job, progress, done).await?;
    if connection.status != Status::Active || request.expires_at <= app.clock.now() {
        return stop(app, hold, run).await;
    }
    for index in run.order() {
        if run.is_stopped() {
            break;
        }
        if began.elapsed() > TURN || !is_unchanged(app, &connection).await? {
            let now = app.clock.now();
            app.store.write(async move |tx| stored::pass_on(tx, hold, now).await).await?;
            call.shared.wake.ring();
            return Ok(());
        }
        run.perform(index).await?;
    }
    run.complete().await?;
    run.leave(&Refusal::NotAttempted).await?;
    finish(app, hold).await
}

/// Whether the connection still is what the request is being performed under.
async fn is_unchanged(app: &App, connection: &Connection) -> store::Result<bool> {
    let found = connections::find(&mut app.store.reader().await?, connection.id).await?;
    Ok(found.is_some_and(|found| found.status == connection.status && found.settings == connection.settings))
}

/// Ends a request whose time is over, or whose connection is paused. What was begun is finished.
async fn stop(app: &App, hold: stored::Hold, mut run: Run<'_>) -> store::Result<()> {
    run.complete().await?;
    run.stop(Refusal::Stopped).await?;
    finish(app, hold).await
}

/// Ends a request that nobody can read any more. Its client finds nothing done.
async fn give_up(app: &App, hold: stored::Hold, error: &Error) -> store::Result<()> {
    tracing::error!(%error, request = %hold.request, "an accepted request cannot be read and is dropped");
    finish(app, hold).await
}

async fn finish(app: &App, hold: stored::Hold) -> store::Result<()> {
    let now = app.clock.now();
    app.store.write(async move |tx: &mut Tx<'_>| stored::finish(tx, hold, now).await).await
}
