//! Durations are whole seconds in the file and `Duration` in the server.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::Invalid;

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

pub(super) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

pub(super) const fn hours(hours: u64) -> Duration {
    minutes(hours * 60)
}

pub(super) const fn days(days: u64) -> Duration {
    hours(days * 24)
}

/// Refuses a duration outside `least..=most`.
pub(super) fn within(key: &str, value: Duration, least: Duration, most: Duration) -> Result<(), Invalid> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(
        key,
        format!("{} seconds is out of range", value.as_secs()),
        format!("Use {} to {} seconds", least.as_secs(), most.as_secs()),
    ))
}
