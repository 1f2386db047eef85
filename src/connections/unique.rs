//! Values of attributes whose schema calls them unique, save those with a column of their own: `server`
//! within the connection, `global` in the whole server.
//!
//! The database decides: the primary key of `unique_values` is (scope, attribute, value).

use std::collections::BTreeSet;

use uuid::Uuid;

use super::sql;
use crate::{
    id::ConnectionId,
    store::{Db, Result, Tx},
};

/// An attribute (resource type and name) and the value it has, prepared as `caseExact` says.
pub type Claim = (String, String);

/// Begins the name of an attribute whose values are unique in the whole server.
pub const GLOBAL: &str = "global:";

/// Among whom an attribute's values are unique.
fn scope(connection: ConnectionId, attribute: &str) -> Uuid {
    if attribute.starts_with(GLOBAL) { Uuid::nil() } else { connection.0 }
}

/// Makes `claims` the whole of what `resource` has taken, or names the attribute another holds.
///
/// # Errors
/// The database failed.
pub async fn hold(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    resource: Uuid,
    claims: &BTreeSet<Claim>,
) -> Result<Result<(), String>> {
    let held: BTreeSet<Claim> = fetch_all!(tx, Claim, sql::TAKEN, resource)?.into_iter().collect();
    for (attribute, value) in held.difference(claims) {
        later!(tx, sql::GIVE_BACK, scope(connection, attribute), attribute, value, resource)?;
    }
    take(tx, connection, resource, claims.difference(&held)).await
}

/// Takes values for `resource`, which is new or does not have them, or names the attribute another holds.
///
/// # Errors
/// The database failed.
pub async fn take<'c>(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    resource: Uuid,
    claims: impl IntoIterator<Item = &'c Claim>,
) -> Result<Result<(), String>> {
    for (attribute, value) in claims {
        if execute!(tx, sql::TAKE, scope(connection, attribute), attribute, value, resource)? == 0 {
            return Ok(Err(attribute.clone()));
        }
    }
    Ok(Ok(()))
}

/// Who has the value, for filters.
///
/// # Errors
/// The database failed.
pub async fn holder(db: &mut Db<'_>, connection: ConnectionId, claim: &Claim) -> Result<Option<Uuid>> {
    Ok(fetch_optional!(db, (Uuid,), sql::HOLDER, scope(connection, &claim.0), &claim.0, &claim.1)?
        .map(|(holder,)| holder))
}

/// Frees everything a removed resource had.
///
/// # Errors
/// The database failed.
pub async fn release(tx: &mut Tx<'_>, resource: Uuid) -> Result<()> {
    later!(tx, sql::GIVE_ALL_BACK, resource)
}
