//! The form body of a client's request.

use axum::{
    body::to_bytes,
    extract::{FromRequestParts, Request},
    http::{HeaderMap, header},
};

use super::{
    error::Refusal,
    parameters::{LARGEST, Parameters},
};
use crate::{
    audit::By,
    http::{ClientAddress, UserAgent},
};

/// A client's request, read.
pub(super) struct Received {
    pub headers: HeaderMap,
    pub parameters: Parameters,
    address: ClientAddress,
    user_agent: UserAgent,
}

impl Received {
    /// Whoever sent it, as an actor of audit events: from where is known.
    pub fn by(&self, who: By) -> By {
        who.at(self.address.to_string(), self.user_agent.0.clone())
    }
}

/// Reads headers and parameters. Those in the URL are not looked at: secrets do not belong there.
///
/// # Errors
/// A body that is no form, is too large, or repeats a parameter.
pub(super) async fn read(request: Request) -> Result<Received, Refusal> {
    let (mut parts, body) = request.into_parts();
    let Ok(address) = ClientAddress::from_request_parts(&mut parts, &()).await;
    let Ok(user_agent) = UserAgent::from_request_parts(&mut parts, &()).await;
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::Body);
    }
    let bytes = to_bytes(body, LARGEST).await.map_err(|_| Refusal::Body)?;
    let parameters = Parameters::parse(&bytes);
    parameters.check()?;
    Ok(Received { headers: parts.headers, parameters, address, user_agent })
}
