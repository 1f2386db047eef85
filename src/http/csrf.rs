use aws_lc_rs::{constant_time, hmac};
use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Site;
use crate::secret::Secret;

/// The name of the hidden field.
pub(super) const FIELD: &str = "csrf";

/// The form token of a browser: derived from its cookie, so that no other browser's passes, and no
/// state is kept.
pub(super) fn token(browser: &Secret) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, browser.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"castellan form").as_ref())
}

/// Whether `given` is that browser's token, in constant time.
pub(super) fn matches(browser: &Secret, given: &str) -> bool {
    constant_time::verify_slices_are_equal(token(browser).as_bytes(), given.as_bytes()).is_ok()
}

/// Whether a browser says that the form was sent by a page of ours, or says nothing.
///
/// Our pages send no referrer, so `Origin` is `null` on their forms (Fetch §3.1); then only
/// `Sec-Fetch-Site` tells them from a sandboxed frame elsewhere.
pub(super) fn is_same_origin(headers: &HeaderMap, site: &Site) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin"), None | Some("null")) | (Some("none") | None, None) => true,
        (Some("same-origin" | "none") | None, Some(origin)) => origin == site.origin,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(fetch_site: Option<&str>, origin: Option<&str>) -> bool {
        let site = Site { origin: "https://id.example".to_owned(), secure: true, trusted_proxies: Vec::new() };
        let mut headers = HeaderMap::new();
        for (name, value) in [("sec-fetch-site", fetch_site), ("origin", origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().expect("a value"));
            }
        }
        is_same_origin(&headers, &site)
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        assert!(allowed(Some("same-origin"), Some("null")));
        assert!(allowed(Some("same-origin"), Some("https://id.example")));
        assert!(allowed(None, Some("https://id.example")));
        assert!(allowed(None, None));
        for site in ["cross-site", "same-site", "junk"] {
            assert!(!allowed(Some(site), Some("https://id.example")), "{site}");
        }
        for origin in ["null", "https://evil.example", "https://id.example.evil.example", "http://id.example"] {
            assert!(!allowed(None, Some(origin)), "{origin}");
        }
    }

    #[test]
    fn a_token_belongs_to_one_browser() {
        let (one, other) = (Secret::random(), Secret::random());
        assert!(matches(&one, &token(&one)));
        assert!(!matches(&one, &token(&other)));
        assert!(!matches(&one, ""));
    }
}
