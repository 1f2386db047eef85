//! Lists over one resource type or all of them (RFC 7644 §3.4.2, §3.4.3): in the order of the types.

use axum::response::Response;
use serde_json::Value;

use super::{
    answer::{Answer, Fault},
    call::Call,
    custom,
    error::Refusal,
    groups,
    list::{self, Wanted},
    schema::ResourceType,
    users,
};
use crate::store::Db;

/// Where a request says what it wants.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    Query,
    Body,
}

/// `POST /.search`
pub async fn everywhere(call: Call) -> Response {
    call.finish(listed_everywhere(&call).await).await
}

async fn listed_everywhere(call: &Call) -> Result<Answer, Fault> {
    let types: Vec<&str> = call.registry()?.resource_types().iter().map(|kind| kind.name.as_str()).collect();
    listed(call, &types, Source::Body).await
}

/// What a list request of these types finds. A filter need be understood by one of them only: an
/// attribute that a type does not have is unassigned in it.
pub async fn listed(call: &Call, types: &[&str], source: Source) -> Result<Answer, Fault> {
    let body = match source {
        Source::Query => None,
        Source::Body => Some(call.json()?),
    };
    let mut searches = Vec::new();
    let mut refusal = None;
    for name in types {
        let kind = call.resource_type(name)?;
        let wanted = match &body {
            None => Wanted::from_query(call, kind),
            Some(body) => Wanted::from_body(call, body, kind),
        };
        match wanted {
            Ok(wanted) => searches.push((kind, wanted)),
            Err(Refusal::Filter { at, expected }) => refusal = Some(Refusal::Filter { at, expected }),
            Err(refusal) => return Err(refusal.into()),
        }
    }
    let Some((_, first)) = searches.first() else { return Err(refusal.unwrap_or(Refusal::NotFound).into()) };
    let (start_index, count) = (first.start_index, first.count);
    let mut db = call.app.store.reader().await?;
    let (mut total, mut shown) = (0, Vec::new());
    for (kind, wanted) in &searches {
        // The page begins in this type, or in a later one.
        let offset = (start_index - 1 - total).max(0);
        let left = count - i64::try_from(shown.len()).unwrap_or(count);
        let (found, page) = search(&mut db, call, kind, wanted, (offset, left)).await?;
        total += found;
        shown.extend(page);
    }
    Ok(Answer::of(list::response(shown, Some((total, start_index)))))
}

async fn search(
    db: &mut Db<'_>,
    call: &Call,
    kind: &ResourceType,
    wanted: &Wanted<'_>,
    page: (i64, i64),
) -> Result<(i64, Vec<Value>), Fault> {
    match kind.name.as_str() {
        "Group" => groups::search::found(db, call, kind, wanted, page).await,
        "User" => users::search::found(db, call, kind, wanted, page).await,
        _ => custom::search::found(db, call, kind, wanted, page).await,
    }
}
