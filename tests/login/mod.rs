//! Behaviour of `login`, over HTTP.

mod account_pages;
mod authenticator;
mod mfa_passkeys;
mod mfa_rules;
mod mfa_single_use;
