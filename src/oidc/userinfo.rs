//! UserInfo (OpenID Connect Core §5.3): what the granted scope lets a relying party know of a person.
//! Any access token of our own with `openid` opens it, whichever product it is for.

use std::sync::Arc;

use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::claims::Due;
use crate::{
    access::{self, Subject},
    app::App,
    clients::Client,
    clock::Timestamp,
    http::NO_STORE,
    oauth::bearer,
    store, tokens, users,
};

/// A body holds one token and nothing else.
const LARGEST: usize = 32 * 1024;

/// How a request is refused (RFC 6750 §3.1).
enum Refusal {
    /// No token at all: the challenge tells no reason.
    NoToken,
    /// More than one way of sending it, or a body that is no form.
    Malformed,
    /// Unknown, expired, revoked, or its holder is gone.
    InvalidToken,
    /// No `openid` in it, or no person behind it.
    Scope,
    Broken(store::Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<bearer::Refusal> for Refusal {
    fn from(refusal: bearer::Refusal) -> Self {
        match refusal {
            bearer::Refusal::Invalid => Self::InvalidToken,
            bearer::Refusal::Scope => Self::Scope,
        }
    }
}

/// `GET /userinfo`, `POST /userinfo`.
pub async fn show(State(app): State<App>, request: Request) -> Response {
    let now = app.clock.now();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let outcome = match token_of(request).await {
        Ok(token) => answer(&app, &token, now).await,
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok((client, claims)) => {
            let mut response = ([NO_STORE], axum::Json(claims)).into_response();
            allow(&mut response, origin, |origin| client.has_origin(origin));
            response
        }
        Err(refusal) => {
            let mut response = refusal.into_response();
            // A refusal tells nothing of anybody: scripts of any page may read why.
            allow(&mut response, origin, |_| true);
            response
        }
    }
}

async fn answer(app: &App, token: &str, now: Timestamp) -> Result<(Arc<Client>, Map<String, Value>), Refusal> {
    let found = tokens::authenticate(&mut app.store.reader().await?, &app.keys, token, now).await?;
    let token = bearer::open(token, found.as_ref(), "openid")?;
    let person = token.user_id.ok_or(Refusal::Scope)?;
    let client_id = token.claims.get("client_id").and_then(Value::as_str).unwrap_or_default();
    let client = app.clients.find(&app.store, client_id, now).await?.ok_or(Refusal::InvalidToken)?;
    let product = app.products.find(&app.store, client.product_id, now).await?.ok_or(Refusal::InvalidToken)?;
    let asked = token.details.as_ref().map(|details| &details.claims.userinfo);
    let due = Due::new(Some(&token.scope), asked.unwrap_or(&Map::new()), &client);
    // No connection is held while the caches may ask for one.
    let mut db = app.store.reader().await?;
    let user = users::find(&mut db, person).await?.ok_or(Refusal::InvalidToken)?;
    let mut claims = due.of_person(&user);
    if due.wants_product()
        && let Some(entitlement) = access::entitlement(&mut db, Subject::User(person), product.id, now).await?
    {
        claims.extend(due.of_product(&product, &entitlement));
    }
    Ok((client, claims))
}

/// The token, from the header or the form (RFC 6750 §2.1, §2.2): one of them, once. Never from the URL.
async fn token_of(request: Request) -> Result<String, Refusal> {
    let (parts, body) = request.into_parts();
    let from_header = from_header(&parts.headers)?;
    let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.trim_start().starts_with("application/x-www-form-urlencoded"))
    });
    let mut from_body = None;
    if parts.method == Method::POST && is_form {
        let bytes = to_bytes(body, LARGEST).await.map_err(|_| Refusal::Malformed)?;
        let mut given = form_urlencoded::parse(&bytes).filter(|(name, _)| name == "access_token");
        from_body = given.next().map(|(_, token)| token.into_owned());
        if given.next().is_some() {
            return Err(Refusal::Malformed);
        }
    }
    match (from_header, from_body) {
        (Some(_), Some(_)) => Err(Refusal::Malformed),
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (None, None) => Err(Refusal::NoToken),
    }
}

fn from_header(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let value = value.to_str().map_err(|_| Refusal::Malformed)?;
    let Some((scheme, token)) = value.split_once(' ') else { return Err(Refusal::Malformed) };
    // Another scheme is no bearer token; RFC 6750 §3.1 then tells no reason either.
    Ok(scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim_start_matches(' ').to_owned()))
}

/// architecture.md, CORS: the client's own origins, never with cookies.
fn allow(response: &mut Response, origin: Option<HeaderValue>, is_allowed: impl Fn(&str) -> bool) {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin
        && origin.to_str().is_ok_and(is_allowed)
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate"));
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, challenge) = match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, None, "Bearer"),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                Some("invalid_request"),
                r#"Bearer error="invalid_request", error_description="send one access token, in one way""#,
            ),
            Self::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                Some("invalid_token"),
                r#"Bearer error="invalid_token", error_description="the access token is unknown, expired or revoked""#,
            ),
            Self::Scope => (
                StatusCode::FORBIDDEN,
                Some("insufficient_scope"),
                r#"Bearer error="insufficient_scope", scope="openid""#,
            ),
            Self::Broken(error) => {
                tracing::error!(%error, "UserInfo could not be answered");
                return (StatusCode::INTERNAL_SERVER_ERROR, [NO_STORE]).into_response();
            }
        };
        let headers = [(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)), NO_STORE];
        match error {
            Some(error) => (status, headers, axum::Json(json!({ "error": error }))).into_response(),
            None => (status, headers).into_response(),
        }
    }
}
