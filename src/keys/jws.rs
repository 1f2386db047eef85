//! The compact JWS of our own tokens (RFC 7515 §7.1): written here, since `typ` matters (`at+jwt`,
//! `logout+jwt`), and read here, strictly.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    key::{Key, Rejected},
    keyring::Signer,
    seen::Seen,
};
use crate::{clock::Timestamp, secret::SecretHash};

/// Longer tokens are not ours.
const LONGEST: usize = 16 * 1024;

/// How far another node's clock may be ahead of ours, in seconds.
const SKEW: i64 = 60;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("not a compact JWS of ours")]
    Malformed,
    #[error("another type of token")]
    Type,
    #[error("no key of ours")]
    Key,
    #[error("the signature does not fit")]
    Signature,
    #[error("expired")]
    Expired,
    #[error("not valid yet")]
    NotYet,
}

/// Every member our tokens have; one more (`crit`, `jwk`, `jku`, `x5u`) makes a foreign token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// Writes and signs.
pub(super) fn write(key: &Key, (alg, typ, kid): (&str, &str, &str), claims: &[u8]) -> Result<String, Rejected> {
    let header = serde_json::to_vec(&Header { alg, typ, kid }).map_err(|_| Rejected)?;
    let mut token = String::with_capacity((header.len() + claims.len()) * 4 / 3 + 512);
    BASE64URL.encode_string(header, &mut token);
    token.push('.');
    BASE64URL.encode_string(claims, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    BASE64URL.encode_string(signature, &mut token);
    Ok(token)
}

/// A token taken apart; nothing of it is believed yet.
pub(super) struct Unverified<'a> {
    token: &'a str,
    signing_input: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
    header: Vec<u8>,
}

impl<'a> Unverified<'a> {
    pub fn parse(token: &'a str) -> Result<Self, Invalid> {
        if token.len() > LONGEST {
            return Err(Invalid::Malformed);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Invalid::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Invalid::Malformed)?;
        let decode = |part: &str| BASE64URL.decode(part).map_err(|_| Invalid::Malformed);
        Ok(Self {
            token,
            signing_input: signing_input.as_bytes(),
            payload: decode(payload)?,
            signature: decode(signature)?,
            header: decode(header)?,
        })
    }

    /// Checks type and signature. The key is found by `kid` only, and `alg` must be the key's own.
    pub fn verify<'k>(
        &self,
        typ: &str,
        find: impl FnOnce(&str) -> Option<&'k Signer>,
        seen: &Seen,
    ) -> Result<Map<String, Value>, Invalid> {
        let header: Header<'_> = serde_json::from_slice(&self.header).map_err(|_| Invalid::Malformed)?;
        // RFC 8725 §3.11: one type of token is never taken for another.
        if header.typ != typ {
            return Err(Invalid::Type);
        }
        let signer = find(header.kid).ok_or(Invalid::Key)?;
        if header.alg != signer.algorithm.as_str() {
            return Err(Invalid::Key);
        }
        let token = SecretHash::of(self.token.as_bytes());
        if !seen.knows(&token) {
            if !signer.key.verify(self.signing_input, &self.signature) {
                return Err(Invalid::Signature);
            }
            seen.note(token);
        }
        serde_json::from_slice(&self.payload).map_err(|_| Invalid::Malformed)
    }
}

/// Judges `exp`, `nbf` and `iat` (RFC 7519 §4.1.4-4.1.6): `exp` must be there, and all are whole numbers.
pub(super) fn check_time(claims: &Map<String, Value>, now: Timestamp) -> Result<(), Invalid> {
    check_not_early(claims, now)?;
    let expires = claims.get("exp").and_then(Value::as_i64).ok_or(Invalid::Malformed)?;
    if expires <= now.as_seconds() { Err(Invalid::Expired) } else { Ok(()) }
}

/// The same without the end, for a hint that may have expired.
pub(super) fn check_not_early(claims: &Map<String, Value>, now: Timestamp) -> Result<(), Invalid> {
    for name in ["nbf", "iat"] {
        if let Some(value) = claims.get(name) {
            let from = value.as_i64().ok_or(Invalid::Malformed)?;
            if from > now.as_seconds() + SKEW {
                return Err(Invalid::NotYet);
            }
        }
    }
    Ok(())
}
