use std::time::Duration;

use serde::Deserialize;

use super::{Invalid, Tokens, seconds};

/// The life of signing keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// How long a key signs before its successor takes over.
    #[serde(rename = "rotation_seconds", deserialize_with = "seconds::deserialize")]
    pub rotation: Duration,
    /// How long a key is published before it signs: longer than relying parties cache a JWKS.
    #[serde(rename = "publish_ahead_seconds", deserialize_with = "seconds::deserialize")]
    pub publish_ahead: Duration,
    /// How long a key stays published after it last signed.
    #[serde(rename = "keep_seconds", deserialize_with = "seconds::deserialize")]
    pub keep: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self { rotation: seconds::days(60), publish_ahead: seconds::days(1), keep: seconds::days(2) }
    }
}

impl Keys {
    pub(super) fn judge(&self, tokens: &Tokens) -> Result<(), Invalid> {
        seconds::within("keys.rotation_seconds", self.rotation, seconds::hours(1), seconds::days(730))?;
        seconds::within("keys.publish_ahead_seconds", self.publish_ahead, seconds::minutes(1), self.rotation)?;
        // A token must be verifiable for as long as it lives.
        let longest = tokens.access_token.max(tokens.id_token);
        seconds::within("keys.keep_seconds", self.keep, longest, seconds::days(730))
    }
}
