//! Every route of the server, on one page.

use axum::{
    Router,
    routing::{get, post},
};

use crate::{
    account, api,
    app::App,
    http::{self, Site},
    oauth, oidc, operation, setup,
};

/// The whole server as one service.
pub fn router(app: App) -> Router {
    let site = Site {
        origin: app.config.issuer().to_owned(),
        secure: app.config.secure_cookies(),
        trusted_proxies: app.config.trusted_proxies.clone(),
    };
    let routes = Router::new()
        // OAuth 2.0
        .route("/authorize", get(oauth::authorize::get).post(oauth::authorize::post))
        .route("/authorize/resume", get(oauth::authorize::resume))
        .route("/authorize/decline", post(oauth::authorize::decline))
        .route("/token", post(oauth::token::token).options(oauth::token::preflight))
        .route("/introspect", post(oauth::introspect::introspect))
        .route("/revoke", post(oauth::revoke::revoke).options(oauth::token::preflight))
        // OpenID Connect
        .route("/.well-known/openid-configuration", oidc::discovery::route(&app))
        .route("/.well-known/oauth-authorization-server", oidc::discovery::route(&app))
        .route("/jwks", get(oidc::jwks::show))
        .route("/userinfo", get(oidc::userinfo::show).post(oidc::userinfo::show).options(oauth::token::preflight))
        .route("/logout", get(oidc::logout::ask).post(oidc::logout::forward))
        .route("/logout/confirm", post(oidc::logout::confirm))
        // The administrators' API.
        .merge(api::routes())
        // Everybody's own account.
        .merge(account::routes())
        // The mechanics: assets, the theme, what operators ask, the first start.
        .merge(http::routes())
        .merge(operation::routes())
        .merge(setup::routes());
    http::surround(routes, site).with_state(app)
}
