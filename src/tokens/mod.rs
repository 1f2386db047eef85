//! Grants and what they were exchanged for: codes, refresh tokens, access tokens.
//!
//! A [`Grant`] is what a user allowed a client at one sign-in; every code and token of it names it, so
//! that revoking the one row ends them all. Who may have a grant is decided by [`crate::oauth`]; what
//! it is worth in a product by [`crate::access`].
//!
//! Invariants: only hashes of codes and tokens are kept. Single use is one conditional statement that
//! the database judges. A token counts only while its grant, its user, the user's organization and all
//! above it, and its client are alive: every reading here asks for all of them, so that deprovisioning
//! needs no sweep to take effect.

mod access_token;
mod code;
mod grant;
mod refresh_token;
pub mod requests;
mod scope;
mod sql;

pub use access_token::{AccessToken, JWT_TYPE, NewOpaqueToken, TokenId, authenticate};
pub use code::{Code, NewCode};
pub use grant::{ClaimsRequest, Grant, GrantDetails};
pub use refresh_token::RefreshToken;
pub use scope::{InvalidScope, Scope};
pub use sql::{
    STATEMENTS, clients_of_session, clients_of_user, consume_code, consume_refresh_token, count_code_failure,
    find_code, find_refresh_token, insert_code, insert_grant, insert_opaque, insert_refresh_token, note_assertion,
    reuse_within_grace, revoke_grant, revoke_of_client, revoke_of_other_sessions, revoke_of_session, revoke_of_user,
    revoke_opaque, revoke_token_id,
};
