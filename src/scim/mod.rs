//! SCIM 2.0 (RFC 7643, RFC 7644): external tools provision people and groups of one organization.
//!
//! The engine is pure and driven by [`schema`], one registry that is loaded from `schemas/*.json`:
//! [`value`] takes what a client sent, [`path`] and [`filter`] name parts of resources, [`patch`]
//! changes them, [`projection`] chooses what an answer shows; [`quirks`] turns what vendors' tools send
//! into the form that these expect. None of them knows HTTP or rows.
//! Around it stand the endpoints: a [`call::Call`] is a request whose connection is known; [`users`]
//! and [`groups`] map resources to rows and say what a change means ([`crate::users::life_cycle`],
//! [`crate::access`]); [`custom`] has the resource types that configuration adds; [`provision`] is what a
//! new person gets. [`bulk`] is many requests in one, [`asynchronous`] performs requests after their answer;
//! [`event`] tells webhooks ([`crate::provisioning::event`]).
//!
//! Invariants: a connection sees and changes its own users and groups only, a foreign id is 404; it
//! gives what an administrator has listed and nothing else, and never the portal's administrator; a write acts on the
//! connection as it is, not as it was when the request came; a PATCH
//! happens whole or not at all; a request that changes nothing writes no version; every request of a
//! connection is in its provisioning log. A login name that lives in another organization is a stand-in here, and
//! tells nothing of the account it stands for.

mod answer;
pub mod asynchronous;
pub mod attribute;
pub mod bulk;
mod call;
pub mod custom;
pub mod discovery;
mod endpoint;
pub mod error;
pub mod event;
pub mod filter;
pub mod groups;
mod limits;
mod list;
pub mod patch;
pub mod path;
pub mod projection;
mod provision;
pub mod quirks;
mod replace;
pub mod schema;
pub mod search;
mod uniqueness;
pub mod users;
pub mod value;

use axum::{Extension, Router, extract::DefaultBodyLimit};

use crate::app::App;

pub use call::{Call, Shared, me, not_allowed, not_found};
pub use error::Refusal;
pub use schema::Registry;

/// The largest body: a group of ten thousand members fits.
const LARGEST_BODY: usize = 2 << 20;

/// The largest body that is taken, as the configuration is: what the discovery document says.
fn largest_body(app: &App) -> usize {
    LARGEST_BODY.min(app.config.limits.body_bytes)
}

/// Puts the endpoints behind what they share. The routes themselves are in [`crate::router`].
///
/// Schemas that cannot be used are refused when the server starts ([`Registry::load`]); should they
/// break later, SCIM alone is out of order.
pub fn surround(routes: Router<App>, app: &App) -> Router<App> {
    routes.layer(Extension(Shared::of(app))).layer(DefaultBodyLimit::max(LARGEST_BODY))
}
