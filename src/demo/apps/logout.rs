//! Signing out: from here, and from the provider by a logout token.

use axum::{
    Form, Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use openidconnect::{ClientId, LogoutRequest, PostLogoutRedirectUrl};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ProductApp,
    log::LogoutSeen,
    pages, post_logout_redirect_uri,
    sessions::{Session, cookie, set_cookie},
    tokens,
};

/// The event that makes a JWT a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// `POST /sign-out`: ends the session here, then at the provider (RP-Initiated Logout 1.0).
pub async fn sign_out(State(app): State<ProductApp>, headers: HeaderMap) -> Response {
    if !pages::from_this_page(&app, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let session = cookie(&headers, &app.session_cookie()).and_then(|id| app.sessions.end(id));
    let target = match session {
        Some(session) => end_session_url(&app, &session).await.unwrap_or_else(|_| "/signed-out".to_owned()),
        None => "/".to_owned(),
    };
    let mut response = Redirect::to(&target).into_response();
    response.headers_mut().append(header::SET_COOKIE, set_cookie(&app.session_cookie(), ""));
    response
}

async fn end_session_url(app: &ProductApp, session: &Session) -> anyhow::Result<String> {
    let discovered = app.provider.discover(false).await?;
    let endpoint = discovered.metadata.additional_metadata().end_session_endpoint.clone();
    let endpoint = endpoint.ok_or_else(|| anyhow::anyhow!("the provider offers no logout"))?;
    let back = PostLogoutRedirectUrl::new(post_logout_redirect_uri(&app.registration.url))?;
    let hint: openidconnect::core::CoreIdToken = session.id_token.parse()?;
    let request = LogoutRequest::from(endpoint)
        .set_id_token_hint(&hint)
        .set_client_id(ClientId::new(app.registration.client_id.clone()))
        .set_post_logout_redirect_uri(back);
    Ok(request.http_get_url().into())
}

/// The body of a back-channel logout request.
#[derive(Deserialize)]
pub struct BackChannel {
    logout_token: String,
}

/// `POST /backchannel-logout` (Back-Channel Logout 1.0 §2.5 to §2.8).
pub async fn back_channel(State(app): State<ProductApp>, Form(form): Form<BackChannel>) -> Response {
    let outcome = obey(&app, &form.logout_token).await;
    let seen = |verdict: String, claims: Value, sessions_ended: usize| LogoutSeen {
        logout_token: form.logout_token.clone(),
        verdict,
        claims,
        sessions_ended,
    };
    let mut response = match &outcome {
        Ok(_) => StatusCode::OK.into_response(),
        Err(error) => {
            let body = json!({ "error": "invalid_request", "error_description": format!("{error:#}") });
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(match outcome {
        Ok((claims, ended)) => seen("valid".to_owned(), claims, ended),
        Err(error) => seen(format!("{error:#}"), Value::Null, 0),
    });
    response
}

async fn obey(app: &ProductApp, token: &str) -> anyhow::Result<(Value, usize)> {
    let claims = tokens::verify(app, token, "logout+jwt", &app.registration.client_id).await?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    anyhow::ensure!(claims.get("iat").is_some_and(Value::is_i64), "the token does not say when it was issued");
    anyhow::ensure!(claims.get("nonce").is_none(), "a logout token has no nonce");
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    anyhow::ensure!(event.is_some_and(Value::is_object), "the token carries no logout event");
    anyhow::ensure!(text("sub").is_some() || text("sid").is_some(), "the token names neither subject nor session");
    let token_id = text("jti").ok_or_else(|| anyhow::anyhow!("the token has no jti"))?;
    anyhow::ensure!(app.sessions.first_sight(token_id), "the token was seen before");
    let ended = app.sessions.end_of(text("sub"), text("sid"));
    Ok((claims, ended))
}
