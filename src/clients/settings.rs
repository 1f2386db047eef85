use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::keys::Algorithm;

text_enum! {
    /// What a resource server gets to see.
    pub enum AccessTokenFormat {
        /// A signed token that names its claims (RFC 9068).
        Jwt = "jwt",
        /// A reference that only introspection resolves.
        Opaque = "opaque",
    }
}

/// What an administrator can set for a client, apart from what has a column. All of it has defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Off only where an administrator switched it off (RFC 9700 §2.1.1).
    pub require_pkce: bool,
    pub access_token_format: AccessTokenFormat,
    pub access_token_alg: Algorithm,
    pub id_token_alg: Algorithm,
    /// The vendor's own: no consent is asked.
    pub first_party: bool,
    /// Its refresh tokens are good while the browser session is in which they were given, and using them keeps
    /// that alive: for an app that is only ever used by somebody present. Others have times of their own.
    pub ends_with_session: bool,
    /// Times of its own; `None`: the server's (`config::Tokens`).
    pub access_token_seconds: Option<i64>,
    /// A refresh token unused for so long is dead.
    pub refresh_idle_seconds: Option<i64>,
    /// So long after sign-in the family is dead.
    pub refresh_absolute_seconds: Option<i64>,
    pub backchannel_logout_uri: Option<String>,
    /// Whether its logout tokens need a `sid` (OIDC Back-Channel Logout §2.2).
    pub backchannel_logout_session_required: bool,
    pub logo_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
    pub client_uri: Option<String>,
    pub initiate_login_uri: Option<String>,
    /// Its public keys (RFC 7517 §5), for private_key_jwt.
    pub jwks: Option<Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            require_pkce: true,
            access_token_format: AccessTokenFormat::Jwt,
            access_token_alg: Algorithm::Es256,
            // OIDC Core §2: what a client gets that registered nothing else.
            id_token_alg: Algorithm::Rs256,
            first_party: false,
            ends_with_session: false,
            access_token_seconds: None,
            refresh_idle_seconds: None,
            refresh_absolute_seconds: None,
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            client_uri: None,
            initiate_login_uri: None,
            jwks: None,
        }
    }
}
