//! The app's few pages.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::{
    ProductApp, Registration,
    sessions::{Session, cookie},
};

#[derive(Template)]
#[template(path = "demo/apps/pages/home.html", config = ".config/askama.toml")]
struct Home<'a> {
    app: &'a Registration,
    session: Option<Shown>,
    signed_out: bool,
}

struct Shown {
    login: String,
    name: String,
    roles: Vec<String>,
    claims: String,
    access_token: String,
}

#[derive(Template)]
#[template(path = "demo/apps/pages/problem.html", config = ".config/askama.toml")]
struct Problem<'a> {
    app: &'a Registration,
    error: &'a str,
    text: &'a str,
}

/// `GET /`.
pub async fn home(State(app): State<ProductApp>, headers: HeaderMap) -> Response {
    let session = cookie(&headers, &app.session_cookie()).and_then(|id| app.sessions.find(id));
    page(StatusCode::OK, &Home { app: &app.registration, session: session.as_ref().map(shown), signed_out: false })
}

/// `GET /signed-out`: where the provider sends the browser after a logout.
pub async fn signed_out(State(app): State<ProductApp>) -> Response {
    page(StatusCode::OK, &Home { app: &app.registration, session: None, signed_out: true })
}

fn shown(session: &Session) -> Shown {
    let pretty = |value| serde_json::to_string_pretty(value).unwrap_or_default();
    let roles = session.access_claims.get("roles").and_then(|roles| roles.as_array());
    Shown {
        login: session.login.clone(),
        name: session.id_claims.get("name").and_then(|name| name.as_str()).unwrap_or(&session.login).to_owned(),
        roles: roles.into_iter().flatten().filter_map(|role| role.as_str().map(str::to_owned)).collect(),
        claims: pretty(&session.claims()),
        access_token: pretty(&session.access_claims),
    }
}

/// `GET /app.css`.
pub async fn style(State(app): State<ProductApp>) -> impl IntoResponse {
    let sheet = format!(":root {{ --brand: {}; }}\n{}", app.registration.colour, include_str!("pages/app.css"));
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], sheet)
}

/// A refusal, told to a person.
pub fn problem(app: &ProductApp, status: StatusCode, error: &str, text: &str) -> Response {
    page(status, &Problem { app: &app.registration, error, text })
}

/// The provider does not answer.
pub fn unreachable(app: &ProductApp, error: &anyhow::Error) -> Response {
    problem(app, StatusCode::BAD_GATEWAY, "provider_unreachable", &format!("{error:#}"))
}

/// Whether a form was sent from a page of this app. Our pages send no referrer, so browsers say `null` as
/// the origin of their forms; what they say of the site they cannot be made to say wrongly.
pub fn from_this_page(app: &ProductApp, headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site.as_bytes() == b"same-origin",
        None => headers.get(header::ORIGIN).is_none_or(|origin| origin.as_bytes() == app.registration.url.as_bytes()),
    }
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    let policy = "default-src 'none'; style-src 'self'; form-action *; frame-ancestors 'none'; base-uri 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    match template.render() {
        Ok(text) => (status, headers, Html(text)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
