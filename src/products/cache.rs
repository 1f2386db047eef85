use std::sync::Arc;

use super::{Product, sql};
use crate::{
    clock::Timestamp,
    id::ProductId,
    store::{self, Fresh, Store},
};

/// Products by id.
#[derive(Default)]
pub struct Cache(Fresh<ProductId, Arc<Product>>);

impl Cache {
    /// The product, as it was at most a second ago.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(&self, store: &Store, id: ProductId, now: Timestamp) -> store::Result<Option<Arc<Product>>> {
        if let Some(product) = self.0.get(&id, now) {
            return Ok(Some(product));
        }
        let found = sql::find(&mut store.reader().await?, id).await?.map(Arc::new);
        match &found {
            Some(product) => self.0.keep(id, Arc::clone(product), now),
            None => self.0.forget(&id),
        }
        Ok(found)
    }
}
