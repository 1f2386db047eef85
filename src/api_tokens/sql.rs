use std::time::Duration;

use super::ApiToken;
use crate::{
    clock::Timestamp,
    id::{ApiTokenId, OrganizationId, UserId},
    secret::SecretHash,
    store::{Db, Json, Result, Tx},
};

/// Tokens, each with whether those it depends on are still active: its organization with all above, and
/// the person who made it.
macro_rules! tokens_where {
    ($condition:literal) => {
        concat!(
            "
        SELECT t.id, t.organization_id, t.name, t.hint, t.permissions, t.created_by, t.created_at, t.expires_at,
               t.revoked_at, t.last_used_at,
               (NOT EXISTS (
                    SELECT 1 FROM organization_ancestors a JOIN organizations o ON o.id = a.ancestor_id
                     WHERE a.organization_id = t.organization_id AND o.status <> 'active')
                AND (t.created_by IS NULL OR EXISTS (
                    SELECT 1 FROM users u WHERE u.id = t.created_by AND u.status = 'active'))) AS stands
          FROM api_tokens t
         WHERE ",
            $condition
        )
    };
}

statements! {
    INSERT = "
        INSERT INTO api_tokens
               (id, organization_id, name, token_hash, hint, permissions, created_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    FIND_BY_HASH = tokens_where!("t.token_hash = $1");
    FIND_IN = tokens_where!("t.organization_id = $1 AND t.id = $2");
    LIST = tokens_where!("t.organization_id = $1 ORDER BY t.id DESC");
    REVOKE = "
        UPDATE api_tokens
           SET revoked_at = $3
         WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    TOUCH = "
        UPDATE api_tokens
           SET last_used_at = $2
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)";
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ApiTokenId,
    organization_id: OrganizationId,
    name: String,
    hint: String,
    permissions: Json<Vec<String>>,
    created_by: Option<UserId>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    stands: bool,
}

impl From<Row> for ApiToken {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            name: row.name,
            hint: row.hint,
            permissions: row.permissions.0,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            stands: row.stands,
        }
    }
}

pub async fn insert(tx: &mut Tx<'_>, token: &ApiToken, hash: &SecretHash) -> Result<()> {
    execute!(
        tx,
        INSERT,
        token.id,
        token.organization_id,
        token.name.as_str(),
        hash,
        token.hint.as_str(),
        Json(&token.permissions),
        token.created_by,
        token.created_at,
        token.expires_at,
    )?;
    Ok(())
}

pub async fn find_by_hash(db: &mut Db<'_>, hash: &SecretHash) -> Result<Option<ApiToken>> {
    Ok(fetch_optional!(db, Row, FIND_BY_HASH, hash)?.map(ApiToken::from))
}

pub async fn find_in(db: &mut Db<'_>, organization: OrganizationId, id: ApiTokenId) -> Result<Option<ApiToken>> {
    Ok(fetch_optional!(db, Row, FIND_IN, organization, id)?.map(ApiToken::from))
}

pub async fn list(db: &mut Db<'_>, organization: OrganizationId) -> Result<Vec<ApiToken>> {
    Ok(fetch_all!(db, Row, LIST, organization)?.into_iter().map(ApiToken::from).collect())
}

pub async fn revoke(tx: &mut Tx<'_>, organization: OrganizationId, id: ApiTokenId, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, REVOKE, organization, id, now)? == 1)
}

pub async fn touch(tx: &mut Tx<'_>, id: ApiTokenId, now: Timestamp) -> Result<()> {
    execute!(tx, TOUCH, id, now, now - Duration::from_secs(60))?;
    Ok(())
}
