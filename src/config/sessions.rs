use std::time::Duration;

use serde::Deserialize;

use super::{Invalid, seconds};

/// Browser sessions and mailed links. Organizations tighten the first two, never the other way.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// A session ends when it is not used for so long.
    #[serde(rename = "idle_seconds", deserialize_with = "seconds::deserialize")]
    pub idle: Duration,
    /// A session ends after so long, used or not.
    #[serde(rename = "absolute_seconds", deserialize_with = "seconds::deserialize")]
    pub absolute: Duration,
    /// How long a sign-in may take from its first page to its last.
    #[serde(rename = "flow_seconds", deserialize_with = "seconds::deserialize")]
    pub flow: Duration,
    /// For so long after a factor a sensitive act asks for no other (product.md M7).
    #[serde(rename = "fresh_factor_seconds", deserialize_with = "seconds::deserialize")]
    pub fresh_factor: Duration,
    /// The life of an activation link.
    #[serde(rename = "activation_seconds", deserialize_with = "seconds::deserialize")]
    pub activation: Duration,
    /// The life of a password reset link.
    #[serde(rename = "reset_seconds", deserialize_with = "seconds::deserialize")]
    pub reset: Duration,
    /// The life of a code sent by e-mail.
    #[serde(rename = "email_code_seconds", deserialize_with = "seconds::deserialize")]
    pub email_code: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle: seconds::hours(8),
            absolute: seconds::days(1),
            flow: seconds::minutes(30),
            fresh_factor: seconds::minutes(10),
            activation: seconds::days(7),
            reset: seconds::hours(1),
            email_code: seconds::minutes(10),
        }
    }
}

impl Sessions {
    pub(super) fn judge(&self) -> Result<(), Invalid> {
        let minute = seconds::minutes(1);
        seconds::within("sessions.absolute_seconds", self.absolute, minute, seconds::days(365))?;
        seconds::within("sessions.idle_seconds", self.idle, minute, self.absolute)?;
        seconds::within("sessions.flow_seconds", self.flow, minute, seconds::days(1))?;
        seconds::within("sessions.fresh_factor_seconds", self.fresh_factor, minute, seconds::days(1))?;
        seconds::within("sessions.activation_seconds", self.activation, minute, seconds::days(30))?;
        seconds::within("sessions.reset_seconds", self.reset, minute, seconds::days(7))?;
        seconds::within("sessions.email_code_seconds", self.email_code, minute, seconds::minutes(10))
    }
}
