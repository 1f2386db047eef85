//! Behaviour of `login`, over HTTP.

mod account_pages;
mod authenticator;
mod enrolment;
mod handover;
mod join;
mod mfa_passkeys;
mod mfa_rules;
mod mfa_single_use;
mod sign_in;
mod tries;
mod walk;
