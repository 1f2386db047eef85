//! Keys, audit, outbox and OpenID Connect.

mod audit;
mod backchannel;
mod cast;
mod discovery;
mod keys;
mod logout;
mod mail;
mod outbox;
mod userinfo;
