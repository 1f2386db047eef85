//! Users of an organization: who they are, and what administrators do for and to them.
//!
//! Each act is one write in which the caller's rights are judged again, so that nothing is done after
//! the commit that took them away (row 77).

mod access;
mod change;
mod create;
mod ending;
mod grants;
mod list;
mod mended;
mod verb;
mod wire;

pub use access::{give_product, take_product};
pub use change::{change, check_name};
pub use create::create;
pub use ending::{deactivate, reactivate, remove};
pub use mended::{invite, reset_mfa, reset_password};
pub use wire::{Access, NamedSlug, SecondFactor, UserDetail, UserSummary};
