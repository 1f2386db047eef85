//! Promises that must hold under faults: what was acknowledged stays, what was used once stays used,
//! and no secret lies about.

mod canary;
mod crash;
mod flush;
mod journal;
mod race;
mod search;
mod secrets;
mod strace;

pub use canary::canary;
pub use crash::crash;
pub use flush::flush;
pub use race::race;
