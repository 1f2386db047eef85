use std::sync::Arc;

use super::{Entitlement, Subject, entitlement};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, ProductId},
    store::{self, Fresh, Store},
};

/// What clients hold that act for themselves, so that their tokens cost no query. A person's
/// entitlement is never kept: taking it away works at once.
#[derive(Default)]
pub struct ClientCache(Fresh<(ClientRowId, ProductId), Option<Arc<Entitlement>>>);

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
        if let Some(held) = self.0.get(&(client, product), now) {
            return Ok(held);
        }
        let mut db = store.reader().await?;
        let held = entitlement(&mut db, Subject::Client(client), product, now).await?.map(Arc::new);
        self.0.keep((client, product), held.clone(), now);
        Ok(held)
    }
}
