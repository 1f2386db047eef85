//! The ID token (OpenID Connect Core §2): who signed in, when and how. It is lean: what is known of a
//! person is at UserInfo, unless the `claims` parameter asks for it here.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Map, Value, json};

use super::claims::Due;
use crate::{
    access::Entitlement,
    app::App,
    clients::Client,
    clock::Timestamp,
    keys::{self, Algorithm},
    products::Product,
    store,
    tokens::{Grant, Scope},
    users,
};

/// The `typ` of ID tokens: never taken for an access or a logout token.
pub const JWT_TYPE: &str = "JWT";

/// What an ID token is made from.
pub struct IdToken<'a> {
    pub client: &'a Client,
    pub product: &'a Product,
    pub entitlement: &'a Entitlement,
    pub grant: &'a Grant,
    /// What this answer covers; at a refresh perhaps less than the grant.
    pub scope: &'a Scope,
    /// Of the authorization request; absent at a refresh (Core §12.2).
    pub nonce: Option<&'a str>,
    /// The one issued with it.
    pub access_token: &'a str,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Keys(#[from] keys::Error),
}

impl IdToken<'_> {
    /// Makes and signs it, as the client has registered. Waits for the RS256 key if that is not made yet.
    ///
    /// # Errors
    /// The database's, or the signature failed.
    pub async fn sign(&self, app: &App, now: Timestamp) -> Result<String, Error> {
        let algorithm = self.client.settings.id_token_alg;
        app.keys.ready(algorithm, now).await?;
        let mut claims = self.protocol_claims(app, algorithm, now);
        // Those that are asked for cannot stand in place of the protocol's own.
        for (name, value) in self.asked(app).await? {
            claims.entry(name).or_insert(value);
        }
        Ok(app.keys.sign(algorithm, JWT_TYPE, &claims, now)?)
    }

    fn protocol_claims(&self, app: &App, algorithm: Algorithm, now: Timestamp) -> Map<String, Value> {
        let (grant, details) = (self.grant, &self.grant.details);
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", json!(app.config.issuer()));
        put("sub", json!(grant.user_id));
        put("aud", json!(self.client.client_id));
        put("azp", json!(self.client.client_id));
        put("exp", json!((now + app.config.tokens.id_token).as_seconds()));
        put("iat", json!(now.as_seconds()));
        put("auth_time", json!(details.auth_time.as_seconds()));
        put("acr", json!(details.acr));
        put("amr", json!(details.amr));
        if let Some(session) = grant.session_id {
            put("sid", json!(session));
        }
        if let Some(nonce) = self.nonce {
            put("nonce", json!(nonce));
        }
        put("at_hash", json!(half_hash(algorithm, self.access_token)));
        claims
    }

    /// What the `claims` parameter asks for, and what the scope `product` adds.
    async fn asked(&self, app: &App) -> Result<Map<String, Value>, Error> {
        let product = self.scope.filtered(|token| token == "product");
        let due = Due::new(Some(&product), &self.grant.details.claims.id_token, self.client);
        let mut claims = Map::new();
        if due.is_empty() {
            return Ok(claims);
        }
        if due.wants_product() {
            claims.extend(due.of_product(self.product, self.entitlement));
        }
        if let Some(user) = users::find(&mut app.store.reader().await?, self.grant.user_id).await? {
            claims.extend(due.of_person(&user));
        }
        Ok(claims)
    }
}

/// The left half of the hash that the signature uses (Core §3.1.3.6); for Ed25519 that is SHA-512.
fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let hash = match algorithm {
        Algorithm::Es256 | Algorithm::Rs256 => &digest::SHA256,
        Algorithm::EdDsa => &digest::SHA512,
    };
    let digest = digest::digest(hash, token.as_bytes());
    BASE64URL.encode(&digest.as_ref()[..digest.as_ref().len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Core §A.3, its own example.
    #[test]
    fn the_hash_is_that_of_the_specification() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash(Algorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
