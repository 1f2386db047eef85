//! Every route of the server, on one page.

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, get, post},
};

use crate::{
    account, api,
    app::App,
    http::{self, Site},
    login, oauth, oidc, operation,
    portal::{self, Portal},
    portal_sessions::Rows,
    scim::{self, bulk, custom, discovery, groups, search, users},
    setup,
};

/// The whole server as one service.
pub fn router(app: App) -> Router {
    router_with(app, Router::new())
}

/// The same with more routes, which the demo has, behind the same mechanics.
pub fn router_with(app: App, more: Router<App>) -> Router {
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
        .route("/userinfo", get(oidc::userinfo::show).post(oidc::userinfo::show).options(oauth::token::preflight))
        .route("/logout", get(oidc::logout::ask).post(oidc::logout::forward))
        .route("/logout/confirm", post(oidc::logout::confirm))
        // SCIM, for each connection.
        .nest("/scim/v2/{connection}", scim(&app))
        .route("/scim/v2/{connection}/", any(scim::not_found))
        // The administrators' API.
        .merge(api::routes())
        // Everybody's own account.
        .merge(account::routes())
        // Signing in.
        .merge(login::routes())
        // The mechanics: assets, the theme, what operators ask, the first start.
        .merge(http::routes())
        .merge(operation::routes())
        .merge(setup::routes())
        .merge(more);
    // Public and made beforehand: an answer costs less than the question whether to give it.
    let documents = Router::new()
        .route("/.well-known/openid-configuration", oidc::discovery::route(&app))
        .route("/.well-known/oauth-authorization-server", oidc::discovery::route(&app))
        .route("/jwks", get(oidc::jwks::show));
    let server = http::surround(routes.clone().merge(documents.clone()), site.clone()).with_state(app.clone());
    let routes = http::guard(routes.merge(portal(&app, site.clone(), server)), &app.config.limits);
    http::surround(routes.merge(documents), site).with_state(app)
}

/// The portal: a relying party of `server`, with its session rows and nothing else of ours.
fn portal(app: &App, site: Site, server: Router) -> Router<App> {
    let registration = portal::registration(&site.origin, &app.master);
    let rows = Rows::new(app.store.clone(), Arc::clone(&app.master));
    Portal::new(site, registration, rows, app.clock.clone(), server).routes()
}

/// SCIM 2.0 (RFC 7644 §3.2), below the base URL of a connection.
fn scim(app: &App) -> Router<App> {
    let user = get(users::read).put(users::replace).patch(users::patch).delete(users::delete);
    let group = get(groups::read).put(groups::replace).patch(groups::patch).delete(groups::delete);
    let resource = get(custom::read).put(custom::replace).patch(custom::patch).delete(custom::delete);
    let routes = Router::new()
        .route("/ServiceProviderConfig", get(discovery::configuration))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{id}", get(discovery::resource_type))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .route("/", get(search::root))
        .route("/.search", post(search::everywhere))
        .route("/Bulk", post(bulk::bulk))
        .route("/Me", any(scim::me))
        .route("/Users", get(users::list).post(users::create))
        .route("/Users/.search", post(users::search))
        .route("/Users/{id}", user)
        .route("/Groups", get(groups::list).post(groups::create))
        .route("/Groups/.search", post(groups::search))
        .route("/Groups/{id}", group)
        // Resource types that configuration adds.
        .route("/{endpoint}", get(custom::list).post(custom::create))
        .route("/{endpoint}/.search", post(custom::search))
        .route("/{endpoint}/{id}", resource)
        .fallback(scim::not_found)
        .method_not_allowed_fallback(scim::not_allowed);
    scim::surround(routes, app)
}
