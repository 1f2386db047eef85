//! The page that sets a password, shared by activation and reset: what differs is the link's purpose.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    outcome::{self, Context, Outcome, advance},
    step::{Visit, failed},
};
use crate::{
    access::{self, Subject},
    action_tokens::{self, ActionToken, Purpose},
    clock::Timestamp,
    http::{Failure, Page},
    organizations, products,
    secret::{Secret, SecretHash},
    sessions::flow::{self, Proof, Start},
    store::{self, Db, Tx},
    users::{self, User, password, password::PasswordHash},
};

/// The query of a mailed link.
#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    pub token: String,
}

#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    token: String,
    #[serde(default)]
    new_password: String,
    #[serde(default)]
    new_password_again: String,
}

#[derive(Template)]
#[template(path = "login/pages/new_password.html", config = ".config/askama.toml")]
struct NewPassword<'a> {
    page: &'a Page,
    first: bool,
    token: &'a str,
    login: &'a str,
    organization: &'a str,
    until: &'a str,
    minimum: usize,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "login/pages/link_over.html", config = ".config/askama.toml")]
struct LinkOver<'a> {
    page: &'a Page,
    first: bool,
}

/// A link that opens, and whose it is.
struct Opened {
    token: ActionToken,
    user: User,
    organization: String,
    minimum: usize,
}

/// `GET`: looks, and spends nothing; mail scanners may come as often as they like (row 59).
pub(super) async fn show(visit: &Visit, link: &Link, purpose: Purpose) -> Result<Response, Response> {
    let secret = Secret::from_text(link.token.as_str());
    let opened = open(visit, &secret, purpose).await?;
    Ok(draw(visit, &opened, &link.token, StatusCode::OK, None))
}

async fn open(visit: &Visit, secret: &Secret, purpose: Purpose) -> Result<Opened, Response> {
    look(visit, secret, purpose).await.map_err(failed)?.ok_or_else(|| over(visit, purpose))
}

async fn look(visit: &Visit, secret: &Secret, purpose: Purpose) -> store::Result<Option<Opened>> {
    let mut db = visit.app.store.reader().await?;
    let Some(token) = action_tokens::peek(&mut db, secret, visit.now).await? else { return Ok(None) };
    if token.purpose != purpose {
        return Ok(None);
    }
    let Some(user) = users::find(&mut db, token.user_id).await? else { return Ok(None) };
    let has_password = password::find(&mut db, user.id).await?.is_some();
    if !may_use(&user, has_password, purpose) || !organizations::is_active(&mut db, user.organization_id).await? {
        return Ok(None);
    }
    let organization = super::step::organization_name(&mut db, &user).await?;
    let minimum = organizations::effective_policy(&mut db, user.organization_id).await?.password_minimum;
    Ok(Some(Opened { token, user, organization, minimum }))
}

/// An invited person activates, or takes up an active account made for them without a password; others reset.
fn may_use(user: &User, has_password: bool, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Activate => match user.status {
            users::Status::Invited => true,
            users::Status::Active => !has_password,
            _ => false,
        },
        _ => user.status == users::Status::Active,
    }
}

/// Expired, used, or never was: the same page.
fn over(visit: &Visit, purpose: Purpose) -> Response {
    let page = &visit.page;
    page.gate(StatusCode::GONE, &LinkOver { page, first: purpose == Purpose::Activate })
}

fn draw(visit: &Visit, opened: &Opened, token: &str, status: StatusCode, error: Option<&str>) -> Response {
    let page = &visit.page;
    let until = opened.token.expires_at.to_chrono().format("%-d %B %Y, %H:%M UTC").to_string();
    page.gate(
        status,
        &NewPassword {
            page,
            first: opened.token.purpose == Purpose::Activate,
            token,
            login: opened.user.login_name.as_given(),
            organization: &opened.organization,
            until: &until,
            minimum: opened.minimum,
            error,
        },
    )
}

/// `POST`: spends the link, sets the password, and begins a sign-in with it.
pub(super) async fn submit(visit: &Visit, typed: Typed, purpose: Purpose) -> Result<Response, Response> {
    let secret = Secret::from_text(typed.token.as_str());
    let opened = open(visit, &secret, purpose).await?;
    let refuse = |words: &str| draw(visit, &opened, &typed.token, StatusCode::UNPROCESSABLE_ENTITY, Some(words));
    if typed.new_password != typed.new_password_again {
        return Ok(refuse("The two are not the same. Type the new password twice."));
    }
    let user = &opened.user;
    let words = [user.login_name.as_given(), user.name(), &user.given_name, &user.family_name, &opened.organization];
    if let Err(weak) = password::check_strength(&typed.new_password, &words, opened.minimum) {
        return Ok(refuse(&weak.to_string()));
    }
    let Ok(hash) = visit.app.passwords.hash(Secret::from_text(typed.new_password)).await else {
        return Err(Failure::busy().into_response());
    };
    let new = Setting { secret, purpose, hash, user: user.clone(), browser: visit.browser().hash() };
    let (context, now) = (visit.context().await.map_err(failed)?, visit.now);
    let unit = async move |tx: &mut Tx<'_>| set(tx, &context, &new, now).await;
    let outcome = visit.app.store.write(unit).await.map_err(failed)?;
    visit.app.wake.ring();
    match outcome {
        Some(outcome) => Ok(outcome::go(visit.browser(), &visit.session, outcome)),
        None => Err(over(visit, purpose)),
    }
}

/// A new password on its way into the database.
struct Setting {
    secret: Secret,
    purpose: Purpose,
    hash: PasswordHash,
    user: User,
    browser: SecretHash,
}

/// One write: of racing requests with one link, one gets through. `None` for the others.
async fn set(tx: &mut Tx<'_>, context: &Context, new: &Setting, now: Timestamp) -> store::Result<Option<Outcome>> {
    let Some(token) = action_tokens::consume(tx, &new.secret, new.purpose, now).await? else { return Ok(None) };
    let user = &new.user;
    if token.user_id != user.id {
        return Ok(None);
    }
    let mut context = context.clone();
    let done = match new.purpose {
        Purpose::Activate => super::activate::activate(tx, &context, (user, &new.hash), now).await?,
        _ => {
            let done = super::reset::reset(tx, &context, (user, &new.hash), now).await?;
            // Their own session has ended with the others; another's is still here, and ends when this begins.
            context.current = context.current.filter(|current| current.user.id != user.id);
            done
        }
    };
    if !done {
        return Ok(None);
    }
    // The link came to the stored address: whoever has it reads mail there.
    if user.email_verified_at.is_none() {
        users::verify_email(tx, user.id, now).await?;
    }
    let Some(user) = users::find(tx, user.id).await? else { return Ok(None) };
    let start = Start { back: landing(tx, &user, now).await?, ..Start::default() };
    let flow = flow::start(tx, &new.browser, None, &start, now).await?;
    let proven = flow::prove(tx, &flow, user.id, Proof::password(now), now).await?;
    Ok(Some(advance(tx, &context, proven, &user, now).await?))
}

/// Where the person lands (P3): the portal, for those who hold something there; else their account.
async fn landing(db: &mut Db<'_>, user: &User, now: Timestamp) -> store::Result<Option<String>> {
    let Some(portal) = products::find_by_slug(db, products::portal::SLUG).await? else { return Ok(None) };
    let held = access::entitlement(db, Subject::User(user.id), portal.id, now).await?;
    Ok(held.map(|_| "/portal".to_owned()))
}
