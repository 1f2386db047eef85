//! The hash chain: each organization's events in the order in which they were appended.

use aws_lc_rs::digest;
use std::collections::HashMap;

use super::sql::{self, Recorded};
use crate::{
    clock::Timestamp,
    id::OrganizationId,
    jobs::lease::{self, Holder},
    store::{Result, Store},
};

/// Events appended in one transaction: short enough that no other writer waits long.
const BATCH: i64 = 128;

/// Appends the events that wait, and answers how many. Only the holder of the lease does: the lease
/// is renewed in the same transaction, so two nodes cannot both find the same head.
///
/// # Errors
/// The database's.
pub async fn append(store: &Store, holder: Holder, now: Timestamp) -> Result<usize> {
    let mut appended = 0;
    loop {
        let idle = sql::unchained(&mut store.reader().await?, 1).await?.is_empty();
        if idle {
            return Ok(appended);
        }
        let batch = store
            .write(async move |tx| {
                if !lease::take(tx, "audit-chain", holder, now).await? {
                    return Ok(0);
                }
                let mut heads: HashMap<OrganizationId, (i64, Vec<u8>)> = HashMap::new();
                let waiting = sql::unchained(tx, BATCH).await?;
                for event in &waiting {
                    let organization = event.organization_id;
                    let (position, previous) = match heads.remove(&organization) {
                        Some(head) => head,
                        None => sql::head(tx, organization).await?.unwrap_or_else(|| (0, genesis(organization))),
                    };
                    let hash = link(&previous, event);
                    sql::append(tx, event, position + 1, &hash).await?;
                    heads.insert(organization, (position + 1, hash));
                }
                Ok::<_, crate::store::Error>(waiting.len())
            })
            .await?;
        if batch == 0 {
            return Ok(appended);
        }
        appended += batch;
    }
}

/// What stands before the first link of an organization.
pub(super) fn genesis(organization: OrganizationId) -> Vec<u8> {
    digest::digest(&digest::SHA256, format!("castellan audit chain of {organization}").as_bytes()).as_ref().to_vec()
}

/// The hash of a link: of the previous one and every column of the event, unambiguously framed.
pub(super) fn link(previous: &[u8], event: &Recorded) -> Vec<u8> {
    let columns = (
        event.id.to_string(),
        event.organization_id.to_string(),
        event.at.as_micros(),
        (&event.kind, &event.actor_kind, event.actor_id),
        (&event.subject_kind, event.subject_id),
        &event.outcome,
        &event.details,
        &event.commitment,
    );
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    // Serialising these types cannot fail; were it to, the link would not verify.
    context.update(&serde_json::to_vec(&columns).unwrap_or_default());
    context.finish().as_ref().to_vec()
}
