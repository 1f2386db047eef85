//! The form body of a client's request.

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, header},
};

use super::{
    error::Refusal,
    parameters::{LARGEST, Parameters},
};

/// Reads headers and parameters. Those in the URL are not looked at: secrets do not belong there.
///
/// # Errors
/// A body that is no form, is too large, or repeats a parameter.
pub(super) async fn read(request: Request) -> Result<(HeaderMap, Parameters), Refusal> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::Body);
    }
    let bytes = to_bytes(body, LARGEST).await.map_err(|_| Refusal::Body)?;
    let parameters = Parameters::parse(&bytes);
    parameters.check()?;
    Ok((parts.headers, parameters))
}
