//! Every route of the server, on one page.

use axum::{Router, routing::post};

use crate::{app::App, oauth};

/// The whole server as one service.
pub fn router(app: App) -> Router {
    Router::new().route("/token", post(oauth::token::token).options(oauth::token::preflight)).with_state(app)
}
