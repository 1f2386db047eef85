use std::time::Duration;

use serde::Deserialize;

use super::Invalid;

/// What a password costs to try, and how long it must be. The cost is argon2id's (RFC 9106).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
    /// Threads that hash; 0: all cores but one.
    pub threads: usize,
    /// A login waits at most so long for its turn at a thread, then it is asked to come again.
    #[serde(rename = "queue_milliseconds", deserialize_with = "milliseconds")]
    pub queue: Duration,
    pub minimum_length: i64,
}

fn milliseconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

impl Default for Passwords {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1, threads: 0, queue: Duration::from_secs(5), minimum_length: 10 }
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
        if self.memory_kib > 4_194_304 || self.passes > 64 || !(1..=16).contains(&self.lanes) {
            let remedy = "Use at most 4 GiB, 64 passes, and 1 to 16 lanes";
            return Err(Invalid::new("passwords.memory_kib", "the cost is out of range", remedy));
        }
        if !(8..=64).contains(&self.minimum_length) {
            let problem = format!("{} is out of range", self.minimum_length);
            return Err(Invalid::new("passwords.minimum_length", problem, "Use 8 to 64"));
        }
        if self.queue < Duration::from_millis(100) || self.queue > Duration::from_secs(60) {
            let problem = format!("{} is out of range", self.queue.as_millis());
            return Err(Invalid::new("passwords.queue_milliseconds", problem, "Use 100 to 60000"));
        }
        Ok(())
    }
}
