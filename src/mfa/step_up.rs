//! How fresh a proof must be for acts that could lose the account: passwords, factors, tokens,
//! deletion (M7).

use std::time::Duration;

use crate::clock::Timestamp;

/// A factor older than this is asked for again.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

/// Whether the last proof still stands. Without any second factor the sign-in itself counts.
pub fn is_fresh(auth_time: Timestamp, mfa_time: Option<Timestamp>, now: Timestamp) -> bool {
    let proven = mfa_time.unwrap_or(auth_time);
    // A proof from the future (a clock stepped back) is none.
    proven <= now && now.since(proven) <= FRESH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_are_fresh_and_the_second_factor_decides() {
        let at = Timestamp::from_seconds;
        assert!(is_fresh(at(0), None, at(600)));
        assert!(!is_fresh(at(0), None, at(601)));
        assert!(is_fresh(at(0), Some(at(500)), at(1000)));
        assert!(!is_fresh(at(900), Some(at(0)), at(1000)), "a fresh password does not freshen an old factor");
        assert!(!is_fresh(at(2000), None, at(1000)), "the future proves nothing");
    }
}
