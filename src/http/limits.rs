//! Rate limits in front of everything, per source, in memory: they keep a flood off the database.
//! What must hold exactly, and across nodes and restarts, is counted in [`crate::attempts`].

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::ClientAddress;

/// The limiters. Cheap to clone.
#[derive(Clone)]
pub struct Limits {
    by_source: Arc<DefaultKeyedRateLimiter<IpAddr>>,
    seen: Arc<AtomicU32>,
}

/// How much one source may ask for.
#[derive(Debug, Clone, Copy)]
pub struct PerSource {
    /// Requests a second, for ever.
    pub per_second: NonZeroU32,
    /// At once, after a rest.
    pub burst: NonZeroU32,
}

/// After so many requests the sources that have rested are forgotten.
const SWEEP_EVERY: u32 = 4096;

impl Limits {
    /// Limiters of that size.
    pub fn new(per_source: PerSource) -> Self {
        let quota = Quota::per_second(per_source.per_second).allow_burst(per_source.burst);
        Self { by_source: Arc::new(RateLimiter::keyed(quota)), seen: Arc::default() }
    }

    /// Whether this source may go on.
    pub fn allow(&self, address: ClientAddress) -> bool {
        if self.seen.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.by_source.retain_recent();
        }
        self.by_source.check_key(&address.source()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_slowed_and_others_are_not() {
        let limits = Limits::new(PerSource { per_second: NonZeroU32::MIN, burst: NonZeroU32::MIN });
        let address = |text: &str| ClientAddress(text.parse().expect("an address"));
        assert!(limits.allow(address("198.51.100.1")));
        assert!(!limits.allow(address("198.51.100.1")));
        assert!(limits.allow(address("198.51.100.2")));
    }
}
