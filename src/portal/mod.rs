//! The portal: where people find their products and administrators their people.
//!
//! It is a relying party of our own server with nothing but its tokens. It has no [`Store`] and no
//! `App`: it asks `/api/v1` in process by full requests, and of the database it holds only the
//! narrow handle of [`crate::portal_sessions`]. What a person may see or do is decided by the API
//! at each request; the pages only leave out what it would refuse.
//!
//! A request's way: `visit` finds the browser's session and a live access token, refreshing it once
//! for all nodes; a page asks `api` and draws; whatever goes wrong is a `Trouble`, which knows its answer.
//!
//! Invariants: tokens lie sealed in a session row and never reach the browser. A session ends as soon
//! as the server refuses its tokens, or names it in a logout token. GET changes nothing.
//!
//! [`Store`]: crate::store::Store

mod api;
mod connections;
mod create_user;
mod home;
mod in_process;
mod registration;
mod shell;
mod sign_in;
mod sign_out;
mod toast;
mod trouble;
mod user_acts;
mod user_page;
mod users_page;
mod visit;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{clock::Clock, http::Site, portal_sessions::Rows};

pub use registration::{CLIENT_ID, Registration, registration};

use in_process::InProcess;
use sign_in::Provider;
use trouble::Trouble;
use visit::Visit;

/// The portal. Cheap to clone.
#[derive(Clone)]
pub struct Portal(Arc<Parts>);

/// All that the portal has.
pub struct Parts {
    /// The public URL without a trailing slash: the server's issuer, and where the portal is.
    issuer: String,
    site: Site,
    registration: Registration,
    rows: Rows,
    clock: Clock,
    /// The server, by full requests.
    server: InProcess,
    provider: Provider,
}

impl Portal {
    /// `server` is the whole server apart from the portal.
    pub fn new(site: Site, registration: Registration, rows: Rows, clock: Clock, server: Router) -> Self {
        let (issuer, provider, server) = (site.origin.clone(), Provider::default(), InProcess::new(server));
        Self(Arc::new(Parts { issuer, site, registration, rows, clock, server, provider }))
    }

    /// All of `/portal`, for any router.
    pub fn routes<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let of_user = Router::new()
            .route("/", get(user_page::show))
            .route("/names", post(user_acts::names))
            .route("/access", get(user_page::access).post(user_acts::access))
            .route("/deactivate", post(user_acts::deactivate))
            .route("/reactivate", post(user_acts::reactivate))
            .route("/remove", post(user_acts::remove))
            .route("/reset-password", post(user_acts::reset_password))
            .route("/reset-mfa", post(user_acts::reset_mfa))
            .route("/invite", post(user_acts::invite));
        let of_connection = Router::new()
            .route("/", get(connections::show::show))
            .route("/rules", get(connections::rules::form).post(connections::rules::save))
            .route("/log", get(connections::log::show))
            .route("/held", post(connections::acts::decide))
            .route("/pause", post(connections::acts::pause))
            .route("/resume", post(connections::acts::resume))
            .route("/delete", post(connections::acts::delete))
            .route("/tokens", post(connections::acts::create_token))
            .route("/tokens/{token}/revoke", post(connections::acts::revoke_token))
            .route("/clients", post(connections::clients::create))
            .route("/clients/{client}/end", post(connections::clients::end));
        let of_organization = Router::new()
            .route("/", get(home::of_organization))
            .route("/users", get(users_page::list))
            .route("/users/new", get(create_user::form).post(create_user::create))
            .nest("/users/{user}", of_user)
            .route("/connections", get(connections::list))
            .route("/connections/webhooks", post(connections::webhooks::create))
            .route("/connections/webhooks/{webhook}/end", post(connections::webhooks::end))
            .route("/connections/new", get(connections::new::form).post(connections::new::create))
            .nest("/connections/{connection}", of_connection);
        Router::new()
            .route("/portal", get(home::show))
            .route("/portal/organizations", get(home::organizations))
            .route("/portal/users", get(home::users))
            .route("/portal/connections", get(home::connections))
            .nest("/portal/organizations/{organization}", of_organization)
            .route("/portal/sign-in", get(sign_in::begin))
            .route("/portal/callback", get(sign_in::callback))
            .route("/portal/sign-out", post(sign_out::sign_out))
            .route("/portal/signed-out", get(sign_out::signed_out))
            .route("/portal/backchannel-logout", post(sign_in::backchannel_logout))
            .with_state(self)
    }
}

impl std::ops::Deref for Portal {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
