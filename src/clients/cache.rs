use std::sync::Arc;

use super::{Client, sql};
use crate::{
    clock::Timestamp,
    store::{self, Fresh, Store},
};

/// Clients by their `client_id`. Unknown names are not kept: nobody can fill it.
#[derive(Default)]
pub struct Cache(Fresh<String, Arc<Client>>);

impl Cache {
    /// The client, active or not, as it was at most a second ago.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(&self, store: &Store, client_id: &str, now: Timestamp) -> store::Result<Option<Arc<Client>>> {
        if let Some(client) = self.0.get(client_id, now) {
            return Ok(Some(client));
        }
        let found = sql::find_by_client_id(&mut store.reader().await?, client_id).await?.map(Arc::new);
        match &found {
            Some(client) => self.0.keep(client_id.to_owned(), Arc::clone(client), now),
            None => self.0.forget(client_id),
        }
        Ok(found)
    }
}
