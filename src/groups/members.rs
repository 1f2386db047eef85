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
    /// Whether by itself, and not by a group within it.
    pub is_direct: bool,
}

/// What came of adding members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added<Id> {
    /// How many are new.
    pub new: u64,
    /// Who is none of the connection's, and was not added.
    pub strangers: Vec<Id>,
}

/// Adds users of the connection, whoever belongs already. Whether strangers matter is the caller's to say.
///
/// # Errors
/// The database's, here and below.
pub async fn add_members(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    group: GroupId,
    users: &[UserId],
    now: Timestamp,
) -> Result<Added<UserId>> {
    let mut added = Added { new: 0, strangers: Vec::new() };
    for chunk in sorted(users).chunks(CHUNK) {
        let new = sql::insert_members(tx, connection, group, chunk, now).await?;
        added.new += new;
        // Who is new is known for certain; the others are asked about.
        if new != chunk.len() as u64 {
            let known = sql::known_users(tx, connection, chunk).await?;
            added.strangers.extend(chunk.iter().filter(|id| !known.contains(id)));
        }
    }
    Ok(added)
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
    later!(tx, sql::TOUCH_GROUPS_OF, user, now)?;
    later!(tx, sql::LEAVE_ALL, user)
}

/// The members, in the order of their ids.
pub async fn members(db: &mut Db<'_>, group: GroupId) -> Result<Vec<Member>> {
    fetch_all!(db, Member, sql::MEMBERS, group)
}

/// The members' ids alone.
pub async fn member_ids(db: &mut Db<'_>, group: GroupId) -> Result<Vec<UserId>> {
    Ok(fetch_all!(db, (UserId,), sql::MEMBERS_ONLY, group)?.into_iter().map(|(id,)| id).collect())
}

/// Whoever is in a group, directly or by groups within it, each once.
pub async fn people(db: &mut Db<'_>, group: GroupId) -> Result<Vec<UserId>> {
    Ok(fetch_all!(db, (UserId,), sql::PEOPLE, group)?.into_iter().map(|(id,)| id).collect())
}

/// How many members a group has, counted up to `limit`, so that a large group costs no more.
pub async fn members_count(db: &mut Db<'_>, group: GroupId, limit: i64) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), sql::COUNT_MEMBERS, group, limit)?.0)
}

/// The connection's groups that these users belong to, directly or by groups within groups.
pub async fn memberships(db: &mut Db<'_>, connection: ConnectionId, users: &[UserId]) -> Result<Vec<Membership>> {
    let mut found = Vec::new();
    for chunk in users.chunks(CHUNK) {
        found.extend(sql::memberships(db, connection, chunk).await?);
    }
    Ok(found)
}

/// In one order, so that two transactions never wait for each other, and each once.
pub(super) fn sorted<Id: Copy + Ord>(ids: &[Id]) -> Vec<Id> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}
