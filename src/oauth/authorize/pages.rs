//! The pages of this endpoint: what cannot be redirected, who has no access, and the form that posts an answer.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::destination::Lost;
use crate::{
    http::{Colour, Page, Place},
    id::AuthorizationRequestId,
    products::Product,
    users::User,
};

#[derive(Template)]
#[template(path = "oauth/pages/refused.html", config = ".config/askama.toml")]
struct Refused<'a> {
    page: &'a Page,
    code: &'a str,
    text: &'a str,
}

/// An error that no client may be told (RFC 6749 §4.1.2.1): the person sees it.
pub(super) fn refused(page: &Page, code: &str, text: &str) -> Response {
    page.gate(StatusCode::BAD_REQUEST, &Refused { page, code, text })
}

/// The same for a request that leads nowhere.
pub(super) fn lost(page: &Page, lost: Lost) -> Response {
    refused(page, lost.code(), &lost.to_string())
}

/// The same for one that was answered, has expired, or is another browser's.
pub(super) fn over(page: &Page) -> Response {
    let text = "This sign-in was answered already, took too long, or began in another browser.";
    refused(page, "invalid_request", text)
}

#[derive(Template)]
#[template(path = "oauth/pages/no_access.html", config = ".config/askama.toml")]
struct NoAccess<'a> {
    page: &'a Page,
    product: &'a str,
    organization: &'a str,
    user: &'a User,
    initials: String,
    /// Whom to ask: an address, if anybody named one.
    contact: Option<&'a str>,
    request: AuthorizationRequestId,
}

/// Who is at which organization, and whom to ask there.
pub(super) struct Standing<'a> {
    pub user: &'a User,
    pub organization: &'a str,
    pub contact: Option<&'a str>,
}

/// No assignment, no token (C4): which product, whom to ask, and the way back to the client.
pub(super) fn no_access(
    page: &Page,
    product: &Product,
    standing: &Standing<'_>,
    request: AuthorizationRequestId,
) -> Response {
    let Standing { user, organization, contact } = *standing;
    let initials = crate::http::initials(user.name());
    let logo = product.branding.logo_uri.as_deref().and_then(|logo| url::Url::parse(logo).ok());
    let page = &page.clone().at(Some(Place {
        name: product.name.clone(),
        note: Some(format!("for {organization}")),
        icon: "shield",
        logo: logo.filter(|logo| logo.scheme() == "https"),
        brand: product.branding.color.as_deref().and_then(Colour::parse),
    }));
    let product = product.name.as_str();
    page.gate(StatusCode::FORBIDDEN, &NoAccess { page, product, organization, user, initials, contact, request })
}

#[derive(Template)]
#[template(path = "oauth/pages/form_post.html", config = ".config/askama.toml")]
struct FormPost<'a> {
    page: &'a Page,
    redirect_uri: &'a str,
    parameters: &'a [(&'static str, String)],
}

/// The answer as a form that the browser posts by itself, or by its button without script.
pub(super) fn form_post(page: &Page, redirect_uri: &str, parameters: &[(&'static str, String)]) -> Response {
    page.gate(StatusCode::OK, &FormPost { page, redirect_uri, parameters })
}
