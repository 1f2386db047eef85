//! The audit trail: what happened, who did it, to whom, and proof that nobody rewrote it.
//!
//! Owns `audit_events`, `audit_personal`, `person_keys` and `audit_chain`. What is worth an event is
//! for the room that makes the change to say.
//!
//! Invariants:
//! - an event is written in the transaction of its change ([`record`]), so neither stands alone. Only
//!   events that change nothing (a token was issued, a client was refused) go through the [`Recorder`] and
//!   may lose 20 ms;
//! - names, addresses and IPs never stand in `details`. They lie beside the event, encrypted under a
//!   key of the person they are about; the event holds a salted commitment. [`erase`] destroys key
//!   and salt, and the chain still verifies;
//! - a leased job appends events to the hash chain of their organization within a second
//!   ([`chain::append`]). Not in the transaction: that would put all writers of PostgreSQL in a row.

pub mod chain;
mod event;
mod personal;
mod recorder;
mod sql;
mod verify;

pub use event::{ActorKind, By, Event, Outcome, Personal, SubjectKind};
pub use personal::{erase, read_personal};
pub use recorder::Recorder;
pub use sql::{Filter, Recorded, STATEMENTS, list};
pub use verify::{Flaw, Report, verify};

use crate::{
    clock::Timestamp,
    id::EventId,
    secret::MasterKeys,
    store::{Result, Tx},
};

/// Writes an event in the transaction of the change it tells of.
///
/// # Errors
/// The database's; the change is rolled back with it.
pub async fn record(tx: &mut Tx<'_>, master: &MasterKeys, event: Event, now: Timestamp) -> Result<()> {
    let id = EventId::new(now);
    let commitment = personal::write(tx, master, id, &event).await?;
    sql::insert(tx, id, &event, commitment.as_deref(), now).await
}
