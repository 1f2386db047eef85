//! What a connection does to people beyond the words of SCIM: how much it may end at once, and what waits
//! for an administrator.
//!
//! [`mapping`] gives a connection's groups product roles, and [`Reach`] ends what a change of groups takes away.
//!
//! [`joins`] is what ending and beginning again mean where the connection's resource is a stand-in, [`memberships`]
//! what leaving a group and its end mean.
//!
//! Owns the rows `connection_endings` and `held_changes`. `scim` asks [`guard`] before it ends somebody's
//! access, and [`group_guard`] before it takes people out of a group; the administrators' API reads and decides what
//! is held ([`held`]). What ending means is `users::life_cycle`'s. [`event`] tells webhooks, for whoever makes the
//! change: `scim` of requests and of what a request makes the guard take back, [`held`] of what is let through.
//!
//! **The mass-change guard (V3), precisely.** Tools send one request for each leaver, so that the first of
//! three hundred looks like the only one. A single leaver must be out at once (V5): so endings pass, each
//! is noted, and when one more would be a greater share of the connection's people within an hour than its
//! settings allow, all of it is recognised as a run:
//!
//! - that ending and every later one of the connection are *held*: answered 409, not done, and kept as rows
//!   until an administrator lets the run through or discards it. Other changes go on;
//! - whom the same run has deactivated before is *taken back*: active again with the access they had, and
//!   held with the rest. The same run means: each within five minutes of the next, so that a leaver of
//!   half an hour ago stays out. After this nobody's account has changed, whoever had joined has joined, and
//!   whoever was deleted is in the groups again that they had left by it. What cannot be undone is that those few
//!   were signed out meanwhile, and that a person who was *removed* is erased: a connection whose tool deletes
//!   should be set to deactivate instead (`on_delete`). A stand-in that is deleted is removed either way; its
//!   person is asked anew.
//!
//! A Bulk request says all that it wants at once, so its endings are counted together before the first of them
//! ([`Guarded::foresee`]): a run is held whole, and nobody is signed out and taken back.
//!
//! A change that was discarded and comes again within a day is held at once. A tool that says of a held
//! person that they are active has changed its mind, and the change goes. Fewer endings than the minimum
//! are never held, whatever the share.
//!
//! **Groups.** A change of a group's members, or its end, is held by the same numbers if by that one change too many
//! people lose a product role that they hold in no other way, be it given by a rule or by an administrator. It is
//! judged alone, not with others of the hour, and neither waits for a run nor makes leavers wait; while it waits, the
//! latest of what the tool wanted of the group is kept, and members whom the tool names again are taken off it. What
//! else a request wanted is not kept. Renaming a group away from its rule, and changing the rule, are not judged.
//!
//! Invariants: a held change has changed nothing of the account or group; endings of one connection are judged one
//! after the other (its row is written first), so that parallel requests cannot slip past together; one
//! mail for each queue, not for each request; webhooks are told of whatever is taken back or let through, in the
//! transaction of that.

mod delegation;
pub mod event;
mod group_guard;
pub mod guard;
pub mod held;
mod joins;
pub mod mapping;
pub mod memberships;
mod reach;
mod sql;
mod tell;

pub use delegation::Delegation;
pub use group_guard::{GroupChange, Leaving, forget_group};
pub use guard::{Ending, Guarded, HoldReason, TakenBack};
pub use joins::{deactivate, end_joins, remove};
pub use reach::Reach;
pub use sql::STATEMENTS;
