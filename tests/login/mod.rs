//! Behaviour of `login`, over HTTP.

mod mfa_single_use;
mod mfa_rules;
