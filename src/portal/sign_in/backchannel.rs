use axum::{
    Json,
    extract::{Form, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKey,
    core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{OnBehalf, provider::payload};
use crate::{
    clock::Timestamp,
    http::{ClientAddress, NO_STORE, UserAgent},
    portal::Portal,
};

/// The event that makes a token a logout token (Back-Channel Logout 1.0 §2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How far clocks may differ, and how old a token may be.
const LEEWAY_SECONDS: i64 = 300;

#[derive(Deserialize)]
pub struct Message {
    logout_token: String,
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: String,
    typ: Option<String>,
}

/// `POST /portal/backchannel-logout`: the server says that a session, or all of a person's, have ended.
pub async fn backchannel_logout(
    State(portal): State<Portal>,
    address: ClientAddress,
    agent: UserAgent,
    message: Result<Form<Message>, axum::extract::rejection::FormRejection>,
) -> Response {
    let behalf = OnBehalf { address, agent };
    let Ok(Form(message)) = message else { return refused("logout_token is missing") };
    let now = portal.clock.now();
    let claims = match verified(&portal, &behalf, &message.logout_token, now).await {
        Ok(claims) => claims,
        Err(reason) => return refused(reason),
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    match portal.rows.delete_named(text("sub"), text("sid")).await {
        Ok(_) => (StatusCode::OK, [NO_STORE]).into_response(),
        Err(error) => {
            tracing::error!(%error, "sessions of the portal could not be ended");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn refused(reason: &'static str) -> Response {
    let body = Json(json!({ "error": "invalid_request", "error_description": reason }));
    (StatusCode::BAD_REQUEST, [NO_STORE], body).into_response()
}

/// The claims of a logout token that holds (Back-Channel Logout 1.0 §2.6).
async fn verified(
    portal: &Portal,
    behalf: &OnBehalf,
    token: &str,
    now: Timestamp,
) -> Result<Map<String, Value>, &'static str> {
    let keys = portal.provider.keys(portal, behalf, now).await.map_err(|_| "the keys cannot be had")?;
    if !is_signed_by(&keys, token)? {
        // The key may be newer than what we know: look again, once.
        portal.provider.forget();
        let keys = portal.provider.keys(portal, behalf, now).await.map_err(|_| "the keys cannot be had")?;
        if !is_signed_by(&keys, token)? {
            return Err("the signature does not hold");
        }
    }
    let claims = payload(token).ok_or("it is no JWT")?;
    judge(&claims, (&portal.issuer, portal.registration.client_id), now)?;
    Ok(claims)
}

fn is_signed_by(keys: &CoreJsonWebKeySet, token: &str) -> Result<bool, &'static str> {
    let (signed, signature) = token.rsplit_once('.').ok_or("it is no JWT")?;
    let (header, _) = signed.split_once('.').ok_or("it is no JWT")?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "it is no JWT");
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| "its header lacks alg or kid")?;
    // An access or ID token is no logout token, whoever signed it (security.md row 16).
    if header.typ.as_deref() != Some("logout+jwt") {
        return Err("its typ is not logout+jwt");
    }
    let asymmetric = [
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ];
    if !asymmetric.contains(&header.alg) {
        return Err("its algorithm is not accepted");
    }
    let signature = decode(signature)?;
    let mut named = keys.keys().iter().filter(|key| key.key_id().is_some_and(|id| id.as_str() == header.kid));
    Ok(named.any(|key| key.verify_signature(&header.alg, signed.as_bytes(), &signature).is_ok()))
}

fn judge(claims: &Map<String, Value>, (issuer, client_id): (&str, &str), now: Timestamp) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    if text("iss") != Some(issuer) {
        return Err("iss is not our server");
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(one)) => one == client_id,
        Some(Value::Array(several)) => several.iter().any(|one| one == client_id),
        _ => false,
    };
    if !for_us {
        return Err("aud is not the portal");
    }
    let now = now.as_seconds();
    if seconds("iat").is_none_or(|iat| iat > now + LEEWAY_SECONDS) {
        return Err("iat is missing or lies ahead");
    }
    if seconds("exp").is_none_or(|exp| exp + LEEWAY_SECONDS < now) {
        return Err("it has expired");
    }
    if text("jti").is_none() || claims.contains_key("nonce") {
        return Err("jti is missing, or there is a nonce");
    }
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err("events names no logout");
    }
    if text("sub").is_none() && text("sid").is_none() {
        return Err("it names neither sub nor sid");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn verdict(change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), &'static str> {
        let claims = json!({
            "iss": "https://id.example", "aud": "castellan-portal", "iat": 999_990, "exp": 1_000_110,
            "jti": "x", "sub": "u", "events": { EVENT: {} },
        });
        let Value::Object(mut claims) = claims else { unreachable!() };
        change(&mut claims);
        judge(&claims, ("https://id.example", "castellan-portal"), NOW)
    }

    #[test]
    fn a_logout_token_says_what_the_standard_asks_for() {
        assert_eq!(verdict(|_| {}), Ok(()));
        for missing in ["iss", "aud", "iat", "exp", "jti", "sub", "events"] {
            assert!(verdict(|claims| drop(claims.remove(missing))).is_err(), "without {missing}");
        }
        assert!(verdict(|claims| drop(claims.insert("nonce".into(), json!("n")))).is_err());
        assert!(verdict(|claims| drop(claims.insert("aud".into(), json!("another")))).is_err());
        assert!(verdict(|claims| drop(claims.insert("iss".into(), json!("https://evil.example")))).is_err());
        assert!(verdict(|claims| drop(claims.insert("exp".into(), json!(999_000)))).is_err());
        assert!(verdict(|claims| drop(claims.insert("events".into(), json!({ "other": {} })))).is_err());
    }
}
