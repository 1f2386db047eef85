//! Connections: one external tool's SCIM access to one organization (product.md V1, V2).
//!
//! Owns the rows `connections` and `connection_tokens`, their settings, the values that a schema
//! calls unique ([`unique`]), and the provisioning log ([`log`]). What SCIM means is decided in
//! `scim`, what its changes do to people in `users::life_cycle`, what a default product grants in `access`.
//!
//! Invariants: a token is stored as its hash, expires, and at most two of a connection live at once;
//! it opens one connection only; a paused connection opens for nobody.

mod connection;
pub mod log;
mod settings;
mod sql;
mod token;
pub mod unique;

pub use connection::{Connection, NewConnection, Status, Vendor, find, find_in, insert, list, update};
pub use settings::{DefaultAssignment, Guard, OnCreate, Settings};
pub use sql::STATEMENTS;
pub use token::{Bearer, Token, TwoLive, authenticate, issue_token, revoke_token, tokens, touch};
