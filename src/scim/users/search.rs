//! Lists of users: a page by index, or what a filter finds.

use serde_json::Value;

use super::resources;
use crate::{
    connections::unique,
    id::UserId,
    scim::{
        answer::Fault,
        call::Call,
        error::Refusal,
        filter::Filter,
        list::{self, MOST_EXAMINED, Wanted},
        projection::Selection,
        schema::ResourceType,
        uniqueness,
    },
    store::Db,
    users::{self, LoginName, Realm, User, provisioned},
};

/// How many rows a filter without an index reads at once.
const BATCH: i64 = 500;

/// How many users are meant, and those of them from `offset` on, `count` at most, as they are shown.
pub async fn found(
    db: &mut Db<'_>,
    call: &Call,
    kind: &ResourceType,
    wanted: &Wanted<'_>,
    (offset, count): (i64, i64),
) -> Result<(i64, Vec<Value>), Fault> {
    let connection = call.connection.id;
    let (total, found) = match &wanted.filter {
        None => {
            let total = provisioned::count(db, connection).await?;
            let users = match count {
                0 => Vec::new(),
                count => provisioned::page(db, connection, offset, count).await?,
            };
            (total, resources(db, call, kind, &wanted.selection, users).await?)
        }
        Some(filter) => list::cut(find(db, call, kind, filter).await?, (offset, count)),
    };
    Ok((total, found.into_iter().map(|resource| wanted.selection.project(kind, resource)).collect()))
}

/// What matches a filter: candidates by an index where the filter pins an indexed attribute, else all,
/// up to [`MOST_EXAMINED`]. Every candidate is judged by the whole filter.
async fn find(db: &mut Db<'_>, call: &Call, kind: &ResourceType, filter: &Filter<'_>) -> Result<Vec<Value>, Fault> {
    let all = Selection::Default;
    if let Some(users) = candidates(db, call, kind, filter).await? {
        let resources = resources(db, call, kind, &all, users).await?;
        return Ok(resources.into_iter().filter(|resource| filter.matches(resource)).collect());
    }
    if provisioned::count(db, call.connection.id).await? > MOST_EXAMINED {
        return Err(Refusal::TooMany.into());
    }
    let mut found = Vec::new();
    for offset in (0..MOST_EXAMINED).step_by(BATCH as usize) {
        let users = provisioned::page(db, call.connection.id, offset, BATCH).await?;
        let is_last = users.len() < BATCH as usize;
        let resources = resources(db, call, kind, &all, users).await?;
        found.extend(resources.into_iter().filter(|resource| filter.matches(resource)));
        if is_last {
            break;
        }
    }
    Ok(found)
}

/// The users that an index finds; `None` if the filter pins nothing that has one.
async fn candidates(
    db: &mut Db<'_>,
    call: &Call,
    kind: &ResourceType,
    filter: &Filter<'_>,
) -> Result<Option<Vec<User>>, Fault> {
    let connection = call.connection.id;
    if let Some(id) = filter.pinned("id") {
        let Ok(id) = id.parse() else { return Ok(Some(Vec::new())) };
        return Ok(Some(Vec::from_iter(provisioned::find(db, connection, id).await?)));
    }
    if let Some(name) = filter.pinned("userName") {
        let Ok(name) = LoginName::parse(name) else { return Ok(Some(Vec::new())) };
        let user = users::find_by_login_name(db, Realm::Portal, &name).await?;
        return Ok(Some(Vec::from_iter(user.filter(|user| user.connection_id == Some(connection)))));
    }
    if let Some(external_id) = filter.pinned("externalId") {
        return Ok(Some(provisioned::find_by_external_id(db, connection, external_id).await?));
    }
    for located in kind.located().filter(|located| located.extension.is_none() && located.attribute.is_unique()) {
        if let Some(text) = filter.pinned(&located.attribute.name) {
            let claim = (uniqueness::name(kind, &located), text.to_owned());
            let Some(id) = unique::holder(db, connection, &claim).await? else { return Ok(Some(Vec::new())) };
            return Ok(Some(Vec::from_iter(provisioned::find(db, connection, UserId(id)).await?)));
        }
    }
    Ok(None)
}
