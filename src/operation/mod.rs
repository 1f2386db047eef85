//! What an operator's machinery asks: is the process alive, and may it be sent requests?
//!
//! Neither answer says more than that: no version, no reason. Reasons are in the log.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};

use crate::app::App;

/// Set once the server has been told to stop: it finishes what it has and wants no more.
#[derive(Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on the server is not ready.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was told to stop.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// `/healthz` and `/readyz`.
pub fn routes() -> Router<App> {
    Router::new().route("/healthz", get(async || answer(true))).route("/readyz", get(ready))
}

/// Ready: the database answers, and nobody has told the server to stop.
async fn ready(State(app): State<App>) -> impl IntoResponse {
    if app.draining.has_begun() {
        return answer(false);
    }
    let asked = async {
        let mut db = app.store.reader().await?;
        crate::settings::find(&mut db, "ready").await
    };
    match asked.await {
        Ok(_) => answer(true),
        Err(error) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            answer(false)
        }
    }
}

fn answer(well: bool) -> impl IntoResponse {
    let (status, text) = if well { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") };
    (status, [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "text/plain")], text)
}
