use serde_json::Value;
use uuid::Uuid;

use super::{TYPE, resource, write::UNIQUE_COLUMNS};
use crate::{
    groups,
    id::GroupId,
    scim::{
        answer::Fault,
        call::Call,
        filter::bounds::Held,
        projection::Selection,
        schema::{Located, ResourceType},
        search::Rows,
        uniqueness,
    },
    search::{Search, Table},
    store::{self, Db},
};

/// Groups, as lists know them.
pub struct Listed;

impl Rows for Listed {
    const TABLE: &'static Table = &groups::TABLE;

    fn is_heavy(located: &Located<'_>) -> bool {
        located.extension.is_none() && located.attribute.name == "members"
    }

    fn held(kind: &ResourceType, located: &Located<'_>) -> Held {
        if located.extension.is_none() {
            match located.name().as_str() {
                "id" => return Held::Id,
                "displayName" => return Held::Text(groups::DISPLAY_NAME),
                "externalId" => return Held::Text(groups::EXTERNAL_ID),
                "members.value" => return Held::Ids(&groups::MEMBER_IDS),
                "meta.created" => return Held::Instant(groups::CREATED),
                "meta.lastModified" => return Held::Instant(groups::UPDATED),
                "meta.resourceType" => return Held::Constant(TYPE.to_owned()),
                "schemas" => return Held::Includes(kind.schema.id.clone()),
                _ => {}
            }
        }
        uniqueness::claim_of(kind, located, &UNIQUE_COLUMNS).map_or(Held::Document, Held::Claimed)
    }

    async fn total(db: &mut Db<'_>, call: &Call, _: &ResourceType) -> store::Result<i64> {
        groups::total(db, call.connection.id).await
    }

    async fn few(
        db: &mut Db<'_>,
        call: &Call,
        kind: &ResourceType,
        selection: &Selection<'_>,
        (search, most): (&Search, i64),
    ) -> Result<Option<Vec<Value>>, Fault> {
        let Some(groups) = groups::few(db, search, most).await? else { return Ok(None) };
        let mut shown = Vec::with_capacity(groups.len());
        for group in groups {
            shown.push(resource(db, call, kind, selection, &group).await?);
        }
        Ok(Some(shown))
    }

    async fn resources(
        db: &mut Db<'_>,
        call: &Call,
        kind: &ResourceType,
        selection: &Selection<'_>,
        ids: &[Uuid],
    ) -> Result<Vec<Value>, Fault> {
        let ids: Vec<GroupId> = ids.iter().copied().map(GroupId).collect();
        let mut shown = Vec::with_capacity(ids.len());
        for group in groups::find_all(db, call.connection.id, &ids).await? {
            shown.push(resource(db, call, kind, selection, &group).await?);
        }
        Ok(shown)
    }
}
