//! What an access token opens at this server (RFC 6750 §3.1), judged by the resource machine.

use super::engine::{self, Verdict};
use crate::tokens::{AccessToken, Scope};

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the token is unknown, has expired or was revoked")]
    Invalid,
    #[error("the token's scope does not reach so far")]
    Scope,
}

/// Whether `token`, for which [`crate::tokens::authenticate`] found `found`, opens what needs `scope`.
///
/// # Errors
/// Why not.
pub fn open<'t>(token: &str, found: Option<&'t AccessToken>, scope: &str) -> Result<&'t AccessToken, Refusal> {
    let scope: Scope = scope.parse().map_err(|_| Refusal::Scope)?;
    match (engine::open(&format!("Bearer {token}"), found, &scope), found) {
        (Ok(()), Some(found)) => Ok(found),
        (Err(Verdict::InvalidScope), _) => Err(Refusal::Scope),
        _ => Err(Refusal::Invalid),
    }
}
