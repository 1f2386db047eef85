//! Mechanics of HTTP, and the page kit. Nothing here knows who anybody is.
//!
//! [`surround`] puts a router behind the headers, limits and request ids that every answer needs.
//! Below it, handlers take what they need as extractors: [`Page`] (draws pages), [`Browser`] (the
//! cookie that binds a browser to what it began), [`SessionCookie`], [`ClientAddress`], [`UserAgent`],
//! [`Form`] (a form of ours: refuses other sites and other browsers' tokens).
//!
//! # How to draw a page
//! A template extends a layout and fills its blocks; the handler hands it to the page:
//! ```ignore
//! #[derive(askama::Template)]
//! #[template(path = "account/pages/name.html", config = ".config/askama.toml")]
//! struct Name<'a> { page: &'a Page, name: &'a str }
//!
//! async fn show(page: Page) -> Response {
//!     page.gate(StatusCode::OK, &Name { page: &page, name: "Mara" })     // narrow, one decision
//! //  page.console(StatusCode::OK, &Name { page: &page, name: "Mara" })  // dense, with navigation
//! }
//! ```
//! ```html
//! {% extends "http/pages/gate.html" %}
//! {% block title %}Your name{% endblock %}
//! {% block content %}
//! <h1>Your name</h1>
//! <form method="post" action="/account/name">{{ page.csrf_field() }}
//!   <button class="btn btn-primary full">{{ page.icon("check") }} Keep it</button></form>
//! {% endblock %}
//! ```
//! The handler of that form takes [`Form<T>`]; `Form<Vec<(String, String)>>` where a name repeats.
//! A handler may answer `Result<Response, Failure>`: a [`Failure`] becomes a page, drawn by [`surround`].
//! After a form, answer [`see_other`] (303): never 307 or 308 after credentials (RFC 9700 §4.12).
//!
//! Invariants: each page has a fresh CSP nonce and is never stored; gate pages carry no `form-action`
//! (Chromium applies it to the redirects that follow a form); addresses come from trusted proxies only.

mod assets;
mod client_address;
mod cookies;
mod csrf;
mod failure;
mod form;
mod guard;
mod headers;
mod icons;
pub mod limits;
pub mod outbound;
mod page;
mod problem;
mod request_id;
mod site;
mod theme;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};

pub use client_address::{ClientAddress, UserAgent};
pub use cookies::{Browser, SessionCookie, expired, http_only, read};
pub use failure::Failure;
pub use form::Form;
pub use guard::guard;
pub use headers::{NO_STORE, surround};
pub use page::{Colour, Page, Place, Viewer, initials};
pub use problem::Problem;
pub use request_id::RequestId;
pub use site::Site;
pub use theme::local_path;

/// Assets and the theme switch: what pages of every room need.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{name}", get(assets::serve)).route("/theme", post(theme::choose))
}

/// 303 to a path or URL of our own making. One that cannot stand in a header becomes `/`.
pub fn see_other(location: &str) -> Response {
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location), NO_STORE]).into_response()
}
