//! Lists of custom resources: a page by index, or what a filter finds.

use serde_json::Value;

use super::{place, resource};
use crate::{
    custom_resources::{self, CustomResource},
    scim::{
        answer::Fault,
        call::Call,
        error::Refusal,
        filter::Filter,
        list::{self, MOST_EXAMINED, Wanted},
        schema::ResourceType,
    },
    store::Db,
};

/// How many resources are meant, and those of them from `offset` on, `count` at most, as they are shown.
pub async fn found(
    db: &mut Db<'_>,
    call: &Call,
    kind: &ResourceType,
    wanted: &Wanted<'_>,
    (offset, count): (i64, i64),
) -> Result<(i64, Vec<Value>), Fault> {
    let place = place(call, kind);
    let (total, found) = match &wanted.filter {
        None => {
            let page = custom_resources::page(db, place, offset, count).await?;
            let page = page.iter().map(|found| resource(call, kind, found)).collect();
            (custom_resources::count(db, place).await?, page)
        }
        Some(filter) => {
            let candidates = candidates(db, call, kind, filter).await?;
            let resources = candidates.iter().map(|found| resource(call, kind, found));
            list::cut(resources.filter(|resource| filter.matches(resource)).collect(), (offset, count))
        }
    };
    Ok((total, found.into_iter().map(|resource| wanted.selection.project(kind, resource)).collect()))
}

/// The resources that an index finds, or all of them.
async fn candidates(
    db: &mut Db<'_>,
    call: &Call,
    kind: &ResourceType,
    filter: &Filter<'_>,
) -> Result<Vec<CustomResource>, Fault> {
    let place = place(call, kind);
    if let Some(id) = filter.pinned("id") {
        let Ok(id) = id.parse() else { return Ok(Vec::new()) };
        return Ok(Vec::from_iter(custom_resources::find(db, place, id).await?));
    }
    if let Some(external_id) = filter.pinned("externalId") {
        return Ok(custom_resources::find_by_external_id(db, place, external_id).await?);
    }
    if custom_resources::count(db, place).await? > MOST_EXAMINED {
        return Err(Refusal::TooMany.into());
    }
    Ok(custom_resources::page(db, place, 0, MOST_EXAMINED).await?)
}
