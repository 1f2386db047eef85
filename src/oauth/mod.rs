//! OAuth 2.0 (RFC 6749 and what RFC 9700 makes of it): `/authorize`, `/token`, `/introspect`, `/revoke`.
//!
//! - [`authorize`] judges a request, sends its user to sign in or to decide, and answers the client;
//! - [`token`] exchanges grants for tokens, a file for each grant type; all tokens are minted in one place;
//! - [`engine`] drives oxide-auth's state machines; nothing else knows that library;
//! - [`client_auth`] proves clients, [`parameters`] reads requests, strictly, and each once.
//!
//! Leaves to `login` the pages of signing in and consent, to `oidc` the ID token and UserInfo, to
//! [`crate::access`] what a user may do in a product, to [`crate::tokens`] the rows.
//!
//! Invariants: a refusal commits (a replayed code ends its family, and rolling back would undo exactly
//! that). Signing is never inside a write. A request is never answered by a redirect before its client
//! and redirect URI are known good.

pub mod authorize;
pub mod bearer;
pub mod client_auth;
mod cors;
mod engine;
mod error;
mod form;
pub mod introspect;
pub mod parameters;
pub mod revoke;
pub mod token;

pub use authorize::{Decision, Waiting, allow, deny, refuse_consent, waiting};
pub use error::Refusal;
