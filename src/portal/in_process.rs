use std::{convert::Infallible, net::SocketAddr};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
};
use tower::ServiceExt;

use crate::http::{ClientAddress, UserAgent};

/// Answers of our own server are never larger.
const LARGEST: usize = 8 * 1024 * 1024;

/// Our own server without a socket between: full requests, no extra rights, and no proxy or private
/// authority in the way.
#[derive(Clone)]
pub struct InProcess(Router);

/// For whom a request is made: the server audits and throttles by these, as if the browser had come itself.
#[derive(Clone)]
pub struct OnBehalf {
    pub address: ClientAddress,
    pub agent: UserAgent,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The body could not be read whole.
#[derive(Debug, thiserror::Error)]
#[error("an answer of our own server could not be read")]
pub struct Unreadable;

impl InProcess {
    pub fn new(server: Router) -> Self {
        Self(server)
    }

    /// Sends a request as the browser's agent.
    ///
    /// # Errors
    /// The answer's body broke off or is too large.
    pub async fn send(&self, mut request: Request<Body>, behalf: &OnBehalf) -> Result<Answer, Unreadable> {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(behalf.address.0, 0)));
        if let Ok(agent) = HeaderValue::from_str(&behalf.agent.0) {
            request.headers_mut().insert(header::USER_AGENT, agent);
        }
        let answered: Result<_, Infallible> = self.0.clone().oneshot(request).await;
        let Ok(response) = answered;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, LARGEST).await.map_err(|_| Unreadable)?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Asks for JSON with a bearer token; `body` is JSON too.
    ///
    /// # Errors
    /// The answer's body broke off or is too large.
    pub async fn ask(
        &self,
        (method, path): (Method, &str),
        bearer: &str,
        body: Option<Vec<u8>>,
        behalf: &OnBehalf,
    ) -> Result<Answer, Unreadable> {
        let mut request = Request::new(body.map_or_else(Body::empty, Body::from));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| Unreadable)?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let mut authorization = HeaderValue::from_str(&format!("Bearer {bearer}")).map_err(|_| Unreadable)?;
        authorization.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, authorization);
        self.send(request, behalf).await
    }
}
