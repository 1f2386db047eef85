//! Behaviour of `login`, over HTTP.

mod account_pages;
mod mfa_rules;
mod mfa_single_use;
mod authenticator;
mod mfa_passkeys;
