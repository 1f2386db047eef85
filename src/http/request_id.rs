use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{extract::FromRequestParts, http::request::Parts};

/// A request's name, in the log and on pages that say that something broke.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// Twelve letters that nobody confuses, in three groups.
const LETTERS: usize = 12;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl RequestId {
    fn of(number: u64) -> Self {
        let mut text = String::with_capacity(LETTERS + 2);
        for place in 0..LETTERS {
            if place > 0 && place % 4 == 0 {
                text.push('-');
            }
            let letter = ALPHABET[((number >> (5 * place)) & 31) as usize];
            text.push(char::from(letter));
        }
        Self(text.into())
    }

    fn random() -> Self {
        let mut bytes = [0; 8];
        crate::secret::fill(&mut bytes);
        Self::of(u64::from_ne_bytes(bytes))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::random))
    }
}

/// Names for the requests of this process. They are no secrets, so the random source is asked once:
/// every answer pays for its name.
pub(super) struct RequestIds(AtomicU64);

/// Odd, so that all numbers come before one comes twice, and far from regular to the eye (Weyl's sequence).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl RequestIds {
    pub fn random() -> Self {
        let mut bytes = [0; 8];
        crate::secret::fill(&mut bytes);
        Self(AtomicU64::new(u64::from_ne_bytes(bytes)))
    }

    pub fn next(&self) -> RequestId {
        RequestId::of(self.0.fetch_add(STEP, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_three_groups_of_four_and_do_not_repeat() {
        let ids = RequestIds::random();
        let names: HashSet<_> = (0..10_000).map(|_| ids.next().0).collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|name| name.split('-').map(str::len).eq([4, 4, 4])), "{names:?}");
    }
}
