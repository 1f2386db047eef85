use serde_json::Value;
use uuid::Uuid;

use crate::{
    scim::{
        answer::Fault,
        call::Call,
        filter::bounds::Held,
        projection::Selection,
        schema::{Located, ResourceType},
    },
    search::{Condition, Search, Table},
    store::{Db, Result},
};

/// How the resources of a type lie in rows: all that lists need to know of it.
pub trait Rows {
    /// Where they lie.
    const TABLE: &'static Table;
    /// Whether an attribute costs more than the row to read, such as members; then it is read only where it
    /// is shown or judged.
    fn is_heavy(located: &Located<'_>) -> bool;

    /// Which column, if any, has the values of an attribute.
    fn held(kind: &ResourceType, located: &Located<'_>) -> Held;

    /// How many the connection has: from a counter.
    async fn total(db: &mut Db<'_>, call: &Call, kind: &ResourceType) -> Result<i64>;

    /// The condition as it is asked, where a column alone does not say what an attribute means.
    async fn meant(_db: &mut Db<'_>, condition: Condition) -> Result<Condition> {
        Ok(condition)
    }

    /// The full resources that a lookup finds, where they are `most` at most; `None` where they may be more.
    async fn few(
        _db: &mut Db<'_>,
        _call: &Call,
        _kind: &ResourceType,
        _selection: &Selection<'_>,
        _few: (&Search, i64),
    ) -> Result<Option<Vec<Value>>, Fault> {
        Ok(None)
    }

    /// The full resources of these ids, in this order, what is heavy if `selection` shows it. Ids that are
    /// gone meanwhile, or are not the connection's, are left out.
    async fn resources(
        db: &mut Db<'_>,
        call: &Call,
        kind: &ResourceType,
        selection: &Selection<'_>,
        ids: &[Uuid],
    ) -> Result<Vec<Value>, Fault>;
}
