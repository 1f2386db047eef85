//! The second factor's code: from an app, by e-mail, or put away for the day of need.

use std::sync::Arc;

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{
    letters, outcome,
    outcome::{Context, Outcome, advance},
    step::{FlowQuery, Located, Step, Visit, failed},
    tries::{self, Tries},
};
use crate::{
    attempts::Verdict,
    clock::Timestamp,
    http::{Form, Page, see_other},
    mfa::{
        self, BoundTo, Factor, Method,
        email_code::{self, NotSent},
        recovery_codes, totp,
    },
    sessions::flow::{self, LoginFlow, Proof},
    store::{self, Tx},
    users::{User, password},
};

#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    flow: String,
    #[serde(default)]
    code: String,
    /// "Send a new one".
    again: Option<String>,
    cancel: Option<String>,
}

#[derive(Template)]
#[template(path = "login/pages/code.html", config = ".config/askama.toml")]
struct Code<'a> {
    page: &'a Page,
    step: &'a Step,
    method: Method,
    /// Of which app, to which mailbox.
    whose: &'a str,
    others: bool,
    error: Option<&'a str>,
}

/// Mails a code that is good in this flow only.
pub(super) async fn send(step: &Step) -> Result<Result<(), NotSent>, Response> {
    let (user, master) = (step.known_user().await?, Arc::clone(&step.visit.app.master));
    let (bound_to, now) = (BoundTo::from(step.flow.id), step.visit.now);
    let unit = async move |tx: &mut Tx<'_>| email_code::send(tx, &master, &user, bound_to, now).await;
    let sent = step.visit.app.store.write(unit).await.map_err(failed)?;
    step.visit.app.wake.ring();
    Ok(sent)
}

async fn draw_code(
    step: &Step,
    (method, others): (Method, bool),
    (status, error): (StatusCode, Option<&str>),
) -> Result<Response, Response> {
    let user = step.known_user().await?;
    let whose = match method {
        Method::Email => letters::masked(user.email.as_deref().unwrap_or_default()),
        _ => {
            let mut db = step.visit.app.store.reader().await.map_err(failed)?;
            let factors = mfa::enrolled(&mut db, user.id).await.map_err(failed)?;
            name_of(&factors, method)
        }
    };
    let page = &step.visit.page;
    Ok(page.gate(status, &Code { page, step, method, whose: &whose, others, error }))
}

/// The app's name, where there is only one.
fn name_of(factors: &[Factor], method: Method) -> String {
    match factors.iter().filter(|factor| factor.method == method).collect::<Vec<_>>()[..] {
        [only] => only.name.clone(),
        _ => "your authenticator app".to_owned(),
    }
}

/// The page of `method`, if it is offered now; says whether others are too.
async fn at(step: &Step, method: Method) -> Result<bool, Response> {
    match step.require(|at| matches!(at, Located::Challenge(all) if all.contains(&method))).await? {
        Located::Challenge(methods) => Ok(methods.len() > 1),
        _ => Ok(false),
    }
}

async fn show(visit: Visit, flow: &str, method: Method) -> Result<Response, Response> {
    let step = Step::find(visit, flow).await?;
    let others = at(&step, method).await?;
    draw_code(&step, (method, others), (StatusCode::OK, None)).await
}

pub(super) async fn show_totp(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    show(visit, &query.flow, Method::Totp).await
}

pub(super) async fn show_email(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    show(visit, &query.flow, Method::Email).await
}

pub(super) async fn show_recovery(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    show(visit, &query.flow, Method::Recovery).await
}

pub(super) async fn submit_totp(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    submit(visit, typed, Method::Totp).await
}

pub(super) async fn submit_email(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    submit(visit, typed, Method::Email).await
}

pub(super) async fn submit_recovery(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    submit(visit, typed, Method::Recovery).await
}

/// How a code was judged.
enum Judged {
    Right(Outcome),
    Wrong { left: i64 },
    Paused { until: Timestamp },
}

async fn submit(visit: Visit, typed: Typed, method: Method) -> Result<Response, Response> {
    let step = Step::find(visit, &typed.flow).await?;
    step.cancelled(typed.cancel.as_ref()).await?;
    let others = at(&step, method).await?;
    if typed.again.is_some() {
        return send_again(&step, others).await;
    }
    let user = step.known_user().await?;
    let (app, now) = (&step.visit.app, step.visit.now);
    let context = step.visit.context().await.map_err(failed)?;
    let tries = Tries::of_challenge(&app.config.limits, &user, method, step.visit.address);
    let flow = step.flow.clone();
    let unit =
        async move |tx: &mut Tx<'_>| judge(tx, (&context, &flow), (&user, &tries), (method, &typed.code), now).await;
    match app.store.write(unit).await.map_err(failed)? {
        Judged::Right(outcome) => Ok(outcome::respond(&step, outcome)),
        Judged::Wrong { left } => {
            let words = format!("{} {}", what_was_wrong(method), tries::warning(&app.config.limits, left));
            draw_code(&step, (method, others), (StatusCode::UNPROCESSABLE_ENTITY, Some(&words))).await
        }
        Judged::Paused { until } => {
            let words = format!("There were too many wrong codes. {}", tries::pause_words(until, now));
            draw_code(&step, (method, others), (StatusCode::TOO_MANY_REQUESTS, Some(&words))).await
        }
    }
}

async fn send_again(step: &Step, others: bool) -> Result<Response, Response> {
    match send(step).await? {
        Ok(()) => Ok(see_other(&format!("/login/email?flow={}", step.flow.id))),
        Err(not_sent) => {
            let words = not_sent.to_string();
            draw_code(step, (Method::Email, others), (StatusCode::TOO_MANY_REQUESTS, Some(&words))).await
        }
    }
}

fn what_was_wrong(method: Method) -> &'static str {
    match method {
        Method::Totp => "This code is wrong, too old, or was used before. Wait for the next one in your app.",
        Method::Email => "This is not the code we sent last, or it is older than ten minutes.",
        _ => "This is none of your recovery codes, or it was used before.",
    }
}

/// Counts the try, judges the code, and goes on: one write, so that no parallel try slips by.
async fn judge(
    tx: &mut Tx<'_>,
    (context, flow): (&Context, &LoginFlow),
    (user, tries): (&User, &Tries),
    (method, code): (Method, &str),
    now: Timestamp,
) -> store::Result<Judged> {
    let left = match tries.count(tx, now).await? {
        Verdict::Go { left } => left,
        Verdict::Paused { until } => return Ok(Judged::Paused { until }),
    };
    let master = &context.master;
    let right = match method {
        Method::Totp => totp::verify(tx, master, user.id, code, now).await?.is_some(),
        Method::Email => email_code::verify(tx, master, (user.id, BoundTo::from(flow.id)), code, now).await?,
        Method::Recovery => recovery_codes::consume(tx, user.id, code, now).await?,
        Method::Passkey => false,
    };
    if !right {
        tries.wrong(tx, context, (user, tries::word(method), left), now).await?;
        return Ok(Judged::Wrong { left });
    }
    tries.forgive(tx).await?;
    if method != Method::Email {
        // Security.md section 0.1: something other than the mailbox has stood beside the password.
        password::confirm(tx, user.id, now).await?;
    }
    let proven = flow::prove(tx, flow, user.id, Proof::second(method, now), now).await?;
    Ok(Judged::Right(advance(tx, context, proven, user, now).await?))
}
