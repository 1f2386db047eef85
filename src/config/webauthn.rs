use serde::Deserialize;
use url::Url;

use super::Invalid;

/// Passkeys and security keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebAuthn {
    /// The relying party id: the public URL's host or a parent domain of it. Fixed at the first start,
    /// since another one orphans every passkey.
    pub rp_id: Option<String>,
    /// What the authenticator shows.
    pub rp_name: String,
}

impl Default for WebAuthn {
    fn default() -> Self {
        Self { rp_id: None, rp_name: "Castellan".to_owned() }
    }
}

impl WebAuthn {
    /// WebAuthn §5.1.2: the id is a registrable suffix of the host, or equal to it.
    pub(super) fn judge(&self, public_url: &Url) -> Result<(), Invalid> {
        let Some(rp_id) = self.rp_id.as_deref() else { return Ok(()) };
        let host = public_url.domain().unwrap_or_default();
        let suffix = host == rp_id || (rp_id.contains('.') && host.ends_with(&format!(".{rp_id}")));
        if suffix && !rp_id.is_empty() {
            return Ok(());
        }
        let problem = format!("{rp_id:?} is not the public URL's host or a parent domain of it");
        Err(Invalid::new("webauthn.rp_id", problem, format!("Use \"{host}\", or leave it out")))
    }
}
