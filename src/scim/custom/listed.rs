use serde_json::Value;
use uuid::Uuid;

use super::{place, resource};
use crate::{
    custom_resources,
    id::CustomResourceId,
    scim::{
        answer::Fault,
        call::Call,
        filter::bounds::Held,
        projection::Selection,
        schema::{Located, ResourceType},
        search::Rows,
        uniqueness,
    },
    search::Table,
    store::{self, Db},
};

/// Custom resources, as lists know them: whatever the schema, what is unique has an index, and the rest of the
/// document is judged as it is.
pub struct Listed;

impl Rows for Listed {
    const TABLE: &'static Table = &custom_resources::TABLE;
    /// None: all of a resource lies in its document.
    fn is_heavy(_: &Located<'_>) -> bool {
        false
    }

    fn held(kind: &ResourceType, located: &Located<'_>) -> Held {
        if located.extension.is_none() {
            match located.name().as_str() {
                "id" => return Held::Id,
                "externalId" => return Held::Key(custom_resources::EXTERNAL_ID),
                "meta.created" => return Held::Instant(custom_resources::CREATED),
                "meta.lastModified" => return Held::Instant(custom_resources::UPDATED),
                "meta.resourceType" => return Held::Constant(kind.name.clone()),
                "schemas" => return Held::Includes(kind.schema.id.clone()),
                _ => {}
            }
        }
        uniqueness::claim_of(kind, located, &[]).map_or(Held::Document, Held::Claimed)
    }

    async fn total(db: &mut Db<'_>, call: &Call, kind: &ResourceType) -> store::Result<i64> {
        custom_resources::total(db, place(call, kind)).await
    }

    async fn resources(
        db: &mut Db<'_>,
        call: &Call,
        kind: &ResourceType,
        _: &Selection<'_>,
        ids: &[Uuid],
    ) -> Result<Vec<Value>, Fault> {
        let ids: Vec<CustomResourceId> = ids.iter().copied().map(CustomResourceId).collect();
        let found = custom_resources::find_all(db, place(call, kind), &ids).await?;
        Ok(found.iter().map(|found| resource(call, kind, found)).collect())
    }
}
