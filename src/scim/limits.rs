//! Requests a second of one connection, in memory of this node: it protects the other tenants.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::{clock::Timestamp, id::ConnectionId};

/// How many seconds' worth may come at once after a rest.
const BURST_SECONDS: f64 = 2.0;

/// A bucket of requests for each connection.
#[derive(Default)]
pub struct Limits(Mutex<HashMap<ConnectionId, Bucket>>);

struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Limits {
    /// Takes one request out of the connection's bucket; `false` if it is empty.
    pub fn allow(&self, connection: ConnectionId, per_second: u32, now: Timestamp) -> bool {
        let most = f64::from(per_second) * BURST_SECONDS;
        let mut buckets = self.0.lock();
        let bucket = buckets.entry(connection).or_insert(Bucket { left: most, at: now });
        bucket.left = (bucket.left + now.since(bucket.at).as_secs_f64() * f64::from(per_second)).min(most);
        bucket.at = now;
        let allowed = bucket.left >= 1.0;
        if allowed {
            bucket.left -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let (limits, mut now) = (Limits::default(), Timestamp::from_seconds(1));
        let (one, other) = (ConnectionId::new(now), ConnectionId::new(now));
        let taken = (0..10).filter(|_| limits.allow(one, 2, now)).count();
        assert_eq!(taken, 4);
        assert!(limits.allow(other, 2, now), "each connection has its own");
        now = now + Duration::from_millis(500);
        assert!(limits.allow(one, 2, now));
        assert!(!limits.allow(one, 2, now));
    }
}
