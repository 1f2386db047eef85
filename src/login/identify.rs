//! `/login`: who are you?

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    outcome,
    step::{Located, Step, Visit, failed},
};
use crate::{
    app::App,
    http::{Form, Page, local_path, see_other},
    sessions::{
        self,
        flow::{self, Start},
    },
};

#[derive(Debug, Deserialize)]
pub(super) struct Opening {
    #[serde(default)]
    flow: String,
    /// Where to go afterwards, if nobody's request waits.
    back: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    flow: String,
    #[serde(default)]
    username: String,
    cancel: Option<String>,
}

#[derive(Template)]
#[template(path = "login/pages/identify.html", config = ".config/askama.toml")]
struct Identify<'a> {
    page: &'a Page,
    step: &'a Step,
    name: &'a str,
    error: Option<&'a str>,
    passkeys: bool,
}

/// Longer is no login name (RFC 5321: 320), but what was typed must fit a row.
const LONGEST: usize = 320;

/// `GET /login`: without a flow it begins one for this server's own pages.
pub(super) async fn show(visit: Visit, Query(opening): Query<Opening>) -> Result<Response, Response> {
    if opening.flow.is_empty() {
        return begin(visit, opening.back).await;
    }
    let step = Step::find(visit, &opening.flow).await?;
    // Going back from the password to the name is a matter of course.
    step.require(|at| matches!(at, Located::Identify | Located::Password)).await?;
    let state = &step.flow.state;
    let name = state.typed.as_deref().or(state.start.login_hint.as_deref()).unwrap_or_default();
    Ok(draw(&step, name, StatusCode::OK, None))
}

fn draw(step: &Step, name: &str, status: StatusCode, error: Option<&str>) -> Response {
    let page = &step.visit.page;
    page.gate(status, &Identify { page, step, name, error, passkeys: step.visit.app.passkeys.is_some() })
}

/// The first page again, with what was wrong.
pub(super) fn refuse(step: &Step, words: &str) -> Response {
    let name = step.flow.state.typed.as_deref().unwrap_or_default();
    draw(step, name, StatusCode::UNPROCESSABLE_ENTITY, Some(words))
}

async fn begin(visit: Visit, back: Option<String>) -> Result<Response, Response> {
    let back = back.filter(|path| local_path(path) == path);
    let secret = visit.session.secret.as_ref();
    let current = sessions::resume(&visit.app.store, secret, visit.now).await.map_err(failed)?;
    if current.is_some() {
        return Ok(see_other(back.as_deref().unwrap_or("/account")));
    }
    let (browser, now) = (visit.browser().hash(), visit.now);
    let start = Start { back, ..Start::default() };
    let flow = visit.app.store.write(async move |tx| flow::start(tx, &browser, None, &start, now).await).await;
    let flow = flow.map_err(failed)?;
    Ok((visit.browser().clone(), see_other(&Located::Identify.address(flow.id))).into_response())
}

/// `POST /login`: notes the name, whoever's it is.
pub(super) async fn submit(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    let step = Step::find(visit, &typed.flow).await?;
    step.cancelled(typed.cancel.as_ref()).await?;
    step.require(|at| matches!(at, Located::Identify | Located::Password)).await?;
    let name = typed.username.trim().to_owned();
    if name.is_empty() {
        return Ok(draw(&step, "", StatusCode::UNPROCESSABLE_ENTITY, Some("Type your e-mail address or login name.")));
    }
    if name.chars().count() > LONGEST {
        return Ok(draw(&step, "", StatusCode::UNPROCESSABLE_ENTITY, Some("No login name is that long.")));
    }
    let (flow, now) = (step.flow.clone(), step.visit.now);
    let noted = step.visit.app.store.write(async move |tx| flow::type_name(tx, &flow, &name, now).await).await;
    match noted.map_err(failed)? {
        Some(_) => Ok(see_other(&Located::Password.address(step.flow.id))),
        None => Err(super::step::over(&step.visit.page)),
    }
}

/// `POST /login/cancel`, for pages whose form goes elsewhere.
pub(super) async fn cancel(State(_): State<App>, visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    let step = Step::find(visit, &typed.flow).await?;
    Ok(outcome::cancel(&step).await)
}
