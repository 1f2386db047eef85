use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::store;

/// An error as JSON (RFC 9457): `Problem::new(StatusCode::CONFLICT, "login-name-taken", "This login name is taken")`.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// `kind` becomes the `type`, `urn:castellan:problem:<kind>`: what programs compare. `title` is for people.
    pub fn new(status: StatusCode, kind: &str, title: &str) -> Self {
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(format!("urn:castellan:problem:{kind}")));
        members.insert("title".to_owned(), json!(title));
        members.insert("status".to_owned(), json!(status.as_u16()));
        Self { status, members, headers: Vec::new() }
    }

    /// What is particular about this occurrence.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        self.with("detail", detail.into())
    }

    /// An extension member (RFC 9457 §3.2).
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// A header, such as `WWW-Authenticate`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Something broke. The cause is logged here and not told.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something broke on our side")
    }

    /// The status it answers with.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Value::Object(self.members).to_string();
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}
