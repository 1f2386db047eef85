use super::Grant;
use crate::{
    clock::Timestamp,
    id::{ClientRowId, GrantId, OrganizationId},
    secret::SecretHash,
};

/// So many redemptions with invalid proof kill a code (security.md row 12).
pub(super) const FAILURES: i64 = 5;

/// An authorization code to be kept.
#[derive(Debug, Clone)]
pub struct NewCode {
    pub code_hash: SecretHash,
    pub grant_id: GrantId,
    pub client_id: ClientRowId,
    /// The one of the request, which the redemption must name again (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// S256 only, so the method needs no column (RFC 7636 §4.3).
    pub code_challenge: Option<String>,
    /// Goes into the ID token (OIDC Core §3.1.2.1).
    pub nonce: Option<String>,
    pub expires_at: Timestamp,
}

/// A code that was found, with the grant it stands for.
#[derive(Debug, Clone)]
pub struct Code {
    pub grant: Grant,
    /// The user's home.
    pub organization_id: OrganizationId,
    pub client_id: ClientRowId,
    pub redirect_uri: String,
    pub code_challenge: Option<String>,
    pub nonce: Option<String>,
    pub failures: i64,
    pub expires_at: Timestamp,
    pub consumed_at: Option<Timestamp>,
    /// Whether the user and their organizations are active.
    pub user_is_live: bool,
}

impl Code {
    /// Whether nothing but proof stands between it and tokens: what was used already is another case.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.user_is_live && self.grant.revoked_at.is_none() && now < self.expires_at && self.failures < FAILURES
    }
}
