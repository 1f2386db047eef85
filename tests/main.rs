//! The behaviour suite: one binary, folders as the URLs, every test through HTTP on a database of its own.
//!
//! SQLite by default; `CASTELLAN_TEST_DATABASE=postgres://...` runs the same tests on PostgreSQL.

mod api;
mod login;
mod oauth;
mod oidc;
mod ops;
mod portal;
mod scim;
mod support;
mod tidy;
