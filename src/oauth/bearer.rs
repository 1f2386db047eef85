//! Resources of this server that an access token opens (RFC 6750): UserInfo, and whatever comes to take
//! tokens of our own.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{engine, engine::Verdict, error};
use crate::{
    app::App,
    clock::Timestamp,
    store,
    tokens::{self, AccessToken, Scope},
};

/// Why a request is not let in (RFC 6750 §3.1).
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no bearer token was sent")]
    NoToken,
    #[error("more than one bearer token was sent, or none that can be read")]
    Malformed,
    #[error("the token is unknown, has expired or was revoked")]
    Invalid,
    #[error("the token's scope does not reach so far")]
    Scope(Scope),
    #[error("the database failed")]
    Store(#[from] store::Error),
}

/// The access token that a request brought, if it counts and has the scope. `in_body` is the form
/// parameter `access_token`, where the resource takes one (§2.2); both at once are refused (§2).
///
/// # Errors
/// Why it opens nothing.
pub async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    in_body: Option<&str>,
    scope: &Scope,
    now: Timestamp,
) -> Result<AccessToken, Refused> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let in_header = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(value.to_str().map_err(|_| Refused::Malformed)?.to_owned()),
        (Some(_), Some(_)) => return Err(Refused::Malformed),
    };
    let authorization = match (in_header, in_body) {
        (Some(_), Some(_)) => return Err(Refused::Malformed),
        (Some(value), None) => value,
        (None, Some(token)) => format!("Bearer {token}"),
        (None, None) => return Err(Refused::NoToken),
    };
    let token = authorization.split_once(' ').map_or("", |(_, token)| token);
    let found = tokens::authenticate(&mut app.store.reader().await?, &app.keys, token, now).await?;
    match (engine::open(&authorization, found.as_ref(), scope), found) {
        (Ok(()), Some(found)) => Ok(found),
        (Err(Verdict::InvalidScope), _) => Err(Refused::Scope(scope.clone())),
        (Err(Verdict::InvalidRequest), _) => Err(Refused::Malformed),
        _ => Err(Refused::Invalid),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, None),
            Self::Malformed => (StatusCode::BAD_REQUEST, Some("invalid_request")),
            Self::Invalid => (StatusCode::UNAUTHORIZED, Some("invalid_token")),
            Self::Scope(_) => (StatusCode::FORBIDDEN, Some("insufficient_scope")),
            Self::Store(cause) => {
                tracing::error!(%cause, "a bearer token could not be looked up");
                (StatusCode::INTERNAL_SERVER_ERROR, Some("server_error"))
            }
        };
        // §3.1: a request without a token is told the scheme and nothing else.
        let Some(code) = code else {
            let challenge = HeaderValue::from_static("Bearer realm=\"castellan\"");
            return (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
        };
        let body = serde_json::json!({ "error": code, "error_description": self.to_string() });
        let mut challenge = format!("Bearer realm=\"castellan\", error=\"{code}\", error_description=\"{self}\"");
        if let Self::Scope(scope) = &self {
            challenge.push_str(&format!(", scope=\"{scope}\""));
        }
        let mut response = error::json(status, body.to_string());
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}
