use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

use super::Failure;

#[derive(RustEmbed)]
#[folder = "src/http/assets/"]
struct Assets;

/// Where an asset is found: its content's hash is part of the address, so that it may be kept for ever.
pub(super) fn url(name: &str) -> String {
    match Assets::get(name) {
        Some(file) => format!("/assets/{name}?v={}", tag(&file)),
        None => format!("/assets/{name}"),
    }
}

fn tag(file: &rust_embed::EmbeddedFile) -> String {
    file.metadata.sha256_hash()[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn serve(Path(name): Path<String>, uri: axum::http::Uri, headers: HeaderMap) -> Response {
    let Some(file) = Assets::get(&name) else { return Failure::not_found().into_response() };
    let tag = tag(&file);
    let quoted = format!("\"{tag}\"");
    let kept_for_ever = uri.query().is_some_and(|query| query == format!("v={tag}"));
    let cache = if kept_for_ever { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let mut response = if headers.get(header::IF_NONE_MATCH).is_some_and(|value| value == quoted.as_str()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.data.into_owned().into_response()
    };
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(value) = HeaderValue::from_str(&quoted) {
        answer.insert(header::ETAG, value);
    }
    response
}
