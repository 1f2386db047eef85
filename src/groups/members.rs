use super::sql::{self, CHUNK};
use crate::{
    clock::Timestamp,
    id::{ConnectionId, GroupId, UserId},
    store::{Db, Result, Tx},
};

/// A member as a group shows it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    pub user_id: UserId,
    pub display_name: String,
}

/// A group as its member shows it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Membership {
    pub user_id: UserId,
    pub group_id: GroupId,
    pub display_name: String,
}

/// Adds users of the connection, whoever belongs already, and answers how many are new. `Err` names
/// how many are no users of the connection: nothing more should come of the transaction then.
///
/// # Errors
/// The database's, here and below.
pub async fn add_members(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    group: GroupId,
    users: &[UserId],
    now: Timestamp,
) -> Result<Result<u64, usize>> {
    let users = sorted(users);
    let mut added = 0;
    let mut known = 0;
    for chunk in users.chunks(CHUNK) {
        known += sql::count_users(tx, connection, chunk).await?;
        added += sql::insert_members(tx, connection, group, chunk, now).await?;
    }
    Ok(if known == users.len() { Ok(added) } else { Err(users.len() - known) })
}

/// Ends memberships and answers how many there were.
pub async fn remove_members(tx: &mut Tx<'_>, group: GroupId, users: &[UserId]) -> Result<u64> {
    let mut removed = 0;
    for chunk in sorted(users).chunks(CHUNK) {
        removed += sql::delete_members(tx, group, chunk).await?;
    }
    Ok(removed)
}

/// Ends all memberships and answers how many there were.
pub async fn clear_members(tx: &mut Tx<'_>, group: GroupId) -> Result<u64> {
    execute!(tx, sql::CLEAR_MEMBERS, group)
}

/// Takes a user out of every group, whose versions move.
pub async fn leave_all(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    execute!(tx, sql::TOUCH_GROUPS_OF, user, now)?;
    execute!(tx, sql::LEAVE_ALL, user)?;
    Ok(())
}

/// The members, in the order of their ids.
pub async fn members(db: &mut Db<'_>, group: GroupId) -> Result<Vec<Member>> {
    fetch_all!(db, Member, sql::MEMBERS, group)
}

/// How many members a group has, counted up to `limit`, so that a large group costs no more.
pub async fn members_count(db: &mut Db<'_>, group: GroupId, limit: i64) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), sql::COUNT_MEMBERS, group, limit)?.0)
}

/// The connection's groups that these users belong to.
pub async fn memberships(db: &mut Db<'_>, connection: ConnectionId, users: &[UserId]) -> Result<Vec<Membership>> {
    let mut found = Vec::new();
    for chunk in users.chunks(CHUNK) {
        found.extend(sql::memberships(db, connection, chunk).await?);
    }
    Ok(found)
}

/// In one order, so that two transactions never wait for each other, and each once.
fn sorted(users: &[UserId]) -> Vec<UserId> {
    let mut users = users.to_vec();
    users.sort_unstable();
    users.dedup();
    users
}
