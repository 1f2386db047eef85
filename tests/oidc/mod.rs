//! Keys, audit, outbox and OpenID Connect.

mod audit;
mod cast;
mod discovery;
mod keys;
mod logout;
mod outbox;
mod userinfo;
