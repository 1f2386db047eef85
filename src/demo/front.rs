//! One public URL: WebAuthn and cookies belong to a host name, so a browser that came by another name
//! or address is led to the right one.

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::app::App;

/// A GET at another host answers 308 to the public URL; everything else passes.
pub async fn lead_to_public_url(State(app): State<App>, request: Request, next: Next) -> Response {
    let public = &app.config.public_url;
    let authority = &public[url::Position::BeforeHost..url::Position::AfterPort];
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let elsewhere = host.is_some_and(|host| !host.eq_ignore_ascii_case(authority));
    if !elsewhere || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, app.config.url(path))]).into_response()
}
