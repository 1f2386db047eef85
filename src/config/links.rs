use std::time::Duration;

use serde::Deserialize;

use super::{Invalid, seconds};

/// Mailed links. How long browser sessions live is for the organizations' policies.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// The life of an activation link, and of an invitation to join.
    #[serde(rename = "activation_seconds", deserialize_with = "seconds::deserialize")]
    pub activation: Duration,
    /// The life of a password reset link.
    #[serde(rename = "reset_seconds", deserialize_with = "seconds::deserialize")]
    pub reset: Duration,
}

impl Default for Links {
    fn default() -> Self {
        Self { activation: seconds::days(7), reset: seconds::hours(1) }
    }
}

impl Links {
    pub(super) fn judge(&self) -> Result<(), Invalid> {
        let minute = seconds::minutes(1);
        seconds::within("links.activation_seconds", self.activation, minute, seconds::days(30))?;
        seconds::within("links.reset_seconds", self.reset, minute, seconds::days(7))
    }
}
