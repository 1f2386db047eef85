use std::sync::Arc;

use askama::{Template, filters::Safe};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{Browser, Failure, RequestId, Site, assets, cookies, csrf, headers::NO_STORE, icons, theme::Theme};
use crate::secret::Secret;

/// What every page needs, and the pen that draws it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The chosen colour scheme.
    pub theme: Theme,
    /// Where the theme switch comes back to.
    pub path: String,
    /// At the head of a gate card: for which product, at which organization.
    pub place: Option<Place>,
    /// In the bar of a console page: who is signed in.
    pub viewer: Option<Viewer>,
    /// This page's own, for scripts and style elements.
    pub nonce: String,
    pub request_id: RequestId,
    browser: Browser,
}

/// The head of a gate card.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The product's, or the client's name.
    pub name: String,
    /// Below it: "for Brackwater IT", or a third party's host.
    pub note: Option<String>,
    /// A sign of [`super::Page::icon`].
    pub icon: &'static str,
    /// A picture of the client's own, https.
    pub logo: Option<url::Url>,
    /// The brand's colour, parsed.
    pub brand: Option<Colour>,
}

/// Who is signed in, for the account menu.
#[derive(Debug, Clone)]
pub struct Viewer {
    pub name: String,
    pub login: String,
    /// "Administrator", or another word below the name.
    pub note: Option<String>,
}

impl Viewer {
    /// Up to two letters for the round picture.
    pub fn initials(&self) -> String {
        initials(&self.name)
    }
}

/// The first letters of the first and the last word.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// A colour `#rrggbb`: parsed and written out again, so that no text reaches a style element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(u32);

impl Colour {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok().map(Self)).flatten()
    }

    /// `#rrggbb`, in lower case.
    pub fn css(self) -> String {
        format!("#{:06x}", self.0)
    }
}

impl Page {
    pub(super) fn of(headers: &HeaderMap, uri: &Uri, site: Arc<Site>, request_id: RequestId) -> Self {
        Self {
            theme: Theme::of(headers, &site),
            path: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            place: None,
            viewer: None,
            nonce: Secret::random().expose()[..22].to_owned(),
            request_id,
            browser: Browser::from_headers(headers, site),
        }
    }

    /// The same page with a head on its card.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// The same page with an account menu.
    #[must_use]
    pub fn seen_by(mut self, viewer: Viewer) -> Self {
        self.viewer = Some(viewer);
        self
    }

    /// The browser that asks for it.
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// The hidden field that every form of ours carries.
    pub fn csrf_field(&self) -> Safe<String> {
        Safe(format!(r#"<input type="hidden" name="{}" value="{}">"#, csrf::FIELD, csrf::token(self.browser.secret())))
    }

    /// A sign of `icons.rs`, by name.
    pub fn icon(&self, name: &str) -> Safe<String> {
        icons::icon(name)
    }

    /// The address of a file in `src/http/assets`.
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    /// Draws a gate page: sign in, enrol, consent, refuse. Its template extends `http/pages/gate.html`.
    pub fn gate(&self, status: StatusCode, template: &impl Template) -> Response {
        // No form-action: Chromium applies it to the redirect that follows the form, and the client's own.
        self.draw(status, template, "")
    }

    /// Draws a console page: dense, with navigation. Its template extends `http/pages/console.html`.
    pub fn console(&self, status: StatusCode, template: &impl Template) -> Response {
        self.draw(status, template, "; form-action 'self'")
    }

    fn draw(&self, status: StatusCode, template: &impl Template, more: &str) -> Response {
        let body = match template.render() {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a template failed");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let mut response = (status, [NO_STORE], body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::from_str(&(self.policy() + more)) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        if let Some(cookie) = self.browser.set_cookie() {
            headers.append(header::SET_COOKIE, cookie);
        }
        response
    }

    fn policy(&self) -> String {
        let logo = self.place.as_ref().and_then(|place| place.logo.as_ref());
        let images = logo.map(|url| format!(" {}", url.origin().ascii_serialization())).unwrap_or_default();
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self' 'nonce-{nonce}'; \
             img-src 'self'{images}; connect-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
            nonce = self.nonce,
        )
    }
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let site = cookies::site(parts)?;
        let Ok(id) = RequestId::from_request_parts(parts, state).await;
        Ok(Self::of(&parts.headers, &parts.uri, site, id))
    }
}

#[derive(Template)]
#[template(path = "http/pages/failure.html", config = ".config/askama.toml")]
struct FailurePage<'a> {
    page: &'a Page,
    failure: &'a Failure,
}

pub(super) fn failure(page: &Page, failure: &Failure) -> Response {
    page.gate(failure.status, &FailurePage { page, failure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_reach_a_style_element() {
        assert_eq!(Colour::parse("#8A2f4F").map(Colour::css).as_deref(), Some("#8a2f4f"));
        for bad in ["8a2f4f", "#8a2f4", "#8a2f4f}", "red", "#+a2f4f", "#8a2f4f;", ""] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn initials_are_of_the_first_and_last_word() {
        assert_eq!(initials("Mara Lindqvist"), "ML");
        assert_eq!(initials("Ana Maria de Souza"), "AS");
        assert_eq!(initials("mara"), "M");
        assert_eq!(initials(""), "");
    }
}
