use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{Account, Stop, sessions::Nothing};
use crate::{
    app::App,
    http::{Form, Page, see_other},
    mfa::{
        self, Method,
        totp::{self, Confirmation, NotConfirmed, Setup},
    },
    store::{Result as Stored, Tx},
};

#[derive(Template)]
#[template(path = "account/pages/totp.html", config = ".config/askama.toml")]
struct TotpPage<'a> {
    page: &'a Page,
    qr: String,
    /// In groups of four, as people read it aloud.
    key: String,
    uri: String,
    login: &'a str,
    error: Option<String>,
}

/// What the person typed.
#[derive(Deserialize)]
pub struct Typed {
    code: String,
    name: String,
}

const HERE: &str = "/account/totp";

/// Begins a set-up; the live factors stay as they are.
pub async fn begin(State(app): State<App>, account: Account, _: Form<Nothing>) -> Result<Response, Stop> {
    account.fresh("/account")?;
    let (keys, user, now) = (Arc::clone(&app.master), account.user().id, account.now);
    let bound_to = account.session().id.into();
    app.store.write(async move |tx| totp::begin(tx, &keys, user, bound_to, now).await.map(|_| ())).await?;
    Ok(see_other(HERE))
}

/// The picture and the key of the set-up that this session has under way.
pub async fn show(State(app): State<App>, account: Account) -> Result<Response, Stop> {
    account.fresh(HERE)?;
    let mut db = app.store.reader().await?;
    let bound_to = account.session().id.into();
    match totp::pending(&mut db, &app.master, account.user().id, bound_to, account.now).await? {
        Some(setup) => Ok(draw(&app, &account, &setup, StatusCode::OK, None)),
        None => Ok(see_other("/account")),
    }
}

pub async fn confirm(State(app): State<App>, account: Account, Form(typed): Form<Typed>) -> Result<Response, Stop> {
    account.fresh(HERE)?;
    let (keys, user, by, now) = (Arc::clone(&app.master), account.user().clone(), account.by.clone(), account.now);
    let bound_to = account.session().id.into();
    let confirmed = app
        .store
        .write(async move |tx: &mut Tx<'_>| -> Stored<Result<(), NotConfirmed>> {
            let confirmation = Confirmation { code: &typed.code, name: &typed.name };
            match totp::confirm(tx, &keys, (user.id, bound_to), confirmation, now).await? {
                Ok(_) => mfa::note_enrolled(tx, &keys, (&user, Method::Totp), &by, now).await.map(Ok),
                Err(refusal) => {
                    mfa::note_enrolment_refused(tx, &keys, (&user, Method::Totp), &by, now).await?;
                    Ok(Err(refusal))
                }
            }
        })
        .await?;
    let refusal = match confirmed {
        Ok(()) => return super::recovery_codes::after_enrolment(&app, &account).await,
        Err(refusal) => refusal,
    };
    let mut db = app.store.reader().await?;
    match totp::pending(&mut db, &app.master, account.user().id, bound_to, account.now).await? {
        Some(setup) => Ok(draw(&app, &account, &setup, StatusCode::UNPROCESSABLE_ENTITY, Some(refusal.to_string()))),
        None => Ok(see_other("/account")),
    }
}

fn draw(app: &App, account: &Account, setup: &Setup, status: StatusCode, error: Option<String>) -> Response {
    let issuer = &app.config.webauthn.rp_name;
    let login = account.user().login_name.as_given();
    let key = setup.text_key();
    let groups: Vec<&str> = (0..key.len()).step_by(4).map(|at| &key[at..(at + 4).min(key.len())]).collect();
    let view = TotpPage {
        page: &account.page,
        qr: setup.qr_svg(issuer, login),
        key: groups.join(" "),
        uri: setup.uri(issuer, login),
        login,
        error,
    };
    account.page.gate(status, &view)
}
