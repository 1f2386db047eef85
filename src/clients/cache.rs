use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::RwLock;

use super::{Client, sql};
use crate::{
    clock::Timestamp,
    store::{self, Store},
};

/// How old an answer may be (architecture.md, Storage: stale for at most one second).
const FRESH: Duration = Duration::from_secs(1);

/// Clients by their `client_id`, so that the token path asks the database once a second and not once
/// a token. Unknown names are not kept: nobody can fill it.
#[derive(Default)]
pub struct Cache(RwLock<HashMap<String, (Timestamp, Arc<Client>)>>);

impl Cache {
    /// The client, active or not, as it was at most a second ago.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(&self, store: &Store, client_id: &str, now: Timestamp) -> store::Result<Option<Arc<Client>>> {
        if let Some((read_at, client)) = self.0.read().get(client_id)
            && *read_at <= now
            && now.since(*read_at) < FRESH
        {
            return Ok(Some(Arc::clone(client)));
        }
        let found = sql::find_by_client_id(&mut store.reader().await?, client_id).await?.map(Arc::new);
        match &found {
            Some(client) => self.0.write().insert(client_id.to_owned(), (now, Arc::clone(client))),
            None => self.0.write().remove(client_id),
        };
        Ok(found)
    }
}
