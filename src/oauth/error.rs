//! How a refusal at the token, introspection and revocation endpoints reads (RFC 6749 §5.2).

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::parameters::Malformed;
use crate::{http::NO_STORE, keys, store};

/// Why a request of a client is refused: one variant for each sentence that can be broken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("the body must be application/x-www-form-urlencoded, of at most 64 KiB")]
    Body,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("more than one way of client authentication is used")]
    SeveralCredentials,
    #[error("the client could not be authenticated")]
    Client {
        /// Whether it tried by an Authorization header: then the answer names the scheme.
        challenge: bool,
    },
    #[error("the client may not use this grant")]
    GrantNotAllowed,
    #[error("this grant type is not offered")]
    UnsupportedGrant,
    #[error("the authorization code is unknown, expired or used, or was issued to another client or redirect URI")]
    Code,
    #[error("the refresh token is unknown, expired, revoked or used, or was issued to another client")]
    RefreshToken,
    #[error("the user may no longer use this product")]
    NoAccess,
    #[error("the scope is malformed, or wider than what was granted")]
    Scope,
    #[error("the client holds no roles in its product")]
    NoRoles,
    #[error("the resource is not the one of the client's product")]
    Target,
    #[error("the token was issued to another client")]
    ForeignToken,
    #[error("the database failed")]
    Store(#[from] store::Error),
    #[error("the token could not be signed")]
    Keys(#[from] keys::Error),
}

impl Refusal {
    /// The `error` that the client sees.
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Body | Self::Missing(_) | Self::SeveralCredentials | Self::ForeignToken => {
                "invalid_request"
            }
            Self::Client { .. } => "invalid_client",
            Self::GrantNotAllowed | Self::NoRoles => "unauthorized_client",
            Self::UnsupportedGrant => "unsupported_grant_type",
            Self::Code | Self::RefreshToken | Self::NoAccess => "invalid_grant",
            Self::Scope => "invalid_scope",
            Self::Target => "invalid_target",
            Self::Store(_) | Self::Keys(_) => "server_error",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Client { .. } => StatusCode::UNAUTHORIZED,
            Self::Store(_) | Self::Keys(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// RFC 6749 §5.1 asks for it beside `Cache-Control: no-store`, for caches of that time.
const PRAGMA: (HeaderName, HeaderValue) = (header::PRAGMA, HeaderValue::from_static("no-cache"));

/// An answer of these endpoints: JSON that nobody keeps.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, [content_type, NO_STORE, PRAGMA], body).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let description = match &self {
            Self::Store(cause) => {
                tracing::error!(%cause, "a token request failed");
                "something broke on our side".to_owned()
            }
            Self::Keys(cause) => {
                tracing::error!(%cause, "a token request failed");
                "something broke on our side".to_owned()
            }
            known => known.to_string(),
        };
        let body = serde_json::json!({ "error": self.code(), "error_description": description });
        let mut response = json(self.status(), body.to_string());
        // RFC 6749 §5.2: only who came with the header is answered with its scheme.
        if matches!(self, Self::Client { challenge: true }) {
            let value = HeaderValue::from_static("Basic realm=\"castellan\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}
