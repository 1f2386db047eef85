//! Users of an organization: who they are, and what administrators do for and to them.
//!
//! Each act is one write in which the caller's rights are judged again, so that nothing is done after
//! the commit that took them away (row 77).

pub mod access;
pub mod change;
pub mod create;
pub mod ending;
pub mod grants;
pub mod list;
pub mod mended;
mod sight;
mod verb;
mod wire;

pub use wire::{Access, NamedSlug, SecondFactor, UserDetail, UserSummary};
