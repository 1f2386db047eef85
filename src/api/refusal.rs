use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store;

/// Why the API refuses: one variant for each sentence that can be broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("The request carries no token that opens this API. Send a bearer token of the portal or an API token.")]
    Unauthenticated,
    #[error(
        "This token was not granted the scope api. Ask for it at /authorize; the client must be registered for it."
    )]
    Scope,
    #[error("The sign-in behind this token is too old for this. Sign in again with a second factor, then repeat it.")]
    StaleSignIn,
    #[error("This needs the permission {0}, which you do not hold for this organization.")]
    MissingPermission(&'static str),
    #[error("This person holds rights that you do not hold yourself. Ask an administrator who does.")]
    AboveYou,
    #[error(
        "An API token makes no further ones. Sign in to make this token, in the portal or with a token of a person."
    )]
    ForPeople,
    #[error("You cannot do this to your own account here. Ask another administrator.")]
    Yourself,
    // The same words for what is not there and for what is another's: nobody learns which (row 84).
    #[error("There is nothing here that you may see. Check the identifier.")]
    NotFound,
    #[error("The request could not be read: {0}.")]
    Malformed(String),
    #[error("Some fields need correction.")]
    Invalid(Vec<Invalid>),
    #[error("Some of these roles are not yours to give.")]
    NotYoursToGive(Vec<Invalid>),
    #[error("This is the last administrator of the organization. Make somebody else an administrator first.")]
    LastAdministrator,
    #[error("{0}")]
    WrongState(&'static str),
    #[error("The account is managed by the connection {0}. Change it in that tool.")]
    OwnedByConnection(String),
    #[error("These roles come from the connection {0}. Change them in that tool, or in the rules of the connection.")]
    GivenByConnection(String),
    #[error("Two of this connection's tokens, or OAuth clients, are live. End one of them first.")]
    TwoTokens,
    #[error("Somebody changed this at the same moment. Read it again and repeat the change.")]
    ChangedMeanwhile,
    #[error("The server could not do this. It has been logged.")]
    Server,
}

/// One field to correct.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invalid {
    /// Where it stands in the body, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// A stable word for programs.
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

impl Invalid {
    /// A field, a stable word, and a sentence.
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() }
    }
}

/// A problem as RFC 9457 writes it (`application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:castellan:problem:` and a stable word.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What happened, why, and what to do.
    pub detail: String,
    /// The fields to correct, for `invalid-fields` and `not-yours-to-give`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Invalid>,
}

impl Refusal {
    /// The status, the stable word and the title.
    const fn wire(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Not signed in"),
            Self::Scope => (StatusCode::FORBIDDEN, "insufficient-scope", "Scope missing"),
            Self::StaleSignIn => (StatusCode::UNAUTHORIZED, "sign-in-too-old", "Fresh sign-in needed"),
            Self::MissingPermission(_) => (StatusCode::FORBIDDEN, "missing-permission", "Permission missing"),
            Self::AboveYou => (StatusCode::FORBIDDEN, "above-you", "Rights that you lack"),
            Self::ForPeople => (StatusCode::FORBIDDEN, "for-people", "For people only"),
            Self::Yourself => (StatusCode::FORBIDDEN, "yourself", "Your own account"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed-request", "Malformed request"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-fields", "Fields to correct"),
            Self::NotYoursToGive(_) => (StatusCode::FORBIDDEN, "not-yours-to-give", "Rights that you lack"),
            Self::LastAdministrator => (StatusCode::CONFLICT, "last-administrator", "Last administrator"),
            Self::WrongState(_) => (StatusCode::CONFLICT, "wrong-state", "Not possible in this state"),
            Self::OwnedByConnection(_) | Self::GivenByConnection(_) => {
                (StatusCode::CONFLICT, "owned-by-connection", "Managed by a connection")
            }
            Self::TwoTokens => (StatusCode::CONFLICT, "two-live-tokens", "Two live tokens"),
            Self::ChangedMeanwhile => (StatusCode::CONFLICT, "changed-meanwhile", "Changed meanwhile"),
            Self::Server => (StatusCode::INTERNAL_SERVER_ERROR, "server-error", "Server error"),
        }
    }

    /// Whether somebody tried what they may not: such attempts are audited.
    pub const fn is_denial(&self) -> bool {
        matches!(
            self,
            Self::MissingPermission(_)
                | Self::AboveYou
                | Self::ForPeople
                | Self::Yourself
                | Self::NotYoursToGive(_)
                | Self::LastAdministrator
        )
    }

    /// The stable word, for the audit log.
    pub const fn code(&self) -> &'static str {
        self.wire().1
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        tracing::error!(error = %error, "an API request failed");
        Self::Server
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, word, title) = self.wire();
        let detail = self.to_string();
        let challenge = match self {
            // RFC 6750 §3; RFC 9470 §3 tells the client which sign-in would do.
            Self::Unauthenticated => Some(r#"Bearer realm="castellan", error="invalid_token""#),
            Self::Scope => Some(r#"Bearer realm="castellan", error="insufficient_scope", scope="api""#),
            Self::StaleSignIn => {
                Some(r#"Bearer realm="castellan", error="insufficient_user_authentication", max_age="900""#)
            }
            _ => None,
        };
        let errors = match self {
            Self::Invalid(errors) | Self::NotYoursToGive(errors) => errors,
            _ => Vec::new(),
        };
        let kind = format!("urn:castellan:problem:{word}");
        let problem = Problem { kind, title: title.to_owned(), status: status.as_u16(), detail, errors };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
