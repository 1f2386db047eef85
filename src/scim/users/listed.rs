use std::collections::BTreeMap;

use uuid::Uuid;

use super::{TYPE, mapping::UNIQUE_COLUMNS, resources, state};
use crate::{
    groups,
    id::{GroupId, UserId},
    scim::{
        answer::Fault,
        call::Call,
        filter::bounds::Held,
        projection::Selection,
        schema::{Located, ResourceType},
        search::Rows,
        uniqueness,
    },
    search::{Comparison, Condition, Search, Table, Value},
    store::{self, Db},
    users::provisioned,
};

/// The groups that a condition names.
fn ids_of_groups(condition: &Condition, named: &mut BTreeMap<Uuid, Vec<GroupId>>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| ids_of_groups(part, named)),
        Condition::Not(inner) => ids_of_groups(inner, named),
        Condition::Related(relation, Some((_, Value::Id(id)))) if *relation == provisioned::GROUPS[0] => {
            named.insert(*id, Vec::new());
        }
        _ => {}
    }
}

/// Users, as lists know them.
pub struct Listed;

impl Rows for Listed {
    const TABLE: &'static Table = &provisioned::TABLE;

    fn is_heavy(located: &Located<'_>) -> bool {
        state::is_told(located) || (located.extension.is_none() && located.attribute.name == "groups")
    }

    fn held(kind: &ResourceType, located: &Located<'_>) -> Held {
        if located.extension.is_none() {
            match located.name().as_str() {
                "id" => return Held::Id,
                "userName" => return Held::Text(provisioned::USER_NAME),
                "externalId" => return Held::Text(provisioned::EXTERNAL_ID),
                "displayName" => return Held::Text(provisioned::DISPLAY_NAME),
                "name.givenName" => return Held::Text(provisioned::GIVEN_NAME),
                "name.familyName" => return Held::Text(provisioned::FAMILY_NAME),
                "active" => return Held::Flag(provisioned::ACTIVE),
                "emails.value" => return Held::Texts(provisioned::EMAILS),
                "groups.value" => return Held::Ids(&provisioned::GROUPS),
                "meta.created" => return Held::Instant(provisioned::CREATED),
                "meta.lastModified" => return Held::Instant(provisioned::UPDATED),
                "meta.resourceType" => return Held::Constant(TYPE.to_owned()),
                "schemas" => return Held::Includes(kind.schema.id.clone()),
                _ => {}
            }
        }
        uniqueness::claim_of(kind, located, &UNIQUE_COLUMNS).map_or(Held::Document, Held::Claimed)
    }

    async fn total(db: &mut Db<'_>, call: &Call, _: &ResourceType) -> store::Result<i64> {
        provisioned::total(db, call.connection.id).await
    }

    /// Who is in a group within the group is in the group.
    async fn meant(db: &mut Db<'_>, condition: Condition) -> store::Result<Condition> {
        let mut named = BTreeMap::new();
        ids_of_groups(&condition, &mut named);
        for (id, below) in &mut named {
            *below = groups::descendants(db, GroupId(*id)).await?;
        }
        let related = |id| Condition::Related(provisioned::GROUPS[0], Some((Comparison::Equal, Value::Id(id))));
        Ok(condition.mapped(&|part| match &part {
            Condition::Related(relation, Some((_, Value::Id(id)))) if *relation == provisioned::GROUPS[0] => {
                let below = named.get(id).into_iter().flatten();
                below.map(|group| related(group.0)).fold(part, Condition::or)
            }
            _ => part,
        }))
    }

    async fn few(
        db: &mut Db<'_>,
        call: &Call,
        kind: &ResourceType,
        selection: &Selection<'_>,
        (search, most): (&Search, i64),
    ) -> Result<Option<Vec<serde_json::Value>>, Fault> {
        let Some(users) = provisioned::few(db, search, most).await? else { return Ok(None) };
        resources(db, call, kind, selection, users).await.map(Some)
    }

    async fn resources(
        db: &mut Db<'_>,
        call: &Call,
        kind: &ResourceType,
        selection: &Selection<'_>,
        ids: &[Uuid],
    ) -> Result<Vec<serde_json::Value>, Fault> {
        let ids: Vec<UserId> = ids.iter().copied().map(UserId).collect();
        let users = provisioned::find_all(db, call.connection.id, &ids).await?;
        resources(db, call, kind, selection, users).await
    }
}
