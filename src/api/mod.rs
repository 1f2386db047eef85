//! The administrators' API, `/api/v1`: what the portal's pages do, for programs.
//!
//! JSON in and out, errors as RFC 9457 ([`Refusal`]). A caller is known by a bearer token: an access
//! token whose audience is the portal's and whose scope holds `api`, or an API token. What the caller may
//! do is asked of [`crate::access`] at each request, inside the very transaction of a change; no other claim
//! of a token decides anything.
//!
//! Invariants: what belongs to an organization that the caller has no right over is answered as what
//! does not exist, byte for byte. Nobody grants, or acts on a holder of, a right of the portal that they
//! lack at that place; roles of other products are for whoever manages the users of an organization that
//! has the product, who need not hold them. Bodies deny unknown fields. A secret is in an answer once: in
//! that of the request that made it.

mod api_tokens;
mod caller;
mod connection_clients;
mod connections;
mod input;
mod me;
mod openapi;
mod organizations;
mod products;
mod refusal;
mod users;
mod webhooks;

use axum::{
    Router,
    routing::{delete, get, post, put},
};

use crate::{app::App, http::NO_STORE};

use caller::{Attempt, Caller, Over};
use input::{Body, Ids, Parameters};

pub use openapi::document;
pub use refusal::{Invalid, Problem, Refusal};

/// All of `/api/v1`.
pub fn routes() -> Router<App> {
    let of_user = Router::new()
        .route("/", get(users::list::show).patch(users::change::change).delete(users::ending::remove))
        .route("/deactivate", post(users::ending::deactivate))
        .route("/reactivate", post(users::ending::reactivate))
        .route("/reset-password", post(users::mended::reset_password))
        .route("/reset-mfa", post(users::mended::reset_mfa))
        .route("/invite", post(users::mended::invite))
        .route("/products/{product}", put(users::access::give_product).delete(users::access::take_product));
    let of_connection = Router::new()
        .route("/", get(connections::show).patch(connections::change).delete(connections::end))
        .route("/pause", post(connections::pause))
        .route("/resume", post(connections::resume))
        .route("/health", get(connections::health))
        .route("/log", get(connections::entries))
        .route("/held", get(connections::held))
        .route("/held/release", post(connections::release))
        .route("/held/discard", post(connections::discard))
        .route("/clients", get(connection_clients::list).post(connection_clients::create))
        .route("/clients/{client}", delete(connection_clients::delete))
        .route("/tokens", post(connections::create_token))
        .route("/tokens/{token}", delete(connections::revoke_token));
    let of_organization = Router::new()
        .route("/", get(organizations::show))
        .route("/products", get(products::list))
        .route("/users", get(users::list::list).post(users::create::create))
        .nest("/users/{user}", of_user)
        .route("/connections", get(connections::list).post(connections::create))
        .nest("/connections/{connection}", of_connection)
        .route("/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/webhooks/{webhook}", delete(webhooks::delete))
        .route("/api-tokens", get(api_tokens::list).post(api_tokens::create))
        .route("/api-tokens/{token}", delete(api_tokens::revoke));
    let routes = Router::new()
        .route("/openapi.json", get(openapi::openapi))
        .route("/me", get(me::show))
        .route("/me/products", get(me::products))
        .route("/organizations", get(organizations::list))
        .nest("/organizations/{organization}", of_organization)
        .fallback(async || Refusal::NotFound)
        .layer(axum::middleware::map_response(async |mut response: axum::response::Response| {
            response.headers_mut().insert(NO_STORE.0, NO_STORE.1);
            response
        }));
    Router::new().nest("/api/v1", routes)
}
