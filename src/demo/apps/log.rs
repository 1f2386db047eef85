//! What this app was asked over HTTP, as `GET /log` shows it: paths without queries, and every logout
//! token with the verdict on it.

use std::collections::VecDeque;

use axum::{
    Json,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use super::ProductApp;

const KEPT: usize = 1_000;

/// One request.
#[derive(Clone, Serialize)]
pub struct Entry {
    /// Seconds since the epoch, with a fraction.
    pub at: f64,
    pub method: String,
    pub path: String,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logout: Option<LogoutSeen>,
}

/// What a back-channel logout carried, and what became of it. Attached to its response.
#[derive(Clone, Serialize)]
pub struct LogoutSeen {
    /// The token as it came.
    pub logout_token: String,
    /// `valid`, or why not.
    pub verdict: String,
    pub claims: Value,
    /// How many sessions ended.
    pub sessions_ended: usize,
}

/// The latest requests.
#[derive(Default)]
pub struct Log(Mutex<VecDeque<Entry>>);

/// Writes down each request when its answer is known.
pub async fn record(State(app): State<ProductApp>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let response = next.run(request).await;
    if path == "/log" || path == "/app.css" {
        return response;
    }
    let logout = response.extensions().get::<LogoutSeen>().cloned();
    let mut entries = app.log.0.lock();
    if entries.len() == KEPT {
        entries.pop_front();
    }
    entries.push_back(Entry { at: seconds_now(), method, path, status: response.status().as_u16(), logout });
    drop(entries);
    response
}

/// `GET /log`: oldest first.
pub async fn show(State(app): State<ProductApp>) -> impl IntoResponse {
    let entries: Vec<Entry> = app.log.0.lock().iter().cloned().collect();
    ([("cache-control", "no-store")], Json(entries))
}

#[expect(clippy::disallowed_methods, reason = "this app is a stranger's program and has no clock of ours")]
fn seconds_now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
