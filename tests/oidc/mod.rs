//! Keys, audit, outbox and OpenID Connect.

mod audit;
mod keys;
mod outbox;
