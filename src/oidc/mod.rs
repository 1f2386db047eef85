//! OpenID Connect on top of the OAuth core: discovery, keys, ID tokens, UserInfo, logout.
//!
//! Owns what a relying party learns about the server and about a person. Who may have access is for
//! `access`, what a grant covers for `tokens` and `oauth`.
//!
//! Invariants:
//! - metadata names only what is built, and only members that are registered;
//! - a person's claims follow the granted scope and the `claims` parameter, never more; nothing that a
//!   person or a tool stores can become a protocol claim (`sub`, `iss`, `aud`, `roles`);
//! - logging out changes nothing without a hint that fits the session, or a click.

pub mod backchannel;
