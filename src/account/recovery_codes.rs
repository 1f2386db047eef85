use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{Account, Stop, sessions::Nothing, words};
use crate::{
    app::App,
    http::{Failure, Form, NO_STORE, Page, see_other},
    mfa::{self, recovery_codes},
    secret::Secret,
};

#[derive(Template)]
#[template(path = "account/pages/recovery_codes.html", config = ".config/askama.toml")]
struct CodesPage<'a> {
    page: &'a Page,
    codes: Vec<&'a str>,
    login: &'a str,
    made: String,
}

#[derive(Template)]
#[template(path = "account/pages/recovery_codes_ask.html", config = ".config/askama.toml")]
struct AskPage<'a> {
    page: &'a Page,
    remaining: i64,
}

/// The codes themselves, sent back by the page that shows them: nothing keeps them in between.
#[derive(Deserialize)]
pub struct Shown {
    codes: String,
}

const HERE: &str = "/account/recovery-codes";

/// Asks before the old codes are made worthless.
pub async fn show(State(app): State<App>, account: Account) -> Result<Response, Stop> {
    account.fresh(HERE)?;
    let remaining = recovery_codes::remaining(&mut app.store.reader().await?, account.user().id).await?;
    Ok(account.page.gate(StatusCode::OK, &AskPage { page: &account.page, remaining }))
}

/// Makes a new set and shows it, once.
pub async fn renew(State(app): State<App>, account: Account, _: Form<Nothing>) -> Result<Response, Stop> {
    account.fresh(HERE)?;
    if mfa::enrolled(&mut app.store.reader().await?, account.user().id).await?.is_empty() {
        // Codes stand in for a factor; there is none.
        return Ok(see_other("/account"));
    }
    make(&app, &account).await
}

/// After a factor was added: shows recovery codes if the person has none left, else goes back.
pub async fn after_enrolment(app: &App, account: &Account) -> Result<Response, Stop> {
    if recovery_codes::remaining(&mut app.store.reader().await?, account.user().id).await? > 0 {
        return Ok(see_other("/account?done=added"));
    }
    make(app, account).await
}

async fn make(app: &App, account: &Account) -> Result<Response, Stop> {
    let (keys, user, by, now) = (Arc::clone(&app.master), account.user().clone(), account.by.clone(), account.now);
    let codes = app.store.write(async move |tx| mfa::renew_recovery_codes(tx, &keys, &user, &by, now).await).await?;
    let view = CodesPage {
        page: &account.page,
        codes: codes.iter().map(Secret::expose).collect(),
        login: account.user().login_name.as_given(),
        made: words::when(now),
    };
    Ok(account.page.gate(StatusCode::OK, &view))
}

/// The codes as a file, for browsers without script.
pub async fn file(_: Account, Form(Shown { codes }): Form<Shown>) -> Result<Response, Stop> {
    let looks_right = codes.len() < 1024 && codes.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' '));
    if !looks_right {
        return Err(Failure::not_found().into());
    }
    let text =
        format!("Recovery codes. Each works once.\r\n\r\n{}\r\n", codes.split(' ').collect::<Vec<_>>().join("\r\n"));
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"recovery-codes.txt\""),
    ];
    Ok((headers, [NO_STORE], text).into_response())
}
