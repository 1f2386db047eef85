use super::{Branding, Organization, Policy, Status};
use crate::{
    clock::Timestamp,
    id::OrganizationId,
    store::{Db, Json, Result, Tx},
};

statements! {
    INSERT = "
        INSERT INTO organizations (id, parent_id, kind, name, external_id, contact_email, status, policy, branding,
                                   revision, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $10)";
    INSERT_SELF = "INSERT INTO organization_ancestors (organization_id, ancestor_id, depth) VALUES ($1, $1, 0)";
    INSERT_ANCESTORS = "
        INSERT INTO organization_ancestors (organization_id, ancestor_id, depth)
        SELECT $1, ancestor_id, depth + 1 FROM organization_ancestors WHERE organization_id = $2";
    FIND = "
        SELECT id, parent_id, kind, name, external_id, contact_email, status, policy, branding, created_at
          FROM organizations WHERE id = $1";
    /// Itself first, then upwards.
    LINEAGE = "
        SELECT o.id, o.parent_id, o.kind, o.name, o.external_id, o.contact_email, o.status, o.policy, o.branding, o.created_at
          FROM organization_ancestors a JOIN organizations o ON o.id = a.ancestor_id
         WHERE a.organization_id = $1 ORDER BY a.depth";
    WITHIN = "
        SELECT o.id, o.parent_id, o.kind, o.name, o.external_id, o.contact_email, o.status, o.policy, o.branding, o.created_at
          FROM organization_ancestors a JOIN organizations o ON o.id = a.organization_id
         WHERE a.ancestor_id = $1 ORDER BY a.depth, o.name, o.id";
    CHILDREN = "
        SELECT id, parent_id, kind, name, external_id, contact_email, status, policy, branding, created_at
          FROM organizations WHERE parent_id = $1 ORDER BY name, id";
    PROVIDER = "
        SELECT id, parent_id, kind, name, external_id, contact_email, status, policy, branding, created_at
          FROM organizations WHERE parent_id IS NULL";
    IS_WITHIN = "SELECT depth FROM organization_ancestors WHERE organization_id = $1 AND ancestor_id = $2";
    BUMP_REVISION = "UPDATE organizations SET revision = revision + 1 WHERE id = $1";
    SET_STATUS = "UPDATE organizations SET status = $2, updated_at = $3 WHERE id = $1";
    SET_POLICY = "UPDATE organizations SET policy = $2, updated_at = $3 WHERE id = $1";
}

#[derive(sqlx::FromRow)]
struct Row {
    id: OrganizationId,
    parent_id: Option<OrganizationId>,
    #[sqlx(try_from = "String")]
    kind: super::Kind,
    name: String,
    external_id: Option<String>,
    contact_email: Option<String>,
    #[sqlx(try_from = "String")]
    status: Status,
    policy: Json<Policy>,
    branding: Json<Branding>,
    created_at: Timestamp,
}

impl From<Row> for Organization {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            parent_id: row.parent_id,
            kind: row.kind,
            name: row.name,
            external_id: row.external_id,
            contact_email: row.contact_email,
            status: row.status,
            policy: row.policy.0,
            branding: row.branding.0,
            created_at: row.created_at,
        }
    }
}

pub(super) async fn insert(tx: &mut Tx<'_>, organization: &Organization, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        INSERT,
        organization.id,
        organization.parent_id,
        organization.kind.as_str(),
        &organization.name,
        &organization.external_id,
        &organization.contact_email,
        organization.status.as_str(),
        Json(&organization.policy),
        Json(&organization.branding),
        now,
    )?;
    execute!(tx, INSERT_SELF, organization.id)?;
    if let Some(parent_id) = organization.parent_id {
        execute!(tx, INSERT_ANCESTORS, organization.id, parent_id)?;
    }
    Ok(())
}

/// The organization of that id.
///
/// # Errors
/// The database's, here and below.
pub async fn find(db: &mut Db<'_>, id: OrganizationId) -> Result<Option<Organization>> {
    Ok(fetch_optional!(db, Row, FIND, id)?.map(Organization::from))
}

/// The organization itself first, then all above it up to the provider. Empty if there is none of that id.
pub async fn lineage(db: &mut Db<'_>, id: OrganizationId) -> Result<Vec<Organization>> {
    Ok(fetch_all!(db, Row, LINEAGE, id)?.into_iter().map(Organization::from).collect())
}

/// The organization itself and all below it, from the top down, by name.
pub async fn list_within(db: &mut Db<'_>, id: OrganizationId) -> Result<Vec<Organization>> {
    Ok(fetch_all!(db, Row, WITHIN, id)?.into_iter().map(Organization::from).collect())
}

/// Those directly below, by name.
pub async fn children(db: &mut Db<'_>, id: OrganizationId) -> Result<Vec<Organization>> {
    Ok(fetch_all!(db, Row, CHILDREN, id)?.into_iter().map(Organization::from).collect())
}

/// The vendor, once the server has been set up.
pub async fn provider(db: &mut Db<'_>) -> Result<Option<Organization>> {
    Ok(fetch_optional!(db, Row, PROVIDER)?.map(Organization::from))
}

/// Whether `id` is `ancestor` or lies below it.
pub async fn is_within(db: &mut Db<'_>, id: OrganizationId, ancestor: OrganizationId) -> Result<bool> {
    Ok(fetch_optional!(db, (i64,), IS_WITHIN, id, ancestor)?.is_some())
}

/// Serialises rules over several rows of one organization (the last administrator, seats) without
/// locks of our own: whoever comes second waits for the first one's commit. Call it first.
pub async fn bump_revision(tx: &mut Tx<'_>, id: OrganizationId) -> Result<()> {
    later!(tx, BUMP_REVISION, id)
}

/// Suspends or reactivates.
pub async fn set_status(tx: &mut Tx<'_>, id: OrganizationId, status: Status, now: Timestamp) -> Result<()> {
    later!(tx, SET_STATUS, id, status.as_str(), now)
}

/// Replaces what this level says itself.
pub async fn set_policy(tx: &mut Tx<'_>, id: OrganizationId, policy: &Policy, now: Timestamp) -> Result<()> {
    later!(tx, SET_POLICY, id, Json(policy), now)
}
