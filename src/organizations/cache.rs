use std::sync::Arc;

use super::{EffectivePolicy, live_policy};
use crate::{
    clock::Timestamp,
    id::OrganizationId,
    store::{self, Fresh, Store},
};

/// What holds for the people of organizations, by id.
#[derive(Default)]
pub struct PolicyCache(Fresh<OrganizationId, Option<Arc<EffectivePolicy>>>);

impl PolicyCache {
    /// [`live_policy`], as it was at most a second ago.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(
        &self,
        store: &Store,
        id: OrganizationId,
        now: Timestamp,
    ) -> store::Result<Option<Arc<EffectivePolicy>>> {
        if let Some(policy) = self.0.get(&id, now) {
            return Ok(policy);
        }
        let policy = live_policy(&mut store.reader().await?, id).await?.map(Arc::new);
        self.0.keep(id, policy.clone(), now);
        Ok(policy)
    }
}
