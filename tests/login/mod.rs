//! Behaviour of `login`, over HTTP.

mod mfa_rules;
mod mfa_single_use;
mod account_pages;
