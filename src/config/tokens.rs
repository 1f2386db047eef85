use std::time::Duration;

use serde::Deserialize;

use super::{Invalid, seconds};

/// How long what the server issues lives. A client may have its own times for access and refresh tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    #[serde(rename = "code_seconds", deserialize_with = "seconds::deserialize")]
    pub code: Duration,
    #[serde(rename = "access_token_seconds", deserialize_with = "seconds::deserialize")]
    pub access_token: Duration,
    #[serde(rename = "id_token_seconds", deserialize_with = "seconds::deserialize")]
    pub id_token: Duration,
    /// A refresh token dies when it is not used for so long.
    #[serde(rename = "refresh_idle_seconds", deserialize_with = "seconds::deserialize")]
    pub refresh_idle: Duration,
    /// The whole family dies after so long, used or not.
    #[serde(rename = "refresh_absolute_seconds", deserialize_with = "seconds::deserialize")]
    pub refresh_absolute: Duration,
    /// For so long a rotated refresh token may be used once more without killing its family.
    #[serde(rename = "refresh_grace_seconds", deserialize_with = "seconds::deserialize")]
    pub refresh_grace: Duration,
    /// How long an authorization request waits for its user.
    #[serde(rename = "authorization_request_seconds", deserialize_with = "seconds::deserialize")]
    pub authorization_request: Duration,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            code: seconds::minutes(1),
            access_token: seconds::minutes(5),
            id_token: seconds::minutes(5),
            refresh_idle: seconds::days(14),
            refresh_absolute: seconds::days(90),
            refresh_grace: Duration::ZERO,
            authorization_request: seconds::hours(1),
        }
    }
}

impl Tokens {
    pub(super) fn judge(&self) -> Result<(), Invalid> {
        let second = Duration::from_secs(1);
        // RFC 6749 §4.1.2: ten minutes at most.
        seconds::within("tokens.code_seconds", self.code, second, seconds::minutes(10))?;
        seconds::within("tokens.access_token_seconds", self.access_token, second, seconds::days(1))?;
        seconds::within("tokens.id_token_seconds", self.id_token, second, seconds::days(1))?;
        seconds::within("tokens.refresh_absolute_seconds", self.refresh_absolute, second, seconds::days(3650))?;
        seconds::within("tokens.refresh_idle_seconds", self.refresh_idle, second, self.refresh_absolute)?;
        seconds::within("tokens.refresh_grace_seconds", self.refresh_grace, Duration::ZERO, seconds::minutes(1))?;
        let request = self.authorization_request;
        seconds::within("tokens.authorization_request_seconds", request, seconds::minutes(1), seconds::days(1))
    }
}
