use super::{Grant, Scope};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, OrganizationId},
};

/// A refresh token that was found, with the grant it belongs to.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    pub grant: Grant,
    /// The user's home.
    pub organization_id: OrganizationId,
    pub client_id: ClientRowId,
    pub scope: Scope,
    /// Its idle end; the grant holds the absolute one.
    pub expires_at: Timestamp,
    pub consumed_at: Option<Timestamp>,
    /// Whether the user and their organizations are active.
    pub user_is_live: bool,
}

impl RefreshToken {
    /// Whether it may be rotated, unless it was already.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.user_is_live && self.grant.revoked_at.is_none() && now < self.expires_at && now < self.grant.expires_at
    }
}
