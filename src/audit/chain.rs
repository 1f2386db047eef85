//! The hash chain: each organization's events, block by block in the order in which they were appended.
//!
//! A link covers a block: whatever waited when the job came round. Linking every event by itself would
//! cost more than the event, and prove no more.

use aws_lc_rs::digest;

use super::sql::{self, Recorded};
use crate::{
    clock::Timestamp,
    id::OrganizationId,
    jobs::lease::{self, Holder},
    store::{Error, Result, Store},
};

/// Events of one block, at most: short enough that no other writer waits long.
const BLOCK: i64 = 256;

/// Organizations served in one transaction.
const ORGANIZATIONS: i64 = 16;

/// Appends the events that wait, and answers how many. Only the holder of the lease does: the lease
/// is renewed in the same transaction, so two nodes cannot both find the same head.
///
/// # Errors
/// The database's.
pub async fn append(store: &Store, holder: Holder, now: Timestamp) -> Result<usize> {
    let mut appended = 0;
    loop {
        if sql::waiting(&mut store.reader().await?, 1).await?.is_empty() {
            return Ok(appended);
        }
        let events = store
            .write(async move |tx| {
                if !lease::take(tx, "audit-chain", holder, now).await? {
                    return Ok(0);
                }
                let mut events = 0;
                for organization in sql::waiting(tx, ORGANIZATIONS).await? {
                    let (last, previous) =
                        sql::head(tx, organization).await?.unwrap_or_else(|| (0, genesis(organization)));
                    // What the statement marked is what it answers: nothing that commits meanwhile slips in.
                    let mut block = sql::place(tx, organization, last + 1, BLOCK).await?;
                    let hash = link(&previous, &mut block);
                    sql::insert_link(tx, organization, last + 1, &block, &hash).await?;
                    events += block.len();
                }
                Ok::<_, Error>(events)
            })
            .await?;
        if events == 0 {
            return Ok(appended);
        }
        appended += events;
    }
}

/// What stands before the first link of an organization.
pub(super) fn genesis(organization: OrganizationId) -> Vec<u8> {
    digest::digest(&digest::SHA256, format!("castellan audit chain of {organization}").as_bytes()).as_ref().to_vec()
}

/// The hash of a link: of the previous one and every column of its events in the order of their ids,
/// unambiguously framed.
pub(super) fn link(previous: &[u8], block: &mut [Recorded]) -> Vec<u8> {
    block.sort_by_key(|event| event.id);
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    for event in block {
        let columns = (
            event.id,
            event.organization_id,
            event.at.as_micros(),
            (&event.kind, &event.actor_kind, event.actor_id),
            (&event.subject_kind, event.subject_id),
            &event.outcome,
            &event.details,
            &event.commitment,
        );
        // Serialising these types cannot fail; were it to, the link would not verify.
        context.update(&serde_json::to_vec(&columns).unwrap_or_default());
    }
    context.finish().as_ref().to_vec()
}
