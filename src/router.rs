//! Every route of the server, on one page.

use axum::Router;

use crate::app::App;

/// The whole server as one service.
pub fn router(app: App) -> Router {
    Router::new().with_state(app)
}
