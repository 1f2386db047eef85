use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, Request},
    http::{HeaderName, HeaderValue, header, request::Parts},
    middleware::{self, Next},
    response::Response,
};

use super::{ClientAddress, Failure, Page, Site, client_address, page};

/// For answers with secrets, personal data or a `Set-Cookie`.
pub const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// What an answer that draws nothing may do: nothing.
const CSP_OF_DATA: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");

/// On every answer (ASVS 3.4).
const HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)",
    ),
];

/// A request's name, in the log and on pages that say that something broke.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    fn random() -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut bytes = [0u8; 12];
        crate::secret::fill(&mut bytes);
        let text: Vec<u8> = bytes.iter().map(|byte| ALPHABET[usize::from(byte % 32)]).collect();
        let groups: Vec<String> = text.chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
        Self(groups.join("-").into())
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::random))
    }
}

/// Puts the router behind the mechanics: once, around everything.
pub fn surround<S: Clone + Send + Sync + 'static>(router: Router<S>, site: Site) -> Router<S> {
    let site = Arc::new(site);
    router
        .fallback(async || Failure::not_found())
        .layer(middleware::from_fn(move |request, next| pass(request, next, site.clone())))
}

async fn pass(mut request: Request, next: Next, site: Arc<Site>) -> Response {
    let id = RequestId::random();
    if let Some(peer) = client_address::peer(request.extensions()) {
        let address = ClientAddress::of(peer, request.headers(), &site);
        request.extensions_mut().insert(address);
    }
    request.extensions_mut().insert(site.clone());
    request.extensions_mut().insert(id.clone());
    let page = Page::of(request.headers(), request.uri(), site.clone(), id.clone());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let retry_after = response.headers_mut().remove(header::RETRY_AFTER);
        response = page::failure(&page, &failure);
        if let Some(value) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
    dress(&mut response, &site, &id);
    response
}

fn dress(response: &mut Response, site: &Site, id: &RequestId) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
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
        headers.entry("x-request-id").or_insert(value);
    }
}
