use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::RwLock;

use super::{Entitlement, Subject, entitlement};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, ProductId},
    store::{self, Store},
};

/// How old an answer may be (architecture.md, Storage: stale for at most one second).
const FRESH: Duration = Duration::from_secs(1);

/// An answer and when it was read.
type Entry = (Timestamp, Option<Arc<Entitlement>>);

/// What clients hold that act for themselves, so that their tokens cost no query. A person's
/// entitlement is never kept: taking it away works at once.
#[derive(Default)]
pub struct ClientCache(RwLock<HashMap<(ClientRowId, ProductId), Entry>>);

impl ClientCache {
    /// What the client holds in the product, as it was at most a second ago.
    ///
    /// # Errors
    /// The database's.
    pub async fn entitlement(
        &self,
        store: &Store,
        client: ClientRowId,
        product: ProductId,
        now: Timestamp,
    ) -> store::Result<Option<Arc<Entitlement>>> {
        if let Some((read_at, held)) = self.0.read().get(&(client, product))
            && *read_at <= now
            && now.since(*read_at) < FRESH
        {
            return Ok(held.clone());
        }
        let mut db = store.reader().await?;
        let held = entitlement(&mut db, Subject::Client(client), product, now).await?.map(Arc::new);
        self.0.write().insert((client, product), (now, held.clone()));
        Ok(held)
    }
}
