//! Behaviour of `login`, over HTTP.

mod mfa_single_use;
