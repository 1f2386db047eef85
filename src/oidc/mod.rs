//! OpenID Connect on top of the OAuth core: discovery, keys, ID tokens, UserInfo, logout.
//!
//! Owns what a relying party learns about the server and about a person. Who may have access is for
//! `access`, what a grant covers for `tokens` and `oauth`, which asks here for its ID tokens.
//!
//! Invariants:
//! - metadata names only what is built, and only members that are registered;
//! - a person's claims follow the granted scope and the `claims` parameter, and never exceed the scopes
//!   that the client is registered for. Each claim is filled from a place of its own: nothing that a
//!   person or a tool stores can become a protocol claim (`sub`, `iss`, `aud`, `roles`);
//! - logging out ends nothing without a hint that fits the session, or a click.

pub mod backchannel;
mod claims;
pub mod discovery;
pub mod id_token;
pub mod jwks;
pub mod logout;
pub mod userinfo;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

pub use id_token::IdToken;

/// For how long relying parties may keep metadata and keys. Half of the time for which a new key is
/// published before it signs.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// A public document: for every origin, with its entity tag (RFC 9110 §8.8.3).
fn public_document(headers: &HeaderMap, body: axum::body::Bytes, etag: &str) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let common = [
        (header::ETAG, HeaderValue::from_str(etag).unwrap_or(HeaderValue::from_static("\"\""))),
        (header::CACHE_CONTROL, CACHE_CONTROL),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}
