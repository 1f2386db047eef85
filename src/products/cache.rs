use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::RwLock;

use super::{Product, sql};
use crate::{
    clock::Timestamp,
    id::ProductId,
    store::{self, Store},
};

/// How old an answer may be (architecture.md, Storage: stale for at most one second).
const FRESH: Duration = Duration::from_secs(1);

/// Products by id, so that the token path asks the database once a second and not once a token.
#[derive(Default)]
pub struct Cache(RwLock<HashMap<ProductId, (Timestamp, Arc<Product>)>>);

impl Cache {
    /// The product, as it was at most a second ago.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(&self, store: &Store, id: ProductId, now: Timestamp) -> store::Result<Option<Arc<Product>>> {
        if let Some((read_at, product)) = self.0.read().get(&id)
            && now.since(*read_at) < FRESH
            && *read_at <= now
        {
            return Ok(Some(Arc::clone(product)));
        }
        let Some(product) = sql::find(&mut store.reader().await?, id).await?.map(Arc::new) else {
            self.0.write().remove(&id);
            return Ok(None);
        };
        self.0.write().insert(id, (now, Arc::clone(&product)));
        Ok(Some(product))
    }
}
