use std::sync::Arc;

use askama::Template;
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Account, Stop, sessions::Nothing};
use crate::{
    app::App,
    http::{Failure, Form, NO_STORE, Page},
    mfa::{
        self, Method,
        passkeys::{self, Answer, RelyingParty},
    },
};

#[derive(Template)]
#[template(path = "account/pages/passkey.html", config = ".config/askama.toml")]
struct PasskeyPage<'a> {
    page: &'a Page,
    error: Option<String>,
}

/// The authenticator's answer, put into the form by the script.
#[derive(Deserialize)]
pub struct Answered {
    ceremony: Uuid,
    credential: String,
    name: String,
}

const HERE: &str = "/account/passkey";

pub async fn show(State(app): State<App>, account: Account) -> Result<Response, Stop> {
    party(&app)?;
    account.fresh(HERE)?;
    Ok(account.page.gate(StatusCode::OK, &PasskeyPage { page: &account.page, error: None }))
}

/// What the script gives to the browser. JSON, since no page is left.
pub async fn options(State(app): State<App>, account: Account, _: Form<Nothing>) -> Result<Response, Stop> {
    let party = party(&app)?;
    account.fresh(HERE)?;
    let (keys, user, now) = (Arc::clone(&app.master), account.user().clone(), account.now);
    let bound_to = account.session().id.into();
    let challenge = app
        .store
        .write(async move |tx| passkeys::begin_register(tx, (&party, &keys), &user, bound_to, now).await)
        .await?;
    Ok(([NO_STORE], Json(challenge)).into_response())
}

pub async fn enroll(State(app): State<App>, account: Account, Form(given): Form<Answered>) -> Result<Response, Stop> {
    let party = party(&app)?;
    account.fresh(HERE)?;
    let (user, bound_to) = (account.user().clone(), account.session().id.into());
    let answer = Answer { ceremony: given.ceremony, credential: given.credential };
    let place = (user.id, bound_to, given.name.as_str());
    let enrolled = passkeys::finish_register(&app.store, (&party, &app.master), place, &answer, account.now).await?;
    if let Err(refusal) = enrolled {
        let view = PasskeyPage { page: &account.page, error: Some(refusal.to_string()) };
        return Ok(account.page.gate(StatusCode::UNPROCESSABLE_ENTITY, &view));
    }
    let (keys, by, now) = (Arc::clone(&app.master), account.by.clone(), account.now);
    app.store.write(async move |tx| mfa::note_enrolled(tx, &keys, (&user, Method::Passkey), &by, now).await).await?;
    super::recovery_codes::after_enrolment(&app, &account).await
}

fn party(app: &App) -> Result<RelyingParty, Failure> {
    app.passkeys.clone().ok_or_else(Failure::not_found)
}
