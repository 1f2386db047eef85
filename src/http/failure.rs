use std::fmt::Display;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::store;

/// What a page's handler answers when it cannot go on. [`super::surround`] draws it as a page.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

impl Failure {
    /// A page with a title and one or two sentences: what happened, why, what to do.
    pub fn new(status: StatusCode, title: &'static str, text: &'static str) -> Self {
        Self { status, title, text }
    }

    /// Something broke. The cause is logged here; the person sees a reference.
    pub fn internal(cause: &dyn Display) -> Self {
        tracing::error!(%cause, "a page could not be made");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something broke on our side",
            "Nothing of what you sent was kept. Try again; if it happens again, tell your administrator the reference below.",
        )
    }

    /// Too much to do just now: ask again in a few seconds.
    pub fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many people are signing in at once",
            "Wait a few seconds and try again.",
        )
    }

    /// There is no such page, or none that this person may see.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such page", "The address may be mistyped, or the page is gone.")
    }

    /// A form that did not come from a page of ours in this browser.
    pub fn foreign_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This page is too old",
            "It was opened before this browser forgot its cookies, or another site sent you here. Open the page again and repeat the last step.",
        )
    }

    /// A form larger than any of ours.
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "That is too much", "The form is larger than this page accepts.")
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Failure {
    /// Plain text for whoever calls without [`super::surround`], which replaces it by a page.
    fn into_response(self) -> Response {
        let mut response = (self.status, self.title).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("3"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
