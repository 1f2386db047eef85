//! Tokens for the administrators' API: made by a person or the operator, held by a program.
//!
//! An API token belongs to an organization and carries portal permissions over it and all below.
//! What those permissions let it do is judged in [`crate::access`] at each request, and that it is no more
//! than its maker still holds; who may make or revoke one is the API's business.
//!
//! Invariants: the token is shown once and only its hash is stored; one that was revoked or has ended,
//! whose maker is no longer active or whose organization is suspended, answers nothing from the next
//! request on.

mod sql;

use crate::{
    clock::Timestamp,
    id::{ApiTokenId, OrganizationId, UserId},
    secret::{Secret, SecretHash},
    store::{Db, Result, Tx},
};

pub use sql::STATEMENTS;

/// What an API token begins with: scanners of leaked secrets and people know it by that.
pub const PREFIX: &str = "cst_api_";

/// A token of the administrators' API, without its secret.
#[derive(Debug, Clone)]
pub struct ApiToken {
    pub id: ApiTokenId,
    /// What the permissions cover: this organization and all below it.
    pub organization_id: OrganizationId,
    pub name: String,
    /// Its last four characters, to tell two tokens apart.
    pub hint: String,
    /// Portal permissions, such as `portal:users:read`.
    pub permissions: Vec<String>,
    /// Who made it; nobody for one that the operator made.
    pub created_by: Option<UserId>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// Whether its organization, all above it, and whoever made it are active.
    pub stands: bool,
}

impl ApiToken {
    /// Whether it opens anything at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.stands && self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// An API token to be made.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    pub organization_id: OrganizationId,
    pub name: String,
    pub permissions: Vec<String>,
    pub created_by: Option<UserId>,
    pub expires_at: Option<Timestamp>,
}

/// A fresh secret for [`insert`]. Made outside of the write, shown once.
pub fn fresh_secret() -> Secret {
    Secret::random_with_prefix(PREFIX)
}

/// Keeps a new token.
///
/// # Errors
/// The database failed.
pub async fn insert(tx: &mut Tx<'_>, new: &NewApiToken, secret: &Secret, now: Timestamp) -> Result<ApiToken> {
    let text = secret.expose();
    let hint = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
    let token = ApiToken {
        id: ApiTokenId::new(now),
        organization_id: new.organization_id,
        name: new.name.clone(),
        hint,
        permissions: new.permissions.clone(),
        created_by: new.created_by,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
        stands: true,
    };
    sql::insert(tx, &token, &secret.hash()).await?;
    Ok(token)
}

/// The live token with this secret, if there is one.
///
/// # Errors
/// The database failed.
pub async fn authenticate(db: &mut Db<'_>, bearer: &str, now: Timestamp) -> Result<Option<ApiToken>> {
    if !bearer.starts_with(PREFIX) {
        return Ok(None);
    }
    let found = sql::find_by_hash(db, &SecretHash::of(bearer.as_bytes())).await?;
    Ok(found.filter(|token| token.is_live(now)))
}

/// A token of this organization.
///
/// # Errors
/// The database failed.
pub async fn find_in(db: &mut Db<'_>, organization: OrganizationId, id: ApiTokenId) -> Result<Option<ApiToken>> {
    sql::find_in(db, organization, id).await
}

/// The tokens of an organization, the newest first.
///
/// # Errors
/// The database failed.
pub async fn list(db: &mut Db<'_>, organization: OrganizationId) -> Result<Vec<ApiToken>> {
    sql::list(db, organization).await
}

/// Ends a token at once. Answers whether it was alive.
///
/// # Errors
/// The database failed.
pub async fn revoke(tx: &mut Tx<'_>, organization: OrganizationId, id: ApiTokenId, now: Timestamp) -> Result<bool> {
    sql::revoke(tx, organization, id, now).await
}

/// Notes that a token was used; at most once a minute, so that reads stay cheap.
///
/// # Errors
/// The database failed.
pub async fn touch(tx: &mut Tx<'_>, id: ApiTokenId, now: Timestamp) -> Result<()> {
    sql::touch(tx, id, now).await
}
