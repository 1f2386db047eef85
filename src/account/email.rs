use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{Account, Stop, sessions::Nothing};
use crate::{
    app::App,
    http::{Failure, Form, Page, see_other},
    mfa::{self, Method, email_code},
    organizations,
    store::{Db, Result as Stored, Tx},
    users::User,
};

#[derive(Template)]
#[template(path = "account/pages/email.html", config = ".config/askama.toml")]
struct EmailPage<'a> {
    page: &'a Page,
    address: &'a str,
    error: Option<String>,
}

#[derive(Deserialize)]
pub struct Typed {
    code: String,
}

const HERE: &str = "/account/email";

/// Sends a code to the account's own address, to prove once more that it is read.
pub async fn send(State(app): State<App>, account: Account, _: Form<Nothing>) -> Result<Response, Stop> {
    account.fresh("/account")?;
    is_allowed(&mut app.store.reader().await?, account.user()).await?;
    let (keys, user, now) = (Arc::clone(&app.master), account.user().clone(), account.now);
    let bound_to = account.session().id.into();
    let sent = app.store.write(async move |tx| email_code::send(tx, &keys, &user, bound_to, now).await).await?;
    match sent {
        Ok(()) => {
            app.wake.ring();
            Ok(see_other(HERE))
        }
        Err(refusal) => Ok(draw(&account, StatusCode::TOO_MANY_REQUESTS, Some(refusal.to_string()))),
    }
}

pub async fn show(account: Account) -> Result<Response, Stop> {
    account.fresh(HERE)?;
    Ok(draw(&account, StatusCode::OK, None))
}

pub async fn confirm(State(app): State<App>, account: Account, Form(typed): Form<Typed>) -> Result<Response, Stop> {
    account.fresh(HERE)?;
    is_allowed(&mut app.store.reader().await?, account.user()).await?;
    let (keys, user, by, now) = (Arc::clone(&app.master), account.user().clone(), account.by.clone(), account.now);
    let bound_to = account.session().id.into();
    let enrolled = app
        .store
        .write(async move |tx: &mut Tx<'_>| -> Stored<bool> {
            if !email_code::verify(tx, &keys, (user.id, bound_to), &typed.code, now).await? {
                mfa::note_enrolment_refused(tx, &keys, (&user, Method::Email), &by, now).await?;
                return Ok(false);
            }
            email_code::enroll(tx, &keys, user.id, now).await?;
            mfa::note_enrolled(tx, &keys, (&user, Method::Email), &by, now).await?;
            Ok(true)
        })
        .await?;
    if enrolled {
        return super::recovery_codes::after_enrolment(&app, &account).await;
    }
    let words = "This code is wrong, was used, or is too old. Five wrong tries end it; then ask for a new one.";
    Ok(draw(&account, StatusCode::UNPROCESSABLE_ENTITY, Some(words.to_owned())))
}

/// Whether the organization allows codes by e-mail, and this account's mailbox may vouch for it.
async fn is_allowed(db: &mut Db<'_>, user: &User) -> Result<(), Stop> {
    let methods = organizations::effective_policy(db, user.organization_id).await?.methods;
    if methods.contains(&Method::Email) && mfa::mailbox_counts(db, user).await? {
        return Ok(());
    }
    let title = "Codes by e-mail cannot be added now";
    let text = "Your organization does not allow them, your address is not verified, or your password was reset by \
                mail and no other factor has confirmed it since. Add an authenticator app or a passkey instead.";
    Err(Failure::new(StatusCode::FORBIDDEN, title, text).into())
}

fn draw(account: &Account, status: StatusCode, error: Option<String>) -> Response {
    let address = account.user().email.as_deref().unwrap_or_default();
    account.page.gate(status, &EmailPage { page: &account.page, address, error })
}
