use super::{
    Added,
    members::sorted,
    sql::{self, CHUNK},
};
use crate::{
    clock::Timestamp,
    id::{ConnectionId, GroupId},
    store::{Db, Result, Tx},
};

/// A group that is a member of a group.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Child {
    pub group_id: GroupId,
    pub display_name: String,
}

/// Makes groups of the connection members of a group, whichever are not yet. None is a member of itself;
/// longer circles are harmless, since whoever follows them stops where they close.
///
/// # Errors
/// The database's, here and below.
pub async fn add_children(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    group: GroupId,
    children: &[GroupId],
    now: Timestamp,
) -> Result<Added<GroupId>> {
    let mut added = Added { new: 0, strangers: Vec::new() };
    for chunk in sorted(children).chunks(CHUNK) {
        let new = sql::insert_children(tx, connection, group, chunk, now).await?;
        added.new += new;
        if new != chunk.len() as u64 {
            let known = sql::known_groups(tx, connection, chunk).await?;
            added.strangers.extend(chunk.iter().filter(|id| **id == group || !known.contains(id)));
        }
    }
    Ok(added)
}

/// Takes groups out of a group and answers how many were in it.
pub async fn remove_children(tx: &mut Tx<'_>, group: GroupId, children: &[GroupId]) -> Result<u64> {
    let mut removed = 0;
    for chunk in sorted(children).chunks(CHUNK) {
        removed += sql::delete_children(tx, group, chunk).await?;
    }
    Ok(removed)
}

/// The groups in a group, in the order of their ids.
pub async fn children(db: &mut Db<'_>, group: GroupId) -> Result<Vec<Child>> {
    fetch_all!(db, Child, sql::CHILDREN, group)
}

/// The groups in a group, in those, and so on.
pub async fn descendants(db: &mut Db<'_>, group: GroupId) -> Result<Vec<GroupId>> {
    Ok(fetch_all!(db, (GroupId,), sql::DESCENDANTS, group)?.into_iter().map(|(id,)| id).collect())
}

/// Takes a group out of every group, whose versions move, and everything out of it.
pub(super) async fn part(tx: &mut Tx<'_>, group: GroupId, now: Timestamp) -> Result<()> {
    later!(tx, sql::TOUCH_PARENTS, group, now)?;
    later!(tx, sql::LEAVE_PARENTS, group)?;
    later!(tx, sql::CLEAR_CHILDREN, group)
}
