use std::{fmt, sync::Arc};

use axum::{
    Extension,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use cookie::{Cookie, SameSite};
use serde::Deserialize;

use super::{Form, Site, cookies, see_other};

const COOKIE: &str = "castellan_theme";

/// The colour scheme a person chose; otherwise the device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Device,
    Light,
    Dark,
}

impl Theme {
    fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Device,
        }
    }

    pub(super) fn of(headers: &HeaderMap, site: &Site) -> Self {
        cookies::value(headers, &site.cookie_name(COOKIE)).map_or(Self::Device, |value| Self::parse(&value))
    }

    /// The value of the button, and of `data-theme`; empty for the device's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Device => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Deserialize)]
pub(super) struct Choice {
    theme: String,
    #[serde(default)]
    back: String,
}

/// `POST /theme`: keeps the choice for a year, and goes back to the page it was made on.
pub(super) async fn choose(Extension(site): Extension<Arc<Site>>, Form(choice): Form<Choice>) -> Response {
    let mut cookie = Cookie::build((site.cookie_name(COOKIE), Theme::parse(&choice.theme).as_str()))
        .path("/")
        .http_only(true)
        .secure(site.secure)
        .same_site(SameSite::Lax);
    cookie = cookie.max_age(cookie::time::Duration::days(if choice.theme.is_empty() { 0 } else { 365 }));
    let header = [(header::SET_COOKIE, cookies::header_value(cookie.build()))];
    (header, see_other(local_path(&choice.back))).into_response()
}

/// A path of this server, or `/`. Browsers take `//host`, `/\host` and control characters for other hosts.
pub fn local_path(path: &str) -> &str {
    let safe = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.chars().all(|c| c.is_ascii_graphic());
    if safe { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn one_goes_back_to_this_server_only() {
        assert_eq!(local_path("/login?flow=1"), "/login?flow=1");
        for bad in ["", "//evil", "/\\evil", "https://evil", "/\t/evil", "/ /evil", "evil", "/a\u{0}"] {
            assert_eq!(local_path(bad), "/", "{bad:?}");
        }
    }
}
