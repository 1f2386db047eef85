//! Access: from assignments to entitlements. The only place that answers "may this actor?" and "what
//! does this user hold, and why?".
//!
//! An [assignment](assign) gives a subject (a user, a group, or a client acting for itself) roles of one
//! product over one organization or its subtree; a group passes it on to its members, those of groups
//! within it too. Whoever has joined another organization holds what their stand-in there holds
//! (`users::stand_ins`). [`entitlement`] is the effective result; tokens carry it. An [`Actor`] is somebody
//! who manages: a user by portal roles, or an API token; a [`Delegation`] is what a connection may give.
//!
//! Invariants: nothing else grants access to a product. Without an assignment there is no entitlement,
//! and without an entitlement no token (C4). An entitlement holds one product's roles and permissions
//! and nothing of another. Rights are judged from the rows as they are now, never from a token's claims.

mod actor;
mod assignment;
mod cache;
mod entitlement;
mod sql;

use crate::id::{ClientRowId, GroupId, UserId};

pub use actor::{Actor, Program};
pub use assignment::{
    Assignment, Given, GivenToGroup, NewAssignment, RoleOfUser, Source, administrators, assign, end_of_group,
    end_of_user, given_by_connection, given_to_group, groups_given_by_connection, is_last_administrator, list_of_user,
    roles_of_user, unassign,
};
pub use cache::ClientCache;
pub use entitlement::{Coverage, Entitlement, Told, entitlement, held_within, holders, losing, products_of};
pub use sql::STATEMENTS;

/// Who holds an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    User(UserId),
    Group(GroupId),
    /// A client acting for itself (client_credentials).
    Client(ClientRowId),
}
