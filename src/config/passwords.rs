use std::time::Duration;

use serde::Deserialize;

use super::Invalid;
use crate::users::password::Cost;

/// What a password costs to try: argon2id's parameters (RFC 9106), one lane. How long one must be is for the
/// organizations' policies.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    pub memory_kib: u32,
    pub passes: u32,
    /// Threads that hash; 0: all cores but one.
    pub threads: usize,
    /// A login waits at most so long for its turn at a thread, then it is asked to come again.
    #[serde(rename = "queue_milliseconds", deserialize_with = "milliseconds")]
    pub queue: Duration,
}

fn milliseconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

impl Default for Passwords {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, threads: 0, queue: Duration::from_secs(5) }
    }
}

impl Passwords {
    /// Refuses costs below the weakest that OWASP still recommends (7 MiB, five passes; or equal work).
    pub(super) fn judge(&self) -> Result<(), Invalid> {
        let work = u64::from(self.memory_kib) * u64::from(self.passes);
        if self.memory_kib < 7_168 || work < 35_840 {
            let problem = format!("{} KiB and {} passes are too cheap to try", self.memory_kib, self.passes);
            return Err(Invalid::new("passwords.memory_kib", problem, "Use at least 19456 KiB and 2 passes"));
        }
        // Dearer hashes would be made, and never verified again.
        if self.memory_kib > Cost::DEAREST.memory || self.passes > Cost::DEAREST.passes {
            let problem = format!("{} KiB and {} passes are too dear to verify", self.memory_kib, self.passes);
            let remedy = format!("Use at most {} KiB and {} passes", Cost::DEAREST.memory, Cost::DEAREST.passes);
            return Err(Invalid::new("passwords.memory_kib", problem, remedy));
        }
        if self.queue < Duration::from_millis(100) || self.queue > Duration::from_secs(60) {
            let problem = format!("{} is out of range", self.queue.as_millis());
            return Err(Invalid::new("passwords.queue_milliseconds", problem, "Use 100 to 60000"));
        }
        Ok(())
    }
}
