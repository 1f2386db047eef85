//! Client authentication, once for each request (RFC 6749 §2.3, RFC 7523 §2.2, OIDC Core §9).
//!
//! A client proves itself by the one method it is registered with, in one way at a time: a secret in
//! the header and another in the body is no request to choose from.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{error::Refusal, form::Received, parameters::Parameters};
use crate::{
    app::App,
    audit::{By, Event, SubjectKind},
    clients::{AuthMethod, Client, Status},
    clock::Timestamp,
    keys::foreign,
    secret::{Secret, SecretHash},
    store, tokens,
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion is for now: one that lives longer is refused, so that its replay row may go.
const LONGEST_ASSERTION_SECONDS: i64 = 3600;

/// What a request brought to prove its client.
#[derive(Debug)]
enum Credentials {
    Basic { client_id: String, secret: Secret },
    Post { client_id: String, secret: Secret },
    Assertion { client_id: String, jwt: String },
    None { client_id: String },
}

/// Who sends this request.
///
/// # Errors
/// `invalid_client` for whoever is not proven, without saying what was wrong; the audit log tells whom they
/// claimed to be.
pub(super) async fn authenticate(app: &App, received: &Received, now: Timestamp) -> Result<Arc<Client>, Refusal> {
    let credentials = Credentials::read(&received.headers, &received.parameters)?;
    let client = app.clients.find(&app.store, credentials.client_id(), now).await?;
    if let Some(client) = &client
        && is_proven(app, client, &credentials, now).await?
    {
        return Ok(Arc::clone(client));
    }
    note_refused(app, client.as_deref(), received.by(By::nobody()), now).await?;
    Err(Refusal::Client { challenge: matches!(credentials, Credentials::Basic { .. }) })
}

async fn is_proven(app: &App, client: &Client, credentials: &Credentials, now: Timestamp) -> Result<bool, Refusal> {
    if client.status != Status::Active || client.auth_method != credentials.method() {
        return Ok(false);
    }
    match credentials {
        Credentials::None { .. } => Ok(true),
        Credentials::Basic { secret, .. } | Credentials::Post { secret, .. } => {
            Ok(client.knows_secret(secret.expose(), now))
        }
        Credentials::Assertion { jwt, .. } => verify_assertion(app, client, jwt, now).await,
    }
}

/// Beside the request, and as one with what is alike: whoever floods writes few lines.
async fn note_refused(app: &App, claimed: Option<&Client>, by: By, now: Timestamp) -> Result<(), Refusal> {
    let Some(provider) = app.provider().await? else { return Ok(()) };
    let event = Event::new(provider, "client.refused", by).refused();
    let event = match claimed {
        Some(client) => event.on(SubjectKind::Client, client.id.0),
        None => event.with(serde_json::json!({ "unknown": true })),
    };
    app.recorder.note(event, now);
    Ok(())
}

impl Credentials {
    fn read(headers: &HeaderMap, parameters: &Parameters) -> Result<Self, Refusal> {
        let in_header = read_header(headers)?;
        let client_id = parameters.get("client_id").map(str::to_owned);
        let secret = parameters.get("client_secret").map(Secret::from_text);
        let assertion = parameters.get("client_assertion");
        // RFC 6749 §2.3: not more than one method in each request.
        let ways = [in_header.is_some(), secret.is_some(), assertion.is_some()];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err(Refusal::SeveralCredentials);
        }
        if let Some((name, secret)) = in_header {
            return match client_id {
                Some(other) if other != name => Err(Refusal::SeveralCredentials),
                _ => Ok(Self::Basic { client_id: name, secret }),
            };
        }
        if let Some(jwt) = assertion {
            if parameters.get("client_assertion_type") != Some(JWT_BEARER) {
                return Err(Refusal::Client { challenge: false });
            }
            let subject = subject_of(jwt).ok_or(Refusal::Client { challenge: false })?;
            return match client_id {
                Some(other) if other != subject => Err(Refusal::Client { challenge: false }),
                _ => Ok(Self::Assertion { client_id: subject, jwt: jwt.to_owned() }),
            };
        }
        let client_id = client_id.ok_or(Refusal::Client { challenge: false })?;
        Ok(match secret {
            Some(secret) => Self::Post { client_id, secret },
            None => Self::None { client_id },
        })
    }

    fn client_id(&self) -> &str {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::None { client_id } => client_id,
        }
    }

    fn method(&self) -> AuthMethod {
        match self {
            Self::Basic { .. } => AuthMethod::ClientSecretBasic,
            Self::Post { .. } => AuthMethod::ClientSecretPost,
            Self::Assertion { .. } => AuthMethod::PrivateKeyJwt,
            Self::None { .. } => AuthMethod::None,
        }
    }
}

