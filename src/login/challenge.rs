//! The second factor: which, and its code.

use std::sync::Arc;

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{
    letters, outcome,
    outcome::{Context, Outcome, advance, challenge_path},
    step::{FlowQuery, Located, Step, Visit, failed, organization_name},
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

#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    flow: String,
    #[serde(default)]
    method: String,
    cancel: Option<String>,
}

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

/// One of the person's methods, as the page offers it.
struct Offer {
    method: Method,
    icon: &'static str,
    title: &'static str,
    note: String,
}

#[derive(Template)]
#[template(path = "login/pages/challenge.html", config = ".config/askama.toml")]
struct Choose<'a> {
    page: &'a Page,
    step: &'a Step,
    organization: &'a str,
    offers: &'a [Offer],
    error: Option<&'a str>,
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

#[derive(Template)]
#[template(path = "login/pages/stuck.html", config = ".config/askama.toml")]
struct Stuck<'a> {
    page: &'a Page,
    step: &'a Step,
    organization: &'a str,
}

/// `GET /login/challenge`: the methods that count now.
pub(super) async fn choose(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    draw_choice(&step, StatusCode::OK, None).await
}

async fn draw_choice(step: &Step, status: StatusCode, error: Option<&str>) -> Result<Response, Response> {
    let Located::Challenge(methods) = step.require(|at| matches!(at, Located::Challenge(_))).await? else {
        return Err(super::step::over(&step.visit.page));
    };
    let user = step.known_user().await?;
    let (organization, offers) = offers(step, &user, &methods).await.map_err(failed)?;
    let page = &step.visit.page;
    let (organization, offers) = (organization.as_str(), offers.as_slice());
    Ok(page.gate(status, &Choose { page, step, organization, offers, error }))
}

async fn offers(step: &Step, user: &User, methods: &[Method]) -> store::Result<(String, Vec<Offer>)> {
    let mut db = step.visit.app.store.reader().await?;
    let factors = mfa::enrolled(&mut db, user.id).await?;
    let left = recovery_codes::remaining(&mut db, user.id).await?;
    let names = |method: Method| {
        let names: Vec<&str> = factors.iter().filter(|f| f.method == method).map(|f| f.name.as_str()).collect();
        names.join(", ")
    };
    let offer = |&method: &Method| match method {
        Method::Passkey => Offer { method, icon: "fingerprint", title: "Passkey or security key", note: names(method) },
        Method::Totp => Offer { method, icon: "phone", title: "Code from your authenticator app", note: names(method) },
        Method::Email => {
            let note = format!("To {}", letters::masked(user.email.as_deref().unwrap_or_default()));
            Offer { method, icon: "mail", title: "Code by e-mail", note }
        }
        Method::Recovery => {
            let note = format!("{left} of {} left", recovery_codes::COUNT);
            Offer { method, icon: "key", title: "Recovery code", note }
        }
    };
    let offers = methods.iter().map(offer).collect();
    Ok((organization_name(&mut db, user).await?, offers))
}

/// `POST /login/challenge`: opens the page of the chosen method; a code by e-mail is sent now.
pub(super) async fn chosen(visit: Visit, Form(chosen): Form<Chosen>) -> Result<Response, Response> {
    let step = Step::find(visit, &chosen.flow).await?;
    step.cancelled(chosen.cancel.as_ref()).await?;
    let offered = |method: Method| move |at: &Located| matches!(at, Located::Challenge(all) if all.contains(&method));
    let Ok(method) = chosen.method.parse::<Method>() else {
        return draw_choice(&step, StatusCode::UNPROCESSABLE_ENTITY, Some("Pick one of these.")).await;
    };
    step.require(offered(method)).await?;
    if method == Method::Email
        && let Err(not_sent) = send(&step).await?
    {
        return draw_choice(&step, StatusCode::TOO_MANY_REQUESTS, Some(&not_sent.to_string())).await;
    }
    Ok(see_other(&format!("{}?flow={}", challenge_path(method), step.flow.id)))
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
    let tries = Tries::of_code(&app.config.limits, &user, step.visit.address);
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

/// `GET /login/stuck`: no factor counts; only an administrator can help.
pub(super) async fn stuck(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    step.require(|at| at.path() == "/login/stuck").await?;
    let user = step.known_user().await?;
    let mut db = step.visit.app.store.reader().await.map_err(failed)?;
    let organization = organization_name(&mut db, &user).await.map_err(failed)?;
    let page = &step.visit.page;
    Ok(page.gate(StatusCode::FORBIDDEN, &Stuck { page, step: &step, organization: &organization }))
}

/// `POST /login/stuck`: there is only the way out.
pub(super) async fn give_up(visit: Visit, Form(chosen): Form<Chosen>) -> Result<Response, Response> {
    let step = Step::find(visit, &chosen.flow).await?;
    Ok(outcome::cancel(&step).await)
}
