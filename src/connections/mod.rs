//! Connections: one external tool's SCIM access to one organization (product.md V1, V2).
//!
//! Owns the rows `connections`, `connection_tokens` and `connection_clients`, their settings, the values that a schema
//! calls unique ([`unique`]), the provisioning log ([`log`]), and requests that are performed later ([`asynchronous`]). What SCIM means is decided in
//! `scim`, what its changes do to people in `users::life_cycle`, what a default product grants in `access`.
//!
//! Invariants: a token is stored as its hash, expires, and at most two of a connection live at once;
//! it opens one connection only, and so does an OAuth client of it; a paused connection opens for nobody;
//! requests of one connection are performed later one at a time, in the order in which they were accepted. A rule
//! that gives roles knows who set it ([`Origin`]) and outlives them, as a direct assignment outlives its giver.

pub mod asynchronous;
mod client;
mod connection;
pub mod log;
mod settings;
mod sql;
mod token;
pub mod unique;

pub use client::{SCOPE, bind_client, clients_of, of_client, unbind_client};
pub use connection::{
    Connection, NewConnection, Status, Vendor, delete, find, find_active, find_in, insert, list, update,
};
pub use settings::{DefaultAssignment, Gives, GroupRole, Guard, OnCreate, OnDelete, Origin, Rule, Setter, Settings};
pub use sql::STATEMENTS;
pub use token::{
    Bearer, Token, TwoLive, authenticate, by_client, end_tokens_by, issue_token, lock, revoke_token, tokens, touch,
};
