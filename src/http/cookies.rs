use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponseParts, ResponseParts},
};
use cookie::{Cookie, SameSite};

use super::{Failure, Site};
use crate::secret::{Secret, SecretHash};

/// The cookie that binds a browser to what it began: sign-ins, authorization requests, form tokens.
const BROWSER: &str = "castellan_browser";
/// The cookie of a session at this server.
const SESSION: &str = "castellan_session";

/// The value of a cookie of ours. One that comes twice is nobody's: two hosts disagree about it.
pub(super) fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// A cookie that no script reads and no other site's form sends: for this server's own rooms.
/// `name` becomes `__Host-name` where the public URL is https.
pub fn http_only(site: &Site, name: &str, value: &str) -> HeaderValue {
    let cookie = Cookie::build((site.cookie_name(name), value.to_owned()))
        .path("/")
        .http_only(true)
        .secure(site.secure)
        .same_site(SameSite::Lax);
    header_value(cookie.build())
}

/// Takes a cookie of [`http_only`] back.
pub fn expired(site: &Site, name: &str) -> HeaderValue {
    let cookie = Cookie::build((site.cookie_name(name), ""))
        .path("/")
        .http_only(true)
        .secure(site.secure)
        .same_site(SameSite::Lax)
        .max_age(cookie::time::Duration::ZERO);
    header_value(cookie.build())
}

/// Reads a cookie of [`http_only`].
pub fn read(site: &Site, headers: &HeaderMap, name: &str) -> Option<Secret> {
    value(headers, &site.cookie_name(name)).map(Secret::from_text)
}

pub(super) fn header_value(cookie: Cookie<'_>) -> HeaderValue {
    HeaderValue::from_str(&cookie.to_string()).unwrap_or(HeaderValue::from_static(""))
}

pub(super) fn site(parts: &Parts) -> Result<Arc<Site>, Failure> {
    parts.extensions.get::<Arc<Site>>().cloned().ok_or_else(|| Failure::internal(&"router without http::surround"))
}

/// The browser that speaks, known by a random secret in a cookie, not by who uses it.
///
/// Answer with it (`(browser, see_other(..))`) wherever its hash is stored: that sets the cookie if it
/// is new. [`super::Page`] does so by itself.
#[derive(Debug, Clone)]
pub struct Browser {
    secret: Secret,
    fresh: bool,
    site: Arc<Site>,
}

impl Browser {
    pub(super) fn from_headers(headers: &HeaderMap, site: Arc<Site>) -> Self {
        let known = value(headers, &site.cookie_name(BROWSER)).filter(|value| value.len() == 43);
        let fresh = known.is_none();
        Self { secret: known.map_or_else(Secret::random, Secret::from_text), fresh, site }
    }

    /// What is stored beside whatever this browser began.
    pub fn hash(&self) -> SecretHash {
        self.secret.hash()
    }

    /// The secret, from which form tokens are derived.
    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The `Set-Cookie` that this browser still needs.
    pub(super) fn set_cookie(&self) -> Option<HeaderValue> {
        self.fresh.then(|| http_only(&self.site, BROWSER, self.secret.expose()))
    }
}

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Ok(Self::from_headers(&parts.headers, site(parts)?))
    }
}

impl IntoResponseParts for Browser {
    type Error = Infallible;
    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        if let Some(cookie) = self.set_cookie() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

/// The session cookie as the browser sent it: a claim, until [`crate::sessions::authenticate`] judges it.
#[derive(Debug, Clone)]
pub struct SessionCookie {
    pub secret: Option<Secret>,
    site: Arc<Site>,
}

impl SessionCookie {
    /// Sets the cookie of a session that has just begun or been raised.
    pub fn set(&self, secret: &Secret) -> HeaderValue {
        http_only(&self.site, SESSION, secret.expose())
    }

    /// Takes it back.
    pub fn clear(&self) -> HeaderValue {
        expired(&self.site, SESSION)
    }
}

impl<S: Sync> FromRequestParts<S> for SessionCookie {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let site = site(parts)?;
        let secret = value(&parts.headers, &site.cookie_name(SESSION)).map(Secret::from_text);
        Ok(Self { secret, site })
    }
}
