use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};

use super::{
    ClientAddress, Failure, Page, Site, client_address, page,
    request_id::{RequestId, RequestIds},
};

/// For answers with secrets, personal data or a `Set-Cookie`.
pub const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// What an answer that draws nothing may do: nothing.
const CSP_OF_DATA: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// On every answer (ASVS 3.4).
static HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)",
        ),
    ),
];

/// Puts the router behind the mechanics: once, around everything.
pub fn surround<S: Clone + Send + Sync + 'static>(router: Router<S>, site: Site) -> Router<S> {
    let (site, ids) = (Arc::new(site), Arc::new(RequestIds::random()));
    router
        .fallback(async || Failure::not_found())
        .layer(middleware::from_fn(move |request, next| pass(request, next, site.clone(), ids.next())))
}

async fn pass(mut request: Request, next: Next, site: Arc<Site>, id: RequestId) -> Response {
    if let Some(peer) = client_address::peer(request.extensions()) {
        let address = ClientAddress::of(peer, request.headers(), &site);
        request.extensions_mut().insert(address);
    }
    request.extensions_mut().insert(site.clone());
    request.extensions_mut().insert(id.clone());
    // What a failure's page would be drawn from; the page itself would cost every answer its secrets.
    let (cookies, uri) = (only_cookies(request.headers()), request.uri().clone());
    // For the log: the path alone, since codes and links travel in queries.
    let asked = tracing::enabled!(tracing::Level::DEBUG).then(|| (Instant::now(), request.method().clone()));
    let mut response = next.run(request).await;
    if let Some((began, method)) = asked {
        let (status, took) = (response.status().as_u16(), began.elapsed());
        tracing::debug!(request_id = %id.0, %method, path = uri.path(), status, ?took, "answered");
    }
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let retry_after = response.headers_mut().remove(header::RETRY_AFTER);
        let page = Page::of(&cookies, &uri, site.clone(), id.clone());
        response = page::failure(&page, &failure);
        if let Some(value) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
    dress(&mut response, &site, &id);
    response
}

fn only_cookies(headers: &HeaderMap) -> HeaderMap {
    headers.get_all(header::COOKIE).iter().map(|value| (header::COOKIE, value.clone())).collect()
}

fn dress(response: &mut Response, site: &Site, id: &RequestId) {
    let headers = response.headers_mut();
    headers.reserve(HEADERS.len() + 3);
    for (name, value) in &HEADERS {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CSP_OF_DATA);
    if site.secure {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(value);
    }
    // An answer that sets a cookie must not be given to anybody else (security.md row 162).
    if headers.contains_key(header::SET_COOKIE) {
        headers.insert(NO_STORE.0, NO_STORE.1);
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.entry(X_REQUEST_ID).or_insert(value);
    }
}
