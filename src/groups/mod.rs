//! Groups of users in one organization, and who belongs to them.
//!
//! Owns the rows `groups`, `group_members` and `group_children` (groups within groups, circles and all). What a
//! group gives is an assignment to its id, which [`crate::access`] holds; deleting a group leaves that to the
//! caller, in the same transaction.
//!
//! Invariants: members are rows, and adding or removing one reads and writes no other; the group's
//! `version` moves once with each effective change of it or of its members; a display name is unique
//! in its organization, whatever its case.

mod children;
mod group;
mod members;
mod sql;

pub use children::{Child, add_children, children, descendants, remove_children};
pub use group::{
    Group, NewGroup, NotWritten, delete, few, find, find_all, find_by_name, find_provisioned, insert, total, touch,
    update,
};
pub use members::{
    Added, Member, Membership, add_members, clear_members, leave_all, member_ids, members, members_count, memberships,
    people, remove_members,
};
pub use sql::{CREATED, DISPLAY_NAME, EXTERNAL_ID, MEMBER_IDS, STATEMENTS, TABLE, UPDATED};
