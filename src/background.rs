//! What runs beside the requests: the outbox, SCIM requests that were accepted for later, the audit chain, key
//! rotation, the janitor.
//!
//! `serve` and the demo [`start`] it. A test, whose clock stands still, calls [`settle`] instead:
//! everything that is due, once.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::{
    app::App,
    audit::{self, By},
    clock::Timestamp,
    id::OutboxId,
    jobs::{self, Deliver, Failure, Message},
    keys::{Algorithm, Schedule},
    login, oidc, scim, store,
};

/// Keys and the audit chain: within a second.
const TICK: Duration = Duration::from_millis(500);
const SWEEP: Duration = Duration::from_secs(300);

/// The running jobs; dropping them ends them.
pub struct Background(JoinSet<()>);

impl Background {
    /// Ends the jobs. A delivery under way is sent again after the next start.
    pub async fn stop(mut self) {
        self.0.shutdown().await;
    }
}

/// Starts everything, and makes the RS256 key if there is none.
pub fn start(app: &App) -> Background {
    let mut jobs = JoinSet::new();
    jobs.spawn(send_mails_and_logouts(app.clone()));
    jobs.spawn(perform_accepted(app.clone()));
    jobs.spawn(every(TICK, app.clone(), "keys and audit", tick));
    jobs.spawn(every(SWEEP, app.clone(), "janitor", sweep));
    let keys = app.keys.clone();
    let now = app.clock.now();
    jobs.spawn(async move {
        if let Err(error) = keys.ready(Algorithm::Rs256, now).await {
            tracing::error!(%error, "the RS256 key could not be made");
        }
    });
    Background(jobs)
}

/// Does everything that is due now, once.
///
/// # Errors
/// The database's.
pub async fn settle(app: &App) -> store::Result<()> {
    app.recorder.flush().await;
    tick(app.clone()).await?;
    scim::asynchronous::perform_due(app).await?;
    jobs::deliver_due(&app.store, &app.master, &app.clock, &Courier(app)).await?;
    sweep(app.clone()).await
}

async fn send_mails_and_logouts(app: App) {
    jobs::keep_delivering(&app.store, &app.master, &app.clock, &Courier(&app), &app.wake).await;
}

async fn perform_accepted(app: App) {
    scim::asynchronous::keep_performing(&app).await;
}

async fn tick(app: App) -> store::Result<()> {
    let now = app.clock.now();
    app.keys.rotate_when_due(&schedule(&app), now).await?;
    audit::chain::append(&app.store, app.holder, now).await?;
    Ok(())
}

async fn sweep(app: App) -> store::Result<()> {
    let swept = jobs::clean(&app.store, app.holder, app.clock.now()).await?;
    if swept > 0 {
        tracing::debug!(swept, "expired rows deleted");
    }
    Ok(())
}

/// How long keys sign, and are published, as configured.
fn schedule(app: &App) -> Schedule {
    let keys = &app.config.keys;
    Schedule { signs_for: keys.rotation, publish_ahead: keys.publish_ahead, keep: keys.keep }
}

/// Runs `job` over and over; a failure is logged, and the next round tries again.
async fn every<F>(period: Duration, app: App, name: &'static str, job: impl Fn(App) -> F)
where
    F: Future<Output = store::Result<()>>,
{
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = job(app.clone()).await {
            tracing::error!(%error, job = name, "a job failed");
        }
    }
}

/// Brings messages to where they go.
struct Courier<'a>(&'a App);

impl Deliver for Courier<'_> {
    async fn deliver(&self, id: OutboxId, message: Message, now: Timestamp) -> Result<(), Failure> {
        let app = self.0;
        match message {
            Message::Mail(mail) => app.mailer.send((&app.store, &app.master), id, &mail, now).await,
            Message::BackchannelLogout { client, subject, session } => {
                oidc::backchannel::notify(app, client, subject, session, now).await
            }
            Message::ForgottenPassword { typed, address, user_agent } => {
                let by = By::nobody().at(address, user_agent);
                Ok(login::mail_password_reset(app, &typed, by, now).await?)
            }
            Message::Webhook { webhook, event } => scim::event::deliver(app, id, webhook, &event, now).await,
        }
    }
}
