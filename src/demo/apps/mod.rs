//! The demo's product apps: real relying parties (OpenID Connect Core) at origins of their own.
//!
//! They stand for products that other teams write: this folder imports nothing of Castellan, keeps
//! its own sessions in memory, learns everything over HTTP by discovery and JWKS, and verifies ID
//! tokens, access tokens and logout tokens itself. `tests/tidy.rs` holds that.
//!
//! Invariant: a session exists only after a verified ID token, and a valid logout token ends it.

mod log;
mod logout;
mod pages;
mod provider;
mod sessions;
mod sign_in;
mod tokens;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};
use tokio::net::TcpListener;

use log::Log;
use provider::Provider;
use sessions::Sessions;

/// What a product app must be told; everything else it learns by discovery.
#[derive(Clone)]
pub struct Registration {
    /// The product's name for people.
    pub name: String,
    /// What the product does, in one sentence.
    pub tagline: String,
    /// Names the cookies.
    pub slug: String,
    /// The product's colour, `#rrggbb`.
    pub colour: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// The audience of access tokens for this product.
    pub audience: String,
    /// The origin of this app, without a slash at the end.
    pub url: String,
}

impl Registration {
    /// What stands in the place of a logo.
    fn initial(&self) -> String {
        self.name.chars().take(1).collect()
    }
}

/// A running product app. Cheap to clone.
#[derive(Clone)]
struct ProductApp(Arc<Parts>);

struct Parts {
    registration: Registration,
    provider: Provider,
    sessions: Sessions,
    log: Log,
}

impl std::ops::Deref for ProductApp {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Serves the app until the listener's task is dropped.
///
/// # Errors
/// The socket fails, or no HTTP client can be built.
pub async fn serve(listener: TcpListener, registration: Registration) -> anyhow::Result<()> {
    let app = ProductApp(Arc::new(Parts {
        provider: Provider::new(&registration)?,
        registration,
        sessions: Sessions::default(),
        log: Log::default(),
    }));
    axum::serve(listener, router(app)).await?;
    Ok(())
}

fn router(app: ProductApp) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/app.css", get(pages::style))
        .route("/sign-in", get(sign_in::begin))
        .route("/callback", get(sign_in::callback))
        .route("/refresh", post(sign_in::refresh))
        .route("/sign-out", post(logout::sign_out))
        .route("/signed-out", get(pages::signed_out))
        .route("/backchannel-logout", post(logout::back_channel))
        .route("/log", get(log::show))
        .layer(middleware::from_fn_with_state(app.clone(), log::record))
        .with_state(app)
}

/// The URL where the provider sends authorization responses.
pub fn redirect_uri(url: &str) -> String {
    format!("{url}/callback")
}

/// Where the provider sends logout tokens (OpenID Connect Back-Channel Logout 1.0).
pub fn backchannel_logout_uri(url: &str) -> String {
    format!("{url}/backchannel-logout")
}

/// Where the provider sends the browser after a logout.
pub fn post_logout_redirect_uri(url: &str) -> String {
    format!("{url}/signed-out")
}
