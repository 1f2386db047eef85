use serde_json::Value;
use sqlx::FromRow;

use super::sql;
use crate::{
    clock::Timestamp,
    counters::{self, Counter},
    id::{ConnectionId, GroupId, OrganizationId},
    search::Search,
    store::{Db, Json, Result, Tx},
    text,
};

/// A group of users of one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub id: GroupId,
    pub organization_id: OrganizationId,
    /// The connection that owns it, if one does.
    pub connection_id: Option<ConnectionId>,
    pub display_name: String,
    /// The owning tool's own id.
    pub external_id: Option<String>,
    /// The SCIM attributes that no column holds.
    pub document: Value,
    /// Moves once with each effective change: SCIM's meta.version.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What makes a group.
#[derive(Debug, Clone)]
pub struct NewGroup {
    pub organization_id: OrganizationId,
    pub connection_id: Option<ConnectionId>,
    pub display_name: String,
    pub external_id: Option<String>,
    pub document: Value,
}

/// Why a group was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    #[error("a group of this name exists already")]
    Taken,
    /// The version is no longer the one that was read: read again.
    #[error("the group has been changed meanwhile")]
    Stale,
}

/// The unique index of display names.
const NAME_INDEX: &str = "groups_organization_id_display_name_prepared";

#[derive(FromRow)]
pub(super) struct Row {
    id: GroupId,
    organization_id: OrganizationId,
    connection_id: Option<ConnectionId>,
    display_name: String,
    external_id: Option<String>,
    document: Json<Value>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for Group {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            connection_id: row.connection_id,
            display_name: row.display_name,
            external_id: row.external_id,
            document: row.document.0,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A group of the organization.
///
/// # Errors
/// The database's, here and below.
pub async fn find(db: &mut Db<'_>, organization: OrganizationId, id: GroupId) -> Result<Option<Group>> {
    Ok(fetch_optional!(db, Row, sql::FIND, id, organization)?.map(Group::from))
}

/// A group that the connection owns.
pub async fn find_provisioned(db: &mut Db<'_>, connection: ConnectionId, id: GroupId) -> Result<Option<Group>> {
    Ok(fetch_optional!(db, Row, sql::FIND_PROVISIONED, id, connection)?.map(Group::from))
}

/// The group of that name, whatever its case, that the connection owns.
pub async fn find_by_name(db: &mut Db<'_>, connection: ConnectionId, name: &str) -> Result<Option<Group>> {
    Ok(fetch_optional!(db, Row, sql::FIND_BY_NAME, connection, text::fold(name).as_ref())?.map(Group::from))
}

/// Those of the ids that the connection owns, in the order of the ids.
pub async fn find_all(db: &mut Db<'_>, connection: ConnectionId, ids: &[GroupId]) -> Result<Vec<Group>> {
    // What a lookup finds costs one lookup.
    if let [id] = ids {
        return Ok(Vec::from_iter(find_provisioned(db, connection, *id).await?));
    }
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(sql::CHUNK) {
        let groups: Vec<Group> = sql::find_all(db, connection, chunk).await?.into_iter().map(Group::from).collect();
        found.extend(chunk.iter().filter_map(|id| groups.iter().find(|group| group.id == *id).cloned()));
    }
    Ok(found)
}

/// What a lookup finds, where they are `most` at most.
pub async fn few(db: &mut Db<'_>, search: &Search, most: i64) -> Result<Option<Vec<Group>>> {
    let rows: Option<Vec<Row>> = search.few(db, most).await?;
    Ok(rows.map(|rows| rows.into_iter().map(Group::from).collect()))
}

/// How many groups the connection owns.
pub async fn total(db: &mut Db<'_>, connection: ConnectionId) -> Result<i64> {
    counters::total(db, connection.0, Counter::Groups).await
}

/// Makes a group without members; `Err` if its organization has one of that name.
pub async fn insert(tx: &mut Tx<'_>, new: &NewGroup, now: Timestamp) -> Result<Result<Group, NotWritten>> {
    let group = Group {
        id: GroupId::new(now),
        organization_id: new.organization_id,
        connection_id: new.connection_id,
        display_name: new.display_name.clone(),
        external_id: new.external_id.clone(),
        document: new.document.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let written = execute!(
        tx,
        sql::INSERT,
        group.id,
        group.organization_id,
        group.connection_id,
        &group.display_name,
        text::fold(&group.display_name).as_ref(),
        &group.external_id,
        Json(&group.document),
        now,
    )?;
    if written == 0 {
        return Ok(Err(NotWritten::Taken));
    }
    if let Some(connection) = group.connection_id {
        counters::add(tx, connection.0, Counter::Groups, group.id.0, 1).await?;
    }
    Ok(Ok(group))
}

/// Writes name, external id and document back if the version is still the one that was read, and moves it.
pub async fn update(tx: &mut Tx<'_>, group: &Group, now: Timestamp) -> Result<Result<Group, NotWritten>> {
    let prepared = text::fold(&group.display_name).into_owned();
    let holder = fetch_optional!(tx, (GroupId,), sql::HOLDER, group.organization_id, &prepared)?;
    if holder.is_some_and(|(holder,)| holder != group.id) {
        return Ok(Err(NotWritten::Taken));
    }
    let written = execute!(
        tx,
        sql::UPDATE,
        group.id,
        group.version,
        &group.display_name,
        &prepared,
        &group.external_id,
        Json(&group.document),
        now,
    );
    match written {
        Ok(1) => Ok(Ok(Group { version: group.version + 1, updated_at: now, ..group.clone() })),
        Ok(_) => Ok(Err(NotWritten::Stale)),
        Err(error) => {
            // Another took the name between the question and the write: the second run sees it.
            if error.conflict().is_some_and(|unique| unique.is(NAME_INDEX)) {
                tx.run_again();
            }
            Err(error)
        }
    }
}

/// Moves the version after members have changed; answers the new one, `None` if the group is gone.
pub async fn touch(tx: &mut Tx<'_>, id: GroupId, now: Timestamp) -> Result<Option<i64>> {
    Ok(fetch_optional!(tx, (i64,), sql::TOUCH, id, now)?.map(|(version,)| version))
}

/// Deletes a group with its memberships, those in other groups too. Its assignments must be gone already; `false` if there is none.
pub async fn delete(tx: &mut Tx<'_>, id: GroupId, now: Timestamp) -> Result<bool> {
    super::clear_members(tx, id).await?;
    super::children::part(tx, id, now).await?;
    let deleted = fetch_optional!(tx, (Option<ConnectionId>,), sql::DELETE, id)?;
    if let Some((Some(connection),)) = deleted {
        counters::add(tx, connection.0, Counter::Groups, id.0, -1).await?;
    }
    Ok(deleted.is_some())
}
