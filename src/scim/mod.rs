//! SCIM 2.0 (RFC 7643, RFC 7644): external tools provision people and groups of one organization.
//!
//! The engine is pure and driven by [`schema`], one registry that is loaded from `schemas/*.json`:
//! [`value`] takes what a client sent, [`path`] and [`filter`] name parts of resources, [`patch`]
//! changes them, [`projection`] chooses what an answer shows. None of these knows HTTP or rows.
//! Around it stand the endpoints: who asks ([`crate::connections`]), what a change means for a person
//! ([`crate::users::life_cycle`], [`crate::access`]), and what is written about it.
//!
//! Invariants: a connection sees and changes its own users and groups only, a foreign id is 404; it
//! grants its default assignments and nothing else; a PATCH happens whole or not at all; a request
//! that changes nothing writes no version.

pub mod attribute;
pub mod error;
pub mod filter;
pub mod patch;
pub mod path;
pub mod projection;
pub mod schema;
pub mod value;

pub use error::Refusal;
pub use schema::Registry;
