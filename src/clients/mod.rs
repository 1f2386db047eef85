//! OAuth clients (RFC 6749 §2): product apps, the portal, machines acting for themselves.
//!
//! Owns what a client is registered with and the matching of its redirect URIs. How a client proves
//! itself at the token endpoint is [`crate::oauth`]'s; what its users hold is [`crate::access`]'s.
//!
//! Invariants: a client belongs to one product, and its tokens to that product's audience. A
//! `redirect_uri` matches as a string of bytes, save for the port of a loopback IP (RFC 8252 §7.3).
//! Only hashes of secrets are kept. A URI that a browser could be led astray by is refused at
//! registration, since nothing later looks at it again.

mod cache;
mod registration;
mod settings;
mod sql;
mod uri;

use crate::{
    clock::Timestamp,
    id::{ClientRowId, ProductId},
    secret::SecretHash,
};

pub use cache::Cache;
pub use registration::{InvalidRegistration, NewClient, declare, insert, insert_with_id};
pub use settings::{AccessTokenFormat, Settings};
pub use sql::{STATEMENTS, find, find_by_client_id, list, set_settings, set_status};

text_enum! {
    /// How a client proves itself (OIDC Core §9).
    pub enum AuthMethod {
        /// HTTP Basic with its secret.
        ClientSecretBasic = "client_secret_basic",
        /// Its secret in the body.
        ClientSecretPost = "client_secret_post",
        /// An assertion signed by its own key (RFC 7523).
        PrivateKeyJwt = "private_key_jwt",
        /// Not at all: a public client.
        None = "none",
    }
}

text_enum! {
    /// What a client may ask the token endpoint for (RFC 6749 §1.3).
    pub enum GrantType {
        AuthorizationCode = "authorization_code",
        RefreshToken = "refresh_token",
        ClientCredentials = "client_credentials",
    }
}

text_enum! {
    /// Whether it may do anything.
    pub enum Status {
        Active = "active",
        Disabled = "disabled",
    }
}

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    pub id: ClientRowId,
    /// The identifier it sends.
    pub client_id: String,
    pub product_id: ProductId,
    pub name: String,
    pub auth_method: AuthMethod,
    /// None for public clients and those with keys.
    pub secret_hash: Option<SecretHash>,
    /// The secret before the last change, and until when it still works.
    pub previous_secret: Option<(SecretHash, Timestamp)>,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub grant_types: Vec<GrantType>,
    /// The scopes it may ask for; others are dropped.
    pub scopes: Vec<String>,
    pub settings: Settings,
    pub status: Status,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Client {
    /// Whether it holds nothing that proves it.
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether it may use that grant.
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether the redirect URI of a request is one of its own (RFC 9700 §4.1.3: compared as strings).
    pub fn has_redirect_uri(&self, given: &str) -> bool {
        self.redirect_uris.iter().any(|registered| uri::matches(registered, given))
    }

    /// Whether `given` may follow a logout (OIDC RP-Initiated Logout §3.1).
    pub fn has_post_logout_redirect_uri(&self, given: &str) -> bool {
        self.post_logout_redirect_uris.iter().any(|registered| uri::matches(registered, given))
    }

    /// Whether the secret is the client's, or the one before while that still works.
    pub fn knows_secret(&self, secret: &str, now: Timestamp) -> bool {
        let secret = secret.as_bytes();
        self.secret_hash.as_ref().is_some_and(|hash| hash.matches(secret))
            || self.previous_secret.as_ref().is_some_and(|(hash, ends_at)| now < *ends_at && hash.matches(secret))
    }

    /// The origins of its redirect URIs: those that its scripts may call the token endpoint from.
    pub fn has_origin(&self, origin: &str) -> bool {
        self.redirect_uris.iter().any(|registered| uri::is_of_origin(registered, origin))
    }
}
