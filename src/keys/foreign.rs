//! JWTs that others signed: client assertions (RFC 7523), by jsonwebtoken.
//!
//! Only the signature and the form are judged here; issuer, subject, audience and single use are for
//! the caller. A key is taken from the JWKS that is registered, never from the token's header.

use jsonwebtoken::{
    DecodingKey, Header, Validation,
    jwk::{Jwk, JwkSet, PublicKeyUse},
};
use serde_json::{Map, Value};

use super::jws::{self, Invalid};
use crate::clock::Timestamp;

/// What clients may sign with: asymmetric and current, nothing else.
const ALLOWED: [jsonwebtoken::Algorithm; 4] = [
    jsonwebtoken::Algorithm::ES256,
    jsonwebtoken::Algorithm::EdDSA,
    jsonwebtoken::Algorithm::PS256,
    jsonwebtoken::Algorithm::RS256,
];

/// Their names, for `token_endpoint_auth_signing_alg_values_supported`.
pub const ALGORITHMS: [&str; 4] = ["ES256", "EdDSA", "PS256", "RS256"];

/// Longer assertions are refused unread.
const LONGEST: usize = 16 * 1024;

/// Verifies `token` with one of the registered keys and answers its claims. `exp` must be a whole
/// number that lies ahead; `nbf` and `iat`, if there, whole numbers not ahead by more than a minute.
///
/// # Errors
/// What is wrong with it.
pub fn verify(token: &str, jwks: &Value, now: Timestamp) -> Result<Map<String, Value>, Invalid> {
    if token.len() > LONGEST {
        return Err(Invalid::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Invalid::Malformed)?;
    if !ALLOWED.contains(&header.alg) {
        return Err(Invalid::Key);
    }
    if carries_a_key(&header) || header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
        return Err(Invalid::Malformed);
    }
    if header.typ.as_deref().is_some_and(|typ| !matches!(typ, "JWT" | "jwt" | "client-authentication+jwt")) {
        return Err(Invalid::Type);
    }
    let keys: JwkSet = serde_json::from_value(jwks.clone()).map_err(|_| Invalid::Key)?;
    let mut outcome = Err(Invalid::Key);
    for key in keys.keys.iter().filter(|key| fits(key, &header)) {
        outcome = verify_with(token, key, &header);
        if outcome.is_ok() {
            break;
        }
    }
    let claims = outcome?;
    jws::check_time(&claims, now)?;
    Ok(claims)
}

/// RFC 8725 §3.10: a key or the place of one in the header is not believed, and not ignored either.
fn carries_a_key(header: &Header) -> bool {
    header.jwk.is_some() || header.jku.is_some() || header.x5u.is_some() || header.x5c.is_some()
}

fn fits(key: &Jwk, header: &Header) -> bool {
    let by_name = match (&header.kid, &key.common.key_id) {
        (Some(wanted), Some(name)) => wanted == name,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let signs = key.common.public_key_use.as_ref().is_none_or(|for_what| *for_what == PublicKeyUse::Signature);
    by_name && signs
}

fn verify_with(token: &str, key: &Jwk, header: &Header) -> Result<Map<String, Value>, Invalid> {
    if key.common.key_algorithm.is_some_and(|algorithm| algorithm != header.alg.into()) {
        return Err(Invalid::Key);
    }
    let key = DecodingKey::from_jwk(key).map_err(|_| Invalid::Key)?;
    let mut validation = Validation::new(header.alg);
    // Time is judged by our clock, the audience by the caller.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let data = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).map_err(|_| Invalid::Signature)?;
    Ok(data.claims)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keys::{
        Algorithm,
        key::{Key, NewKey},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    struct Client {
        new: NewKey,
        jwks: Value,
    }

    impl Client {
        fn with(algorithm: Algorithm) -> Self {
            let new = NewKey::generate(algorithm).expect("a key");
            let jwks = json!({"keys": [new.public_jwk]});
            Self { new, jwks }
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
            let key = Key::parse(self.new.algorithm, &self.new.pkcs8).expect("a key");
            let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let input = format!("{}.{}", encode(header), encode(claims));
            let signature = URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).expect("a signature"));
            format!("{input}.{signature}")
        }
    }

    #[test]
    fn each_kind_of_key_is_verified() {
        for algorithm in Algorithm::ALL {
            let client = Client::with(algorithm);
            let header = json!({"alg": algorithm.as_str(), "kid": client.new.id});
            let token = client.sign(&header, &json!({"iss": "c", "exp": 1_800_000_060}));
            assert_eq!(verify(&token, &client.jwks, NOW).expect("good")["iss"], "c");
            let other = Client::with(algorithm);
            assert!(verify(&token, &other.jwks, NOW).is_err());
        }
    }

    /// Rows 105 and 106 of the security programme: confusion, and keys from headers.
    #[test]
    fn headers_choose_neither_algorithm_nor_key() {
        let client = Client::with(Algorithm::Es256);
        let claims = json!({"iss": "c", "exp": 1_800_000_060});
        let header = |extra: Value| {
            let mut header = json!({"alg": "ES256"});
            header.as_object_mut().expect("object").extend(extra.as_object().expect("object").clone());
            header
        };
        assert!(verify(&client.sign(&header(json!({})), &claims), &client.jwks, NOW).is_ok());
        for extra in [
            json!({"alg": "none"}),
            json!({"alg": "None"}),
            json!({"alg": "HS256"}),
            json!({"alg": "RS256"}),
            json!({"jwk": client.new.public_jwk}),
            json!({"jku": "http://127.0.0.1/keys"}),
            json!({"x5u": "http://127.0.0.1/keys"}),
            json!({"crit": ["b64"], "b64": false}),
            json!({"kid": "../../etc/passwd"}),
            json!({"typ": "at+jwt"}),
        ] {
            assert!(verify(&client.sign(&header(extra.clone()), &claims), &client.jwks, NOW).is_err(), "{extra}");
        }
    }

    /// Row 107: a wrongly typed time is not an absent one.
    #[test]
    fn times_are_whole_numbers() {
        let client = Client::with(Algorithm::EdDsa);
        for claims in [
            json!({}),
            json!([]),
            json!({"exp": "1800000060"}),
            json!({"exp": 1_800_000_060.5}),
            json!({"exp": null}),
            json!({"exp": -1}),
            json!({"exp": 1_800_000_000}),
            json!({"exp": 1e99}),
            json!({"exp": 1_800_000_060, "nbf": "0"}),
            json!({"exp": 1_800_000_060, "nbf": 1_800_000_061}),
            json!({"exp": 1_800_000_060, "iat": 1_800_000_100}),
        ] {
            assert!(verify(&client.sign(&json!({"alg": "EdDSA"}), &claims), &client.jwks, NOW).is_err(), "{claims}");
        }
    }
}
