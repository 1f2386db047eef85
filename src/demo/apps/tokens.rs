//! Verifies what the provider signed, beyond ID tokens: access tokens (RFC 9068 §4) and logout tokens
//! (OpenID Connect Back-Channel Logout 1.0 §2.6).

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::{ProductApp, provider::Discovered};

const ALGORITHMS: &[Algorithm] = &[Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256];

/// Verifies a token of type `typ` for `audience` and answers its claims.
pub async fn verify(app: &ProductApp, token: &str, typ: &str, audience: &str) -> anyhow::Result<Value> {
    let known = app.provider.discover(false).await?;
    let header = decode_header(token)?;
    let kid = header.kid.as_deref().ok_or_else(|| anyhow::anyhow!("the token names no key"))?;
    // A key that is not known may have been published since: ask once more.
    let discovered = if known.keys.find(kid).is_some() { known } else { app.provider.discover(true).await? };
    let given = header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    anyhow::ensure!(given.trim_start_matches("application/") == typ, "the token is of type {given:?}, not {typ}");
    verify_with(&discovered, token, kid, &app.registration.issuer, audience)
}

fn verify_with(discovered: &Discovered, token: &str, kid: &str, issuer: &str, audience: &str) -> anyhow::Result<Value> {
    let key = discovered.keys.find(kid).ok_or_else(|| anyhow::anyhow!("no key {kid} is published"))?;
    let algorithm = decode_header(token)?.alg;
    anyhow::ensure!(ALGORITHMS.contains(&algorithm), "{algorithm:?} is not accepted here");
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.leeway = 5;
    Ok(decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation)?.claims)
}

/// The claims of a token that was verified already.
pub fn claims_of_verified(token: &str) -> anyhow::Result<Value> {
    Ok(jsonwebtoken::dangerous::insecure_decode::<Value>(token)?.claims)
}
