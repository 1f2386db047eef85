use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::public_document;
use crate::app::App;

/// `GET /jwks`: the published keys (RFC 7517 §5). Waits for the RS256 key, which is made beside the
/// running server, so that nobody keeps a set without it.
pub async fn show(State(app): State<App>, headers: HeaderMap) -> Response {
    if let Err(error) = app.keys.all_ready(app.clock.now()).await {
        tracing::error!(%error, "keys are missing");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let set = app.keys.jwks();
    public_document(&headers, axum::body::Bytes::from_owner(set.bytes), &set.etag)
}
