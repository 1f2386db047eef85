//! Resources of types that configuration adds to SCIM (RFC 7643 §6), each of one connection.
//!
//! Owns the rows `custom_resources`. What the attributes mean, and which are unique, the schema says,
//! which only `scim` knows; here a resource is a document with an id and a version.
//!
//! Invariant: a resource is found by its connection and type only; its `version` moves with each change.

mod sql;

use serde_json::Value;

use crate::{
    clock::Timestamp,
    counters::{self, Counter},
    id::{ConnectionId, CustomResourceId},
    store::{Db, Json, Result, Tx},
};

pub use sql::{CREATED, EXTERNAL_ID, STATEMENTS, TABLE, UPDATED};

/// A resource.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomResource {
    pub id: CustomResourceId,
    /// The canonical resource, as the schema says it.
    pub document: Value,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: CustomResourceId,
    document: Json<Value>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for CustomResource {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            document: row.document.0,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// One type's resources of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    pub connection: ConnectionId,
    /// The resource type's name.
    pub kind: &'p str,
}

/// The resource of that id.
///
/// # Errors
/// The database's, here and below.
pub async fn find(db: &mut Db<'_>, place: Place<'_>, id: CustomResourceId) -> Result<Option<CustomResource>> {
    Ok(fetch_optional!(db, Row, sql::FIND, id, place.connection, place.kind)?.map(CustomResource::from))
}

/// Those of the ids that are there, in the order of the ids.
pub async fn find_all(db: &mut Db<'_>, place: Place<'_>, ids: &[CustomResourceId]) -> Result<Vec<CustomResource>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(find(db, place, *id).await?);
    }
    Ok(found)
}

/// How many there are.
pub async fn total(db: &mut Db<'_>, place: Place<'_>) -> Result<i64> {
    counters::total(db, place.connection.0, Counter::Resources(place.kind)).await
}

/// Makes a resource of that document.
pub async fn insert(tx: &mut Tx<'_>, place: Place<'_>, document: Value, now: Timestamp) -> Result<CustomResource> {
    let id = CustomResourceId::new(now);
    let external_id = external_id(&document);
    execute!(tx, sql::INSERT, id, place.connection, place.kind, external_id, Json(&document), now)?;
    counters::add(tx, place.connection.0, Counter::Resources(place.kind), id.0, 1).await?;
    Ok(CustomResource { id, document, version: 1, created_at: now, updated_at: now })
}

/// Writes the document if the version is still the one that was read, and moves it; `None` if it is not.
pub async fn update(tx: &mut Tx<'_>, resource: &CustomResource, now: Timestamp) -> Result<Option<CustomResource>> {
    let document = &resource.document;
    let written = execute!(tx, sql::UPDATE, resource.id, resource.version, external_id(document), Json(document), now)?;
    let moved = CustomResource { version: resource.version + 1, updated_at: now, ..resource.clone() };
    Ok((written == 1).then_some(moved))
}

/// Deletes the resource if the version is still the one that was read; `false` if it is not.
pub async fn delete(tx: &mut Tx<'_>, place: Place<'_>, resource: &CustomResource) -> Result<bool> {
    let deleted = execute!(tx, sql::DELETE, resource.id, resource.version)? == 1;
    if deleted {
        counters::add(tx, place.connection.0, Counter::Resources(place.kind), resource.id.0, -1).await?;
    }
    Ok(deleted)
}

/// The tool's own id, which has a column for its index (RFC 7643 §3.1).
fn external_id(document: &Value) -> Option<String> {
    document.get("externalId").and_then(Value::as_str).map(str::to_owned)
}
