//! Stand-ins: what a connection has of somebody whose account lives in another organization (product.md V6).
//!
//! A stand-in is a row of `users` in the realm of its connection, so that lists, filters, groups, products, versions
//! and the guard know it as they know an account. It holds what the tool has sent and nothing of the account. It
//! is invited while the person is asked to join, active once they have, and deactivated when the tool ends it. While
//! it is active, its person holds what it holds ([`crate::access`]) and is a member of its organization.
//!
//! Invariants: it has no way in, and nobody finds it by name or address. Only its person makes it active, each time
//! anew, and that moves neither its version nor its time of change: the tool cannot tell. A membership that came with
//! it goes with the last such stand-in of that organization. Nothing here changes the person's account.

use super::{LoginName, NewUser, Realm, Status, Taken, User, insert_row, sql};
use crate::{
    clock::Timestamp,
    id::{ConnectionId, UserId},
    store::{Db, Result, Tx},
};

/// Makes the stand-in of `person`, pending. `Err` if the connection has one of that name.
///
/// # Errors
/// The database's, here and below.
pub async fn insert(
    tx: &mut Tx<'_>,
    (connection, person): (ConnectionId, UserId),
    new: &NewUser,
    now: Timestamp,
) -> Result<std::result::Result<User, Taken>> {
    let realm = Realm::Connection(connection);
    let new = NewUser { realm, status: Status::Invited, connection_id: Some(connection), ..new.clone() };
    insert_row(tx, (UserId::new(now), Some(person)), &new, now).await
}

/// Whether the connection has a stand-in of that name.
pub async fn is_taken(db: &mut Db<'_>, connection: ConnectionId, name: &LoginName) -> Result<bool> {
    sql::is_taken(db, Realm::Connection(connection), name).await
}

/// The person has accepted: what the stand-in holds is theirs from this commit on. `false` if it was not pending.
pub async fn join(tx: &mut Tx<'_>, stand_in: &User, now: Timestamp) -> Result<bool> {
    let Some(person) = stand_in.stands_for else { return Ok(false) };
    if !sql::join(tx, stand_in.id, now).await? {
        return Ok(false);
    }
    sql::add_joined(tx, (person, stand_in.organization_id), now).await?;
    Ok(true)
}

/// All of a connection.
pub async fn of_connection(db: &mut Db<'_>, connection: ConnectionId) -> Result<Vec<User>> {
    sql::stand_ins(db, connection).await
}

/// Ends the membership that came with a stand-in, which is active no more. Nothing for accounts.
pub(super) async fn leave(tx: &mut Tx<'_>, stand_in: &User) -> Result<()> {
    match stand_in.stands_for {
        Some(person) => sql::end_joined(tx, person, stand_in.organization_id).await,
        None => Ok(()),
    }
}

/// The person is removed: their stand-ins are pending, whatever they were.
pub(super) async fn orphan(tx: &mut Tx<'_>, person: UserId) -> Result<()> {
    sql::orphan(tx, person).await
}
