use std::time::Duration;

use serde::Deserialize;

use super::{Invalid, seconds};

/// What one address or account may ask for. Account counters live in the database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests of one address in a second, averaged; 0: no limit.
    pub requests_per_second: u32,
    /// Requests of one address at once, above that average.
    pub burst: u32,
    /// Wrong passwords or codes in a row before an account is locked for a while.
    pub account_failures: i64,
    /// Wrong passwords or codes of one address within the window.
    pub address_failures: i64,
    /// The window of both counters.
    #[serde(rename = "window_seconds", deserialize_with = "seconds::deserialize")]
    pub window: Duration,
    /// How long a lockout lasts.
    #[serde(rename = "lockout_seconds", deserialize_with = "seconds::deserialize")]
    pub lockout: Duration,
    /// Mails that one address may cause within an hour.
    pub address_mails_per_hour: i64,
    /// Mails to one account within an hour.
    pub account_mails_per_hour: i64,
    /// Connections at once, at most a quarter of them from one address that is no trusted proxy.
    pub connections: usize,
    /// The longest that the head of a request may take, and that a connection may wait for its next one.
    #[serde(rename = "header_seconds", deserialize_with = "seconds::deserialize")]
    pub header: Duration,
    /// The largest body of a request.
    pub body_bytes: usize,
    /// The longest a request may take.
    #[serde(rename = "request_seconds", deserialize_with = "seconds::deserialize")]
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: 200,
            burst: 600,
            account_failures: 10,
            address_failures: 100,
            window: seconds::minutes(15),
            lockout: seconds::minutes(15),
            address_mails_per_hour: 60,
            account_mails_per_hour: 5,
            connections: 4096,
            header: Duration::from_secs(10),
            body_bytes: 1024 * 1024,
            request: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The demo's: tests, benches and its whole cast share one address.
    pub fn demo() -> Self {
        Self {
            requests_per_second: 0,
            address_failures: 10_000,
            address_mails_per_hour: 10_000,
            account_mails_per_hour: 100,
            ..Self::default()
        }
    }

    pub(super) fn judge(&self) -> Result<(), Invalid> {
        let positive = [
            ("limits.account_failures", self.account_failures, 100),
            ("limits.address_failures", self.address_failures, i64::MAX),
            ("limits.address_mails_per_hour", self.address_mails_per_hour, i64::MAX),
            ("limits.account_mails_per_hour", self.account_mails_per_hour, i64::MAX),
        ];
        for (key, value, most) in positive {
            if !(1..=most).contains(&value) {
                return Err(Invalid::new(key, format!("{value} is out of range"), format!("Use 1 to {most}")));
            }
        }
        if !(16..=1_000_000).contains(&self.connections) {
            let problem = format!("{} is out of range", self.connections);
            return Err(Invalid::new("limits.connections", problem, "Use 16 to 1000000"));
        }
        seconds::within("limits.header_seconds", self.header, Duration::from_secs(1), seconds::minutes(5))?;
        if !(16 * 1024..=64 * 1024 * 1024).contains(&self.body_bytes) {
            let problem = format!("{} is out of range", self.body_bytes);
            return Err(Invalid::new("limits.body_bytes", problem, "Use 16 KiB to 64 MiB"));
        }
        if self.requests_per_second > 0 && self.burst == 0 {
            return Err(Invalid::new("limits.burst", "0 lets nothing through", "Use at least 1"));
        }
        seconds::within("limits.window_seconds", self.window, seconds::minutes(1), seconds::days(1))?;
        seconds::within("limits.lockout_seconds", self.lockout, seconds::minutes(1), seconds::days(1))?;
        seconds::within("limits.request_seconds", self.request, Duration::from_secs(1), seconds::minutes(10))
    }
}
