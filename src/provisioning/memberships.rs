//! Leaving a group, and its end: whoever loses a product by it is signed out there.

use uuid::Uuid;

use super::Reach;
use crate::{
    access,
    clock::Timestamp,
    connections::unique,
    groups,
    id::{GroupId, UserId},
    secret::MasterKeys,
    store::{Result, Tx},
};

/// Takes members out of a group, users and groups, and answers how many there were and who may lose a product by it:
/// to be settled when the whole change is done.
///
/// # Errors
/// The database's, here and below.
pub async fn leave(tx: &mut Tx<'_>, group: GroupId, members: &[Uuid]) -> Result<(u64, Reach)> {
    let reach = Reach::of_members(tx, group, members).await?;
    let users: Vec<UserId> = members.iter().copied().map(UserId).collect();
    let mut left = groups::remove_members(tx, group, &users).await?;
    // An id alone does not say whether it is a user's or a group's: the rows do.
    if left != members.len() as u64 {
        let children: Vec<GroupId> = members.iter().copied().map(GroupId).collect();
        left += groups::remove_children(tx, group, &children).await?;
    }
    Ok((left, reach))
}

/// Deletes a group, its memberships, and what it gave; `false` if there is none.
pub async fn delete(tx: &mut Tx<'_>, master: &MasterKeys, group: GroupId, now: Timestamp) -> Result<bool> {
    let reach = Reach::of_group(tx, group).await?;
    access::end_of_group(tx, group).await?;
    unique::release(tx, group.0).await?;
    let is_deleted = groups::delete(tx, group, now).await?;
    reach.settle(tx, master, now).await?;
    Ok(is_deleted)
}
