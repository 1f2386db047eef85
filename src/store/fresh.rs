use std::{borrow::Borrow, collections::HashMap, hash::Hash, time::Duration};

use parking_lot::RwLock;

use crate::clock::Timestamp;

/// How old an answer may be (architecture.md, Storage: stale for at most one second).
const FRESH: Duration = Duration::from_secs(1);

/// What was read within the last second, so that the token path asks the database once a second and not
/// once a token.
pub struct Fresh<K, V>(RwLock<HashMap<K, (Timestamp, V)>>);

impl<K, V> Default for Fresh<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V: Clone> Fresh<K, V> {
    /// The answer, if it is young enough. One from the future (a clock stepped back) is none.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: Timestamp) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let kept = self.0.read();
        let (read_at, value) = kept.get(key)?;
        (*read_at <= now && now.since(*read_at) < FRESH).then(|| value.clone())
    }

    /// Keeps what was read at `now`.
    pub fn keep(&self, key: K, value: V, now: Timestamp) {
        self.0.write().insert(key, (now, value));
    }

    /// Forgets an answer.
    pub fn forget<Q: Eq + Hash + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.0.write().remove(key);
    }
}
