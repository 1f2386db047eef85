use std::{collections::HashSet, mem};

use parking_lot::Mutex;

use crate::secret::SecretHash;

/// So many tokens in each of two generations: 32 bytes each.
const GENERATION: usize = 8192;

/// Tokens whose signature was found good, by the hash of the whole token: checking it costs four times
/// what making it did, and a resource server asks about the same token again and again.
///
/// Nothing but the signature is remembered. Whether the key still counts, the times, and whether the
/// token was revoked are judged each time.
#[derive(Default)]
pub(super) struct Seen(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashSet<SecretHash>,
    old: HashSet<SecretHash>,
}

impl Seen {
    /// Whether this very token was noted, not long ago.
    pub fn knows(&self, token: &SecretHash) -> bool {
        let mut generations = self.0.lock();
        if generations.young.contains(token) {
            return true;
        }
        // One that is asked about stays.
        generations.old.take(token).map(|token| generations.add(token)).is_some()
    }

    pub fn note(&self, token: SecretHash) {
        self.0.lock().add(token);
    }
}

impl Generations {
    fn add(&mut self, token: SecretHash) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: usize) -> SecretHash {
        SecretHash::of(number.to_string().as_bytes())
    }

    #[test]
    fn a_token_in_use_stays_and_the_rest_are_forgotten() {
        let seen = Seen::default();
        assert!(!seen.knows(&token(0)));
        seen.note(token(0));
        seen.note(token(1));
        for number in 2..=2 * GENERATION {
            seen.note(token(number));
            assert!(seen.knows(&token(0)), "{number}");
        }
        assert!(!seen.knows(&token(1)));
        let generations = seen.0.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}
