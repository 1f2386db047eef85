//! What leaves: one media type, ETag and Location, and refusals in the form of RFC 7644 §3.12.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use uuid::Uuid;

use super::error::Refusal;
use crate::{connections::log, store};

/// Exactly this: some clients refuse a charset parameter (RFC 7644 §3.1).
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// The preference for an answer before the request is performed (RFC 7240 §4.1).
pub const RESPOND_ASYNC: &str = "respond-async";

/// RFC 9967 §3, RFC 7240 §3.
const SET_TXN: HeaderName = HeaderName::from_static("set-txn");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// An answer that is no refusal.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Option<Value>,
    /// The resource that was asked for or changed.
    pub resource: Option<Uuid>,
    pub version: Option<i64>,
    pub location: Option<String>,
    /// Whether the change has logged itself, in its own transaction.
    pub is_logged: bool,
    /// A refusal that had to commit.
    pub refusal: Option<Refusal>,
    /// What events will name a request by that is performed later.
    pub transaction: Option<Box<str>>,
}

impl Answer {
    /// 200 with a body.
    pub fn of(body: Value) -> Self {
        Self { body: Some(body), ..Self::empty(StatusCode::OK) }
    }

    /// No body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            body: None,
            resource: None,
            version: None,
            location: None,
            is_logged: false,
            refusal: None,
            transaction: None,
        }
    }

    /// 202 without a body (RFC 9967 §2.5.1.1): it is performed later.
    pub fn accepted(transaction: &str) -> Self {
        Self { transaction: Some(transaction.into()), ..Self::empty(StatusCode::ACCEPTED) }
    }

    /// A refusal that must commit, since what it tells of is kept: a change that is held.
    pub fn refused(refusal: Refusal, resource: Uuid) -> Self {
        let status = refusal.status();
        Self { resource: Some(resource), refusal: Some(refusal), ..Self::empty(status) }.logged()
    }

    /// Itself, or the refusal that it is.
    ///
    /// # Errors
    /// That refusal.
    pub fn settled(self) -> Result<Self, Refusal> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        Ok(self)
    }

    /// Names the resource and its version.
    pub fn about(self, resource: Uuid, version: i64) -> Self {
        Self { resource: Some(resource), version: Some(version), ..self }
    }

    /// The change has been logged with it.
    pub fn logged(self) -> Self {
        Self { is_logged: true, ..self }
    }

    /// 201: `Location` is `meta.location` (RFC 7644 §3.3).
    pub fn created(self, location: String) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = respond(self.status, self.body.as_ref());
        let headers = response.headers_mut();
        if let Some(version) = self.version.and_then(|version| HeaderValue::from_str(&etag(version)).ok()) {
            headers.insert(header::ETAG, version);
        }
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            headers.insert(header::LOCATION, location);
        }
        if let Some(transaction) = self.transaction.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(SET_TXN, transaction);
            headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = respond(self.status(), Some(&self.body()));
        let headers = response.headers_mut();
        match self {
            // RFC 6750 §3: what is missing or wrong is not told apart.
            Self::Unauthorized => {
                let challenge = HeaderValue::from_static("Bearer realm=\"scim\", error=\"invalid_token\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::RateLimited => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

/// A version as it stands in `ETag` and `meta.version` (RFC 7644 §3.14).
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

fn respond(status: StatusCode, body: Option<&Value>) -> Response {
    let text = body.map(Value::to_string).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if body.is_some() {
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What ends a request early: a refusal, a database that failed, or the end of a dry run. All roll a write back.
#[derive(Debug)]
pub enum Fault {
    Refused(Refusal),
    Store(store::Error),
    /// A dry run is over: the answer it would have had, and what would have been logged.
    Rehearsed(Box<(Answer, Vec<log::Entry>)>),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}
