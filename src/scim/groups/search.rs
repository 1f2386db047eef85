//! Lists of groups: a page by index, or what a filter finds.

use serde_json::Value;

use super::resource;
use crate::{
    groups::{self, Group},
    scim::{
        answer::Fault,
        call::Call,
        error::Refusal,
        filter::Filter,
        list::{self, MOST_EXAMINED, Wanted},
        projection::Selection,
        schema::ResourceType,
    },
    store::Db,
};

/// How many groups are meant, and those of them from `offset` on, `count` at most, as they are shown.
pub async fn found(
    db: &mut Db<'_>,
    call: &Call,
    kind: &ResourceType,
    wanted: &Wanted<'_>,
    (offset, count): (i64, i64),
) -> Result<(i64, Vec<Value>), Fault> {
    let connection = call.connection.id;
    let (total, found) = match &wanted.filter {
        None => (groups::count(db, connection).await?, groups::page(db, connection, offset, count).await?),
        Some(filter) => list::cut(find(db, call, kind, filter).await?, (offset, count)),
    };
    let mut shown = Vec::new();
    for group in &found {
        let resource = resource(db, call, kind, &wanted.selection, group).await?;
        shown.push(wanted.selection.project(kind, resource));
    }
    Ok((total, shown))
}

/// What matches a filter; members are read only to judge a filter that asks about them.
async fn find(db: &mut Db<'_>, call: &Call, kind: &ResourceType, filter: &Filter<'_>) -> Result<Vec<Group>, Fault> {
    let judged =
        if filter.names("members") { Selection::Default } else { Selection::parse(kind, None, Some("members")) };
    let mut found = Vec::new();
    for group in candidates(db, call, filter).await? {
        let resource: Value = resource(db, call, kind, &judged, &group).await?;
        if filter.matches(&resource) {
            found.push(group);
        }
    }
    Ok(found)
}

/// The groups that an index finds, or all of them.
async fn candidates(db: &mut Db<'_>, call: &Call, filter: &Filter<'_>) -> Result<Vec<Group>, Fault> {
    let connection = call.connection.id;
    if let Some(id) = filter.pinned("id") {
        let Ok(id) = id.parse() else { return Ok(Vec::new()) };
        return Ok(Vec::from_iter(groups::find_provisioned(db, connection, id).await?));
    }
    if let Some(name) = filter.pinned("displayName") {
        return Ok(groups::find_by_display_name(db, connection, name).await?);
    }
    if let Some(external_id) = filter.pinned("externalId") {
        return Ok(groups::find_by_external_id(db, connection, external_id).await?);
    }
    if groups::count(db, connection).await? > MOST_EXAMINED {
        return Err(Refusal::TooMany.into());
    }
    Ok(groups::page(db, connection, 0, MOST_EXAMINED).await?)
}
