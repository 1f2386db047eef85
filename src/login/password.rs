//! `/login/password`: for whoever was typed, at the same cost.

use askama::Template;
use axum::{
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    events,
    outcome::{self, Context, advance},
    step::{FlowQuery, Located, Step, Visit, failed},
    tries::{self, Tries},
};
use crate::{
    attempts,
    http::{Failure, Form, Page},
    products,
    secret::Secret,
    sessions::flow::{self, LoginFlow, Proof},
    store::{self, Db},
    users::{
        self, LoginName, Realm, Status, User,
        password::{self, PasswordHash, Verdict},
    },
};

#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    flow: String,
    #[serde(default)]
    password: String,
    cancel: Option<String>,
}

#[derive(Template)]
#[template(path = "login/pages/password.html", config = ".config/askama.toml")]
struct PasswordPage<'a> {
    page: &'a Page,
    step: &'a Step,
    name: &'a str,
    error: Option<(&'a str, String)>,
}

/// `GET /login/password`.
pub(super) async fn show(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    step.require(|at| *at == Located::Password).await?;
    Ok(draw(&step, StatusCode::OK, None))
}

fn draw(step: &Step, status: StatusCode, error: Option<(&str, String)>) -> Response {
    let page = &step.visit.page;
    let name = step.flow.state.typed.as_deref().unwrap_or_default();
    page.gate(status, &PasswordPage { page, step, name, error })
}

/// `POST /login/password`: counts the try, then looks at the password, then says what was wrong: the
/// same for a wrong password, an unknown name, and an account that may not sign in.
pub(super) async fn submit(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    let step = Step::find(visit, &typed.flow).await?;
    step.cancelled(typed.cancel.as_ref()).await?;
    step.require(|at| *at == Located::Password).await?;
    let (app, now) = (&step.visit.app, step.visit.now);
    let name = step.flow.state.typed.clone().unwrap_or_default();
    let mut db = app.store.reader().await.map_err(failed)?;
    let user = find(&mut db, &step.flow, &name).await.map_err(failed)?;
    let stored = match &user {
        Some(user) => password::find(&mut db, user.id).await.map_err(failed)?,
        None => None,
    };
    drop(db);
    let prepared = users::prepare_email(&name);
    let tries = Tries::of_password(&app.config.limits, user.as_ref(), &prepared, step.visit.address);
    let left = match app
        .store
        .write({
            let tries = tries.clone();
            async move |tx| tries.count(tx, now).await
        })
        .await
    {
        Ok(attempts::Verdict::Go { left }) => left,
        Ok(attempts::Verdict::Paused { until }) => {
            let words = ("This login is paused after too many tries", tries::pause_words(until, now));
            return Ok(draw(&step, StatusCode::TOO_MANY_REQUESTS, Some(words)));
        }
        Err(error) => return Err(failed(error)),
    };
    let hash = stored.map(|stored| stored.hash);
    let plain = Secret::from_text(typed.password);
    let busy = |_| Failure::busy().into_response();
    let verdict = app.passwords.verify(plain.clone(), hash.clone()).await.map_err(busy)?;
    // Right, but hashed at another cost than today's, as imported ones are (C8).
    let renewed = match verdict {
        Verdict::RightOutdated => Some(app.passwords.hash(plain).await.map_err(busy)?),
        _ => None,
    };
    let context = step.visit.context().await.map_err(failed)?;
    let may_enter = user.as_ref().is_some_and(|user| user.status == Status::Active);
    match (user, hash) {
        (Some(user), Some(verified)) if verdict.is_right() && may_enter => {
            right(&step, context, Right { user, verified, renewed, tries, left }).await
        }
        (user, _) => wrong(&step, context, (user, tries, left)).await,
    }
}

/// A password that was right when it was looked at.
struct Right {
    user: User,
    verified: PasswordHash,
    /// At today's cost, if `verified` is not.
    renewed: Option<PasswordHash>,
    tries: Tries,
    left: i64,
}

async fn right(step: &Step, context: Context, right: Right) -> Result<Response, Response> {
    let (flow, now, left) = (step.flow.clone(), step.visit.now, right.left);
    let unit = async move |tx: &mut store::Tx<'_>| {
        let Right { user, verified, renewed, tries, left } = &right;
        // A reset or a change that came meanwhile has ended what the old password could begin.
        if !password::stands(tx, user.id, verified, renewed.as_ref()).await? {
            tries.wrong(tx, &context, (user, "password", *left), now).await?;
            return Ok(None);
        }
        tries.forgive(tx).await?;
        let proven = flow::prove(tx, &flow, user.id, Proof::password(now), now).await?;
        advance(tx, &context, proven, user, now).await.map(Some)
    };
    match step.visit.app.store.write(unit).await.map_err(failed)? {
        Some(outcome) => Ok(outcome::respond(step, outcome)),
        None => Ok(draw_wrong(step, left)),
    }
}

fn draw_wrong(step: &Step, left: i64) -> Response {
    let words = format!("Check Caps Lock and try again. {}", tries::warning(&step.visit.app.config.limits, left));
    draw(step, StatusCode::UNPROCESSABLE_ENTITY, Some(("That password does not match this login", words)))
}

async fn wrong(
    step: &Step,
    context: Context,
    (user, tries, left): (Option<User>, Tries, i64),
) -> Result<Response, Response> {
    let now = step.visit.now;
    let unit = async move |tx: &mut store::Tx<'_>| match &user {
        Some(user) => tries.wrong(tx, &context, (user, "password", left), now).await,
        // A write as well: the time of an unknown name is that of a known one.
        None => events::unknown(tx, &context, now).await,
    };
    step.visit.app.store.write(unit).await.map_err(failed)?;
    Ok(draw_wrong(step, left))
}

/// Whose name this is: in the realm of the product to be entered, else in the portal's, else in the one
/// product that has it; by its verified address at last. Never more than one person, and always the same
/// questions, so that the time does not tell where it was found.
async fn find(db: &mut Db<'_>, flow: &LoginFlow, typed: &str) -> store::Result<Option<User>> {
    let Ok(name) = LoginName::parse(typed) else { return Ok(None) };
    let mut found = Vec::new();
    found.extend(users::find_by_login_name(db, Realm::Portal, &name).await?);
    for product in products::list(db).await? {
        if let Some(user) = users::find_by_login_name(db, Realm::Product(product.id), &name).await? {
            // Who belongs to the product to be entered comes before all others.
            let at = if flow.state.start.product_id == Some(product.id) { 0 } else { found.len() };
            found.insert(at, user);
        }
    }
    let mut by_address = users::find_by_email(db, Realm::Portal, typed).await?;
    by_address.retain(|user| user.email_verified_at.is_some());
    if let (true, 1) = (found.is_empty(), by_address.len()) {
        found = by_address;
    }
    Ok(found.into_iter().next())
}
