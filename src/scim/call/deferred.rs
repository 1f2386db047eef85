//! Calls that are answered before they are performed (RFC 9967 §2.5.1): what is kept of one, and how it
//! comes back.

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, Method, header},
};
use parking_lot::Mutex;
use serde_json::Value;

use super::{Call, Inner, Shared, Single, page};
use crate::{app::App, audit::By, connections::Connection, http::RequestId, scim::error::Refusal};

const PREFER: HeaderName = HeaderName::from_static("prefer");

impl Call {
    /// Whether the client prefers that, whatever its value and parameters (RFC 7240 §2).
    pub fn prefers(&self, preference: &str) -> bool {
        let fields = self.headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        fields.flat_map(|field| field.split(',')).any(|stated| {
            let name = stated.split(['=', ';']).next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case(preference)
        })
    }

    /// The request without what only an immediate answer needs; `None` if it has a condition beyond a version.
    ///
    /// # Errors
    /// The body is no JSON.
    pub fn as_single(&self) -> Result<Option<Single>, Refusal> {
        if self.headers.contains_key(header::IF_NONE_MATCH) {
            return Ok(None);
        }
        let version = self.headers.get(header::IF_MATCH).map(|value| value.to_str().unwrap_or_default().to_owned());
        let body = if self.method == Method::DELETE { Value::Null } else { self.json()? };
        let (method, endpoint) = (self.method.clone(), self.endpoint().to_owned());
        Ok(Some(Single { method, endpoint, id: self.id.clone(), version, body }))
    }

    /// A request that comes back to be performed, in the name of whoever sent it.
    pub fn deferred(app: &App, connection: Connection, by: By, transaction: &str, path: String) -> Self {
        let inner = Inner {
            app: app.clone(),
            now: app.clock.now(),
            id: None,
            by,
            shared: Shared::of(app),
            part: None,
            method: Method::POST,
            path,
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            request_id: RequestId(transaction.into()),
            warnings: Mutex::default(),
            page: page(app, &connection),
            rehearsed: Mutex::default(),
        };
        Self { connection: Arc::new(connection), has_webhooks: true, inner: Arc::new(inner) }
    }
}
