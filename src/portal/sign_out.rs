use askama::Template;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    Portal, Trouble,
    in_process::OnBehalf,
    sign_in,
    visit::{self, Kept},
};
use crate::http::{ClientAddress, Form, Page, UserAgent, see_other};

/// The form has no field but its token.
#[derive(Deserialize)]
pub struct Nothing {}

/// `POST /portal/sign-out`: ends the portal's session, then the server's, and with it those of all products.
pub async fn sign_out(State(portal): State<Portal>, request: Request) -> Result<Response, Trouble> {
    let (mut parts, body) = request.into_parts();
    let secret = visit::secret(&portal, &parts);
    let Ok(address) = ClientAddress::from_request_parts(&mut parts, &portal).await;
    let Ok(agent) = UserAgent::from_request_parts(&mut parts, &portal).await;
    let request = Request::from_parts(parts, body);
    let form = <Form<Nothing> as axum::extract::FromRequest<Portal>>::from_request(request, &portal).await;
    form.map_err(Trouble::Failure)?;

    let now = portal.clock.now();
    let mut location = None;
    if let Some(secret) = secret
        && let Some(session) = portal.rows.find(&secret, now).await.map_err(Trouble::broken)?
    {
        portal.rows.delete(session.id).await.map_err(Trouble::broken)?;
        let kept: Kept = serde_json::from_slice(&session.kept).map_err(Trouble::broken)?;
        location = sign_in::logout_url(&portal, &OnBehalf { address, agent }, &kept.id_token, now).await;
    }
    let location = location.unwrap_or_else(|| portal.registration.post_logout_redirect_uri.clone());
    Ok(([(header::SET_COOKIE, visit::no_cookie(&portal))], see_other(&location)).into_response())
}

#[derive(Template)]
#[template(path = "portal/pages/signed_out.html", config = ".config/askama.toml")]
struct SignedOut<'a> {
    page: &'a Page,
}

/// `GET /portal/signed-out`: where one ends up.
pub async fn signed_out(page: Page) -> Response {
    page.gate(StatusCode::OK, &SignedOut { page: &page })
}