/// Name and secret of `Authorization: Basic`, which are form-encoded inside (RFC 6749 §2.3.1).
fn read_header(headers: &HeaderMap) -> Result<Option<(String, Secret)>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::SeveralCredentials);
    }
    let refused = Refusal::Client { challenge: true };
    let Some((name, secret)) = value.to_str().ok().and_then(decode_basic) else { return Err(refused) };
    Ok(Some((name, Secret::from_text(secret))))
}

fn decode_basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim_start_matches(' ')).ok()?).ok()?;
    let (name, secret) = decoded.split_once(':')?;
    Some((form_decode(name)?, form_decode(secret)?))
}

fn form_decode(text: &str) -> Option<String> {
    if !text.contains(['%', '+']) {
        return Some(text.to_owned());
    }
    // As the value of one parameter: an '&' or '=' in a secret that nobody encoded stays what it is.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    let pair = format!("v={escaped}");
    let mut decoded = form_urlencoded::parse(pair.as_bytes());
    decoded.next().map(|(_, value)| value.into_owned())
}

/// Whom an assertion claims to be of: only to find the keys that must have signed it.
fn subject_of(jwt: &str) -> Option<String> {
    let payload = jwt.split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}

/// RFC 7523 §3: signed by the client's key, of it and about it, for us, for now, and once.
async fn verify_assertion(app: &App, client: &Client, jwt: &str, now: Timestamp) -> Result<bool, Refusal> {
    let Some(jwks) = &client.settings.jwks else { return Ok(false) };
    let Ok(claims) = foreign::verify(jwt, jwks, now) else { return Ok(false) };
    let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str);
    if text("iss") != Some(&client.client_id) || text("sub") != Some(&client.client_id) || !is_for_us(app, &claims) {
        return Ok(false);
    }
    let (Some(id), Some(ends_at)) = (text("jti"), claims.get("exp").and_then(serde_json::Value::as_i64)) else {
        return Ok(false);
    };
    if ends_at > now.as_seconds() + LONGEST_ASSERTION_SECONDS {
        return Ok(false);
    }
    let hash = SecretHash::of(format!("{} {id}", client.id).as_bytes());
    let ends_at = Timestamp::from_seconds(ends_at);
    let unseen =
        app.store.write::<_, store::Error, _>(async move |tx| tokens::note_assertion(tx, &hash, ends_at).await).await?;
    Ok(unseen)
}

/// The audience is the issuer, or the endpoint that it is sent to; nobody else's may stand beside it.
fn is_for_us(app: &App, claims: &serde_json::Map<String, serde_json::Value>) -> bool {
    let ours = |audience: &str| {
        audience == app.config.issuer()
            || ["/token", "/introspect", "/revoke"].iter().any(|path| audience == app.config.url(path))
    };
    match claims.get("aud") {
        Some(serde_json::Value::String(audience)) => ours(audience),
        Some(serde_json::Value::Array(several)) => {
            !several.is_empty() && several.iter().all(|audience| audience.as_str().is_some_and(ours))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(authorization: &[&str], body: &str) -> Result<Credentials, Refusal> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a value"));
        }
        Credentials::read(&headers, &Parameters::parse(body.as_bytes()))
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn each_way_is_told_by_what_the_request_brings() {
        let read_one = |authorization: &str, body| match read(&[authorization], body).expect("credentials") {
            Credentials::Basic { client_id, secret } => (client_id, secret.expose().to_owned()),
            other => panic!("{other:?}"),
        };
        assert_eq!(read_one(&basic("app:s3cret"), ""), ("app".to_owned(), "s3cret".to_owned()));
        assert_eq!(read_one(&basic("a%3Ap+p:s%26+t"), ""), ("a:p p".to_owned(), "s& t".to_owned()));
        assert_eq!(read_one(&basic("app:a&b=%25"), "client_id=app"), ("app".to_owned(), "a&b=%".to_owned()));
        assert!(matches!(read(&[], "client_id=a&client_secret=b"), Ok(Credentials::Post { .. })));
        assert!(matches!(read(&[], "client_id=a"), Ok(Credentials::None { .. })));
    }

    /// Security row 109: loose parsing of the Authorization header.
    #[test]
    fn two_ways_or_a_loose_header_are_refused() {
        let header = basic("app:s3cret");
        let tab = header.replace(' ', "\t");
        for (authorization, body) in [
            (vec![header.as_str(), header.as_str()], ""),
            (vec![header.as_str()], "client_id=app&client_secret=s3cret"),
            (vec![header.as_str()], "client_id=other"),
            (vec!["Bearer abc"], ""),
            (vec![tab.as_str()], ""),
            (vec!["Basic !!!"], ""),
            (vec!["Basic"], ""),
            (vec!["Basic YXBw"], ""),
            (vec![""], "client_id=app"),
            (vec![], ""),
            (vec![], "client_id=a&client_assertion=x"),
            (vec![], "client_id=a&client_secret=b&client_assertion=x"),
        ] {
            assert!(read(&authorization, body).is_err(), "{authorization:?} {body}");
        }
    }
}
