//! Signing keys: made, published, rotated and retired here; every JWT of this server is signed here.
//!
//! Owns `signing_keys` and the compact JWS format ([`jws`]). What a token says is for the room that
//! issues it. What others signed is verified in [`foreign`], by another library.
//!
//! Invariants:
//! - a private key lies in the database only under the master key, and is parsed once per process;
//! - a key is published before it signs, and stays published until no token of it lives
//!   ([`rotation`]); every node sees a change within a second ([`Keyring::refresh`]);
//! - a token names its key by `kid` alone: nothing else in a header can choose a key, and the
//!   algorithm is the key's, whatever the header says (RFC 8725 §3.1);
//! - ES256 and EdDSA exist from the first start. The RS256 key takes long to make: it is made beside
//!   the running server, and who needs it waits ([`Keyring::ready`]).

mod algorithm;
pub mod foreign;
mod jws;
mod key;
mod keyring;
mod making;
mod rotation;
mod seen;
mod sql;

pub use algorithm::Algorithm;
pub use jws::Invalid;
pub use keyring::{JwkSet, Keyring};
pub use rotation::{Rotation, Schedule, rotate};
pub use sql::STATEMENTS;

/// Why a token could not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The RS256 key is still being made.
    #[error("there is no {0:?} key yet")]
    NotYet(Algorithm),
    /// The claims are not a JSON object, or the library failed.
    #[error("the token could not be signed: {0}")]
    Failed(String),
}
