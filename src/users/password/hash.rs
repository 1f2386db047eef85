use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Argon2id with its parameters and salt, as a PHC string. What the database holds.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a PHC string of Argon2id, for imports and constants. `None` if it is none, or asks for
    /// more work than a sign-in may cost.
    pub fn from_phc(text: &str) -> Option<Self> {
        Parts::parse(text).map(|_| Self(text.to_owned()))
    }

    /// The PHC string.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// No stored hash may ask for more than 256 MiB and sixteen passes, and none is made that does.
    pub const DEAREST: Self = Self { memory: 262_144, passes: 16 };
}

impl Default for Cost {
    /// 19 MiB and two passes, one lane: OWASP's first choice for Argon2id.
    fn default() -> Self {
        Self { memory: 19_456, passes: 2 }
    }
}

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;
/// A PHC string of ours, taken apart.
struct Parts {
    cost: Cost,
    lanes: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Parts {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (parameters, salt, output) = (fields.next()?, fields.next()?, fields.next()?);
        let mut numbers = parameters.split(',');
        let mut number = |name: &str| numbers.next()?.strip_prefix(name)?.parse::<u32>().ok();
        let cost = Cost { memory: number("m=")?, passes: number("t=")? };
        let lanes = number("p=")?;
        let parts = Self {
            cost,
            lanes,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            output: STANDARD_NO_PAD.decode(output).ok()?,
        };
        let bounded =
            cost.memory <= Cost::DEAREST.memory && cost.passes <= Cost::DEAREST.passes && (1..=8).contains(&lanes);
        let sized = parts.salt.len() >= 8 && (16..=64).contains(&parts.output.len());
        (bounded && sized && fields.next().is_none()).then_some(parts)
    }
}

/// Hashes for one thread, which lends its memory to each.
#[derive(Default)]
pub(super) struct Worker {
    blocks: Vec<Block>,
}

impl Worker {
    /// Whether memory is held.
    pub(super) fn holds_memory(&self) -> bool {
        self.blocks.capacity() > 0
    }

    /// Gives the memory back.
    pub(super) fn release(&mut self) {
        self.blocks = Vec::new();
    }

    /// A new hash with a new salt.
    pub(super) fn hash(&mut self, plain: &str, cost: Cost) -> PasswordHash {
        let mut salt = [0u8; SALT_BYTES];
        crate::secret::fill(&mut salt);
        let mut output = [0u8; OUTPUT_BYTES];
        // The parameters are our own, so this fails only out of memory.
        if self.run(plain, cost, 1, &salt, &mut output).is_none() {
            std::process::abort();
        }
        PasswordHash(format!(
            "$argon2id$v=19$m={},t={},p=1${}${}",
            cost.memory,
            cost.passes,
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(output),
        ))
    }

    /// Whether `plain` made `hash`, and whether the hash has today's cost.
    pub(super) fn verify(&mut self, plain: &str, hash: &PasswordHash, today: Cost) -> Option<(bool, bool)> {
        let parts = Parts::parse(&hash.0)?;
        let mut output = vec![0u8; parts.output.len()];
        self.run(plain, parts.cost, parts.lanes, &parts.salt, &mut output)?;
        let right = bool::from(output.ct_eq(&parts.output));
        Some((right, parts.cost == today && parts.lanes == 1))
    }

    fn run(&mut self, plain: &str, cost: Cost, lanes: u32, salt: &[u8], output: &mut [u8]) -> Option<()> {
        let parameters = Params::new(cost.memory, cost.passes, lanes, Some(output.len())).ok()?;
        let needed = parameters.block_count();
        if self.blocks.len() < needed {
            self.blocks.resize(needed, Block::new());
        }
        // NIST SP 800-63B section 3.1.1.2: normalized before hashing; otherwise the exact text.
        let normalized: Zeroizing<String> = Zeroizing::new(plain.nfkc().collect());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into_with_memory(normalized.as_bytes(), salt, output, &mut self.blocks[..needed])
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory: 64, passes: 1 };

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let mut worker = Worker::default();
        let hash = worker.hash("correct horse", CHEAP);
        assert_eq!(worker.verify("correct horse", &hash, CHEAP), Some((true, true)));
        assert_eq!(worker.verify("correct horse ", &hash, CHEAP), Some((false, true)), "nothing is trimmed");
        assert_eq!(worker.verify("correct horse", &hash, Cost::default()), Some((true, false)), "outdated");
    }

    #[test]
    fn every_byte_of_a_long_password_counts() {
        let mut worker = Worker::default();
        let long = "x".repeat(128);
        let hash = worker.hash(&long, CHEAP);
        for place in 0..long.len() {
            let mut other = long.clone();
            other.replace_range(place..=place, "y");
            assert_eq!(worker.verify(&other, &hash, CHEAP), Some((false, true)), "byte {place}");
        }
    }

    #[test]
    fn one_password_in_two_unicode_forms_is_one_password() {
        let mut worker = Worker::default();
        let hash = worker.hash("cafe\u{301} wide", CHEAP);
        assert_eq!(worker.verify("caf\u{e9} \u{ff57}ide", &hash, CHEAP), Some((true, true)));
    }

    #[test]
    fn a_phc_string_that_costs_too_much_is_refused() {
        let salt_and_output = "$c29tZXNhbHRzb21lc2FsdA$Y2FzdGVsbGFuY2FzdGVsbGFuY2FzdGVsbGFuMTIzNDU";
        let dearest = format!("m={},t={},p=1", Cost::DEAREST.memory, Cost::DEAREST.passes);
        for good in ["m=19456,t=2,p=1", &dearest] {
            assert!(PasswordHash::from_phc(&format!("$argon2id$v=19${good}{salt_and_output}")).is_some(), "{good}");
        }
        for bad in ["m=4194304,t=2,p=1", "m=19456,t=9999,p=1", "m=19456,t=2,p=99", "t=2,m=19456,p=1"] {
            assert!(PasswordHash::from_phc(&format!("$argon2id$v=19${bad}{salt_and_output}")).is_none(), "{bad}");
        }
        assert!(PasswordHash::from_phc("$2b$12$abcdefghijklmnopqrstuv").is_none());
    }
}
