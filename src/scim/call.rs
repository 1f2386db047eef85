//! A request of a connection: authenticated, within its rate, read once; and how its outcome is
//! logged and answered.

mod bearer;
mod deferred;
mod outcome;
mod shared;

use std::{collections::HashMap, ops::Deref, sync::Arc, time::Duration};

use axum::{
    Extension, RequestExt,
    body::Bytes,
    extract::{FromRequest, Path, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::SemaphorePermit;

use super::{
    answer::Fault,
    asynchronous::Part,
    error::Refusal,
    patch::Operation,
    quirks::{self, Quirks},
    schema::{Registry, ResourceType},
};
use crate::{
    app::App,
    audit::By,
    clock::Timestamp,
    connections::{self, Connection, log},
    http::RequestId,
    provisioning::Guarded,
    store::Tx,
};

pub use shared::Shared;

/// How many warnings the log keeps of one request.
const MOST_WARNINGS: usize = 20;

/// A request whose connection is known. Cheap to clone, for writes that may run again.
#[derive(Clone)]
pub struct Call {
    /// As it was when the request came; in a write, as it is ([`Call::renewed`]).
    pub connection: Arc<Connection>,
    /// Whether webhooks may have to be told of what it changes.
    pub has_webhooks: bool,
    inner: Arc<Inner>,
}

/// A request inside another one.
#[derive(Debug, Clone)]
pub struct Single {
    pub method: Method,
    /// The resource type's, such as `/Users`.
    pub endpoint: String,
    pub id: Option<String>,
    /// The version that it insists on, as `If-Match` says it.
    pub version: Option<String>,
    pub body: Value,
}

/// What a [`Call`] dereferences to.
pub struct Inner {
    pub app: App,
    pub now: Timestamp,
    /// The last part of the path, where there is one.
    pub id: Option<String>,
    pub by: By,
    pub shared: Arc<Shared>,
    /// Which operation it is of a request that is performed later.
    part: Option<Part>,
    method: Method,
    /// Below the connection's base URL, with the query.
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    request_id: RequestId,
    warnings: Mutex<Vec<String>>,
    /// Where an administrator sees the connection.
    page: String,
    /// In a dry run, what would have been logged.
    rehearsed: Mutex<Vec<log::Entry>>,
}

impl Deref for Call {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl FromRequest<App> for Call {
    type Rejection = Response;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Response> {
        let request_id = request.extract_parts::<RequestId>().await.unwrap_or_else(|error| match error {});
        match Self::read(request, app, request_id.clone()).await {
            Ok(call) => Ok(call),
            Err(Fault::Refused(refusal)) => Err(refusal.into_response()),
            Err(Fault::Store(error)) => Err(outcome::failed(&error, &request_id).into_response()),
            Err(Fault::Rehearsed(rehearsal)) => Err(rehearsal.0.into_response()),
        }
    }
}

impl Call {
    async fn read(mut request: Request, app: &App, request_id: RequestId) -> Result<Self, Fault> {
        let now = app.clock.now();
        let parts = request.extract_parts::<Path<HashMap<String, String>>>().await;
        let mut parts = parts.map(|Path(parts)| parts).unwrap_or_default();
        let id = parts.remove("connection").and_then(|id| id.parse().ok()).ok_or(Refusal::Unauthorized)?;
        let bearer = bearer::authenticate(app, request.headers(), id, now).await?;
        let Ok(Extension(shared)) = request.extract_parts::<Extension<Arc<Shared>>>().await else {
            return Err(Refusal::NotFound.into());
        };
        let by = bearer::by(&mut request, id).await;
        let full = request.uri().path().to_owned();
        let path = full.split_once(&id.to_string()).map_or(full.as_str(), |(_, rest)| rest).to_owned();
        let mut call = Inner {
            page: page(app, &bearer.connection),
            rehearsed: Mutex::default(),
            app: app.clone(),
            now,
            id: parts.remove("id"),
            by,
            shared,
            part: None,
            method: request.method().clone(),
            path,
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
            body: Bytes::new(),
            request_id,
            warnings: Mutex::default(),
        };
        let connection = Arc::new(bearer.connection);
        if let Some(limit) = connection.settings.rate_limit
            && !call.shared.limits.allow(id, limit, now)
        {
            let call = Self { connection, has_webhooks: true, inner: Arc::new(call) };
            call.note(StatusCode::TOO_MANY_REQUESTS, None, json!({ "refused": "too many requests" })).await;
            return Err(Refusal::RateLimited.into());
        }
        let Ok(body) = request.extract::<Bytes, _>().await else {
            let call = Self { connection, has_webhooks: true, inner: Arc::new(call) };
            call.note(StatusCode::PAYLOAD_TOO_LARGE, None, json!({ "refused": "too large" })).await;
            return Err(Refusal::TooLarge.into());
        };
        call.body = body;
        Ok(Self { connection, has_webhooks: true, inner: Arc::new(call) })
    }

    /// The schemas as the connection sees them.
    ///
    /// # Errors
    /// They could not be loaded.
    pub fn registry(&self) -> Result<&Registry, Refusal> {
        let registries = self.shared.registries.as_ref();
        let registries = registries.ok_or_else(|| Refusal::Internal(self.request_id.0.to_string()))?;
        Ok(registries.seen_by(&self.connection))
    }

    /// The resource type of that name.
    ///
    /// # Errors
    /// The schemas have none.
    pub fn resource_type(&self, name: &str) -> Result<&ResourceType, Refusal> {
        self.registry()?.resource_type(name).ok_or(Refusal::NotFound)
    }

    /// The first part of the path, such as `/Users`: the endpoint of a resource type.
    pub fn endpoint(&self) -> &str {
        let end = self.path.get(1..).and_then(|rest| rest.find('/')).map_or(self.path.len(), |end| end + 1);
        &self.path[..end]
    }

    /// Whether the request is a PUT.
    pub fn replaces(&self) -> bool {
        self.method == Method::PUT
    }

    /// What the request is known by in events: those of one request have it in common, save where its
    /// operations are told of one by one.
    pub fn transaction(&self) -> String {
        self.part.as_ref().map_or_else(|| self.request_id.0.to_string(), |part| part.transaction.clone())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is no JSON.
    pub fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body).map_err(|_| Refusal::Syntax("the body is no JSON"))
    }

    /// A query parameter, whatever the case of its name; the first if it repeats.
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.into_owned())
    }

    /// The resource's id. What is no id of ours belongs to nothing.
    ///
    /// # Errors
    /// 404.
    pub fn id<T: std::str::FromStr>(&self) -> Result<T, Refusal> {
        self.id.as_deref().and_then(|id| id.parse().ok()).ok_or(Refusal::NotFound)
    }

    /// The connection's base URL.
    pub fn base_url(&self) -> String {
        self.app.config.url(&self.connection.path())
    }

    /// Whose habits to expect.
    pub fn quirks(&self) -> Quirks {
        Quirks::of(&self.connection)
    }

    /// What the body of POST or PUT sets; the log says what was left out.
    ///
    /// # Errors
    /// The first attribute that is wrong.
    pub fn resource(&self, kind: &ResourceType, body: Value) -> Result<Map<String, Value>, Refusal> {
        Ok(self.heard(self.quirks().resource(kind, body)?))
    }

    /// The operations of the body of PATCH; the log says what was left out.
    ///
    /// # Errors
    /// The body has another form.
    pub fn operations(&self, kind: &ResourceType, body: &Value) -> Result<Vec<Operation>, Refusal> {
        Ok(self.heard(self.quirks().operations(kind, body)?))
    }

    fn heard<T>(&self, read: quirks::Read<T>) -> T {
        for warning in read.warnings {
            self.warn(warning);
        }
        read.value
    }

    /// Something that the administrator shall find beside the request in the log.
    pub fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock();
        if warnings.len() < MOST_WARNINGS && !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Waits for a turn at looking through everything; it ends when it is dropped.
    ///
    /// # Errors
    /// Others have taken all of `limit`.
    pub async fn scan(&self, limit: Duration) -> Result<SemaphorePermit<'_>, Refusal> {
        let turn = tokio::time::timeout(limit, self.shared.scans.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or(Refusal::RateLimited)
    }

    /// Whether the client insists on a version (`If-Match`).
    pub fn has_precondition(&self) -> bool {
        self.headers.contains_key(header::IF_MATCH)
    }

    /// Refuses if `If-Match` names other versions only, or a write's `If-None-Match` this one (RFC 7644
    /// §3.14, RFC 9110 §13.2.2).
    ///
    /// # Errors
    /// 412.
    pub fn check_version(&self, version: i64) -> Result<(), Refusal> {
        if self.names_version(&header::IF_MATCH, version) == Some(false) {
            return Err(Refusal::Stale);
        }
        if !matches!(self.method, Method::GET | Method::HEAD) && self.has_version(version) {
            return Err(Refusal::Stale);
        }
        Ok(())
    }

    /// Whether the client has this version already (`If-None-Match`).
    pub fn has_version(&self, version: i64) -> bool {
        self.names_version(&header::IF_NONE_MATCH, version) == Some(true)
    }

    fn names_version(&self, name: &header::HeaderName, version: i64) -> Option<bool> {
        let value = self.headers.get(name)?.to_str().unwrap_or_default();
        let wanted = format!("\"{version}\"");
        let mut tags = value.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
        Some(tags.any(|tag| tag == "*" || tag == wanted))
    }

    /// The call on the connection as it is now, for the beginning of a write: whoever has paused, ended or changed
    /// the connection since the request came is obeyed.
    ///
    /// # Errors
    /// The connection is paused or gone.
    pub async fn renewed(&self, tx: &mut Tx<'_>) -> Result<Self, Fault> {
        let found = connections::find_active(tx, self.connection.id).await?;
        let (found, has_webhooks) = found.ok_or(Refusal::Unauthorized)?;
        // The write may run again.
        self.rehearsed.lock().clear();
        let is_same = found.settings == self.connection.settings;
        let connection = if is_same { Arc::clone(&self.connection) } else { Arc::new(found) };
        Ok(Self { connection, has_webhooks, inner: Arc::clone(&self.inner) })
    }

    /// The connection as the mass-change guard sees it.
    pub fn guarded(&self) -> Guarded<'_> {
        Guarded {
            connection: &self.connection,
            master: &self.app.master,
            by: &self.by,
            link: &self.page,
            now: self.now,
        }
    }

    /// A request that came inside this one, as an operation of a bulk request.
    pub fn single(&self, single: &Single, part: Option<Part>) -> Self {
        let mut headers = self.headers.clone();
        headers.remove(header::IF_NONE_MATCH);
        headers.remove(header::IF_MATCH);
        if let Some(version) = single.version.as_deref().and_then(|version| HeaderValue::from_str(version).ok()) {
            headers.insert(header::IF_MATCH, version);
        }
        let id = single.id.as_deref();
        let inner = Inner {
            app: self.app.clone(),
            now: self.app.clock.now(),
            id: id.map(str::to_owned),
            by: self.by.clone(),
            shared: Arc::clone(&self.shared),
            part,
            method: single.method.clone(),
            path: id.map_or_else(|| single.endpoint.clone(), |id| format!("{}/{id}", single.endpoint)),
            query: String::new(),
            headers,
            body: single.body.to_string().into(),
            request_id: self.request_id.clone(),
            warnings: Mutex::default(),
            page: self.page.clone(),
            rehearsed: Mutex::default(),
        };
        Self { connection: Arc::clone(&self.connection), has_webhooks: self.has_webhooks, inner: Arc::new(inner) }
    }
}

/// Where an administrator sees the connection.
fn page(app: &App, connection: &Connection) -> String {
    let (organization, id) = (connection.organization_id, connection.id);
    app.config.url(&format!("/portal/organizations/{organization}/connections/{id}"))
}

/// 404 for what is no endpoint; like everything, to those with a token.
pub async fn not_found(call: Call) -> Response {
    call.finish(Err(Refusal::NotFound.into())).await
}

/// `/Me`: no person stands behind a connection's token.
pub async fn me(call: Call) -> Response {
    call.finish(Err(Refusal::NobodysAccount.into())).await
}

/// 405 for a method that the endpoint does not have.
pub async fn not_allowed(call: Call) -> Response {
    call.finish(Err(Refusal::Method.into())).await
}
