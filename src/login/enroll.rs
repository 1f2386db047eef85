//! Forced enrolment: who must have a second factor and has none leads here and nowhere else (M1).

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{
    challenge::send,
    events, letters, outcome,
    outcome::{Context, Outcome, advance},
    recovery_codes as codes,
    step::{FlowQuery, Located, Step, Visit, failed, organization_name},
    tries::{self, Tries},
};
use crate::{
    attempts::Verdict,
    clock::Timestamp,
    http::{Form, Page, see_other},
    mfa::{
        self, BoundTo, Method, email_code,
        totp::{self, Confirmation, NotConfirmed},
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
    #[serde(default)]
    name: String,
    again: Option<String>,
}

#[derive(Template)]
#[template(path = "login/pages/enroll.html", config = ".config/askama.toml")]
struct Choose<'a> {
    page: &'a Page,
    step: &'a Step,
    organization: &'a str,
    methods: &'a [Method],
    mailbox: &'a str,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "login/pages/enroll_totp.html", config = ".config/askama.toml")]
struct TotpPage<'a> {
    page: &'a Page,
    step: &'a Step,
    key: &'a str,
    uri: &'a str,
    picture: &'a str,
    account: &'a str,
    name: &'a str,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "login/pages/enroll_email.html", config = ".config/askama.toml")]
struct EmailPage<'a> {
    page: &'a Page,
    step: &'a Step,
    mailbox: &'a str,
    error: Option<&'a str>,
}

/// `GET /login/enroll`: what may be set up.
pub(super) async fn choose(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    draw_choice(&step, StatusCode::OK, None).await
}

async fn draw_choice(step: &Step, status: StatusCode, error: Option<&str>) -> Result<Response, Response> {
    let Located::Enroll(methods) = step.require(|at| at.path() == "/login/enroll").await? else {
        return Err(super::step::over(&step.visit.page));
    };
    // The strongest first: what stands first is taken most.
    let methods: Vec<Method> = [Method::Passkey, Method::Totp, Method::Email]
        .into_iter()
        .filter(|method| methods.contains(method) && is_possible(step, *method))
        .collect();
    let user = step.known_user().await?;
    let mut db = step.visit.app.store.reader().await.map_err(failed)?;
    let organization = organization_name(&mut db, &user).await.map_err(failed)?;
    let (page, mailbox) = (&step.visit.page, letters::masked(user.email.as_deref().unwrap_or_default()));
    let shown = Choose { page, step, organization: &organization, methods: &methods, mailbox: &mailbox, error };
    Ok(page.gate(status, &shown))
}

/// Passkeys need a public URL with a name.
fn is_possible(step: &Step, method: Method) -> bool {
    method != Method::Passkey || step.visit.app.passkeys.is_some()
}

/// The flow must stand at enrolment, with this method among the choices.
pub(super) async fn at(step: &Step, method: Method) -> Result<User, Response> {
    step.require(|at| matches!(at, Located::Enroll(all) if all.contains(&method))).await?;
    step.known_user().await
}

/// `POST /login/enroll`: begins the set-up of the chosen method.
pub(super) async fn chosen(visit: Visit, Form(chosen): Form<Chosen>) -> Result<Response, Response> {
    let step = Step::find(visit, &chosen.flow).await?;
    step.cancelled(chosen.cancel.as_ref()).await?;
    let method = chosen.method.parse::<Method>().ok().filter(|method| is_possible(&step, *method));
    let Some(method) = method else {
        return draw_choice(&step, StatusCode::UNPROCESSABLE_ENTITY, Some("Pick one of these.")).await;
    };
    let user = at(&step, method).await?;
    let path = match method {
        Method::Totp => {
            begin_totp(&step, &user).await?;
            "/login/enroll/totp"
        }
        Method::Email => match send(&step).await? {
            Ok(()) => "/login/enroll/email",
            Err(not_sent) => {
                let words = not_sent.to_string();
                return draw_choice(&step, StatusCode::TOO_MANY_REQUESTS, Some(&words)).await;
            }
        },
        _ => "/login/enroll/passkey",
    };
    Ok(see_other(&format!("{path}?flow={}", step.flow.id)))
}

async fn begin_totp(step: &Step, user: &User) -> Result<(), Response> {
    let (app, id, flow, now) = (&step.visit.app, user.id, step.flow.id, step.visit.now);
    let master = std::sync::Arc::clone(&app.master);
    let unit = async move |tx: &mut Tx<'_>| {
        // Coming back to the choice does not void the picture that was scanned already.
        if totp::pending(tx, &master, id, BoundTo::from(flow), now).await?.is_none() {
            totp::begin(tx, &master, id, BoundTo::from(flow), now).await?;
        }
        Ok(())
    };
    app.store.write(unit).await.map_err(failed)
}

/// `GET /login/enroll/totp`: the picture and the key, until a code confirms them.
pub(super) async fn show_totp(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    let user = at(&step, Method::Totp).await?;
    draw_totp(&step, &user, "", (StatusCode::OK, None)).await
}

async fn draw_totp(
    step: &Step,
    user: &User,
    name: &str,
    (status, error): (StatusCode, Option<&str>),
) -> Result<Response, Response> {
    let app = &step.visit.app;
    let mut db = app.store.reader().await.map_err(failed)?;
    let setup = totp::pending(&mut db, &app.master, user.id, BoundTo::from(step.flow.id), step.visit.now).await;
    let Some(setup) = setup.map_err(failed)? else {
        return Err(see_other(&format!("/login/enroll?flow={}", step.flow.id)));
    };
    let (issuer, account) = (app.config.webauthn.rp_name.as_str(), user.login_name.as_given());
    let (key, uri, picture) = (setup.text_key(), setup.uri(issuer, account), setup.qr_svg(issuer, account));
    let (key, uri, picture) = (grouped(&key), uri.as_str(), picture.as_str());
    let page = &step.visit.page;
    Ok(page.gate(status, &TotpPage { page, step, key: &key, uri, picture, account, name, error }))
}

/// In fours, as people type it.
fn grouped(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// `POST /login/enroll/totp`.
pub(super) async fn submit_totp(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    let step = Step::find(visit, &typed.flow).await?;
    let user = at(&step, Method::Totp).await?;
    let judged = judge(&step, &user, (Method::Totp, typed.code, typed.name.clone())).await?;
    let words = match judged {
        Judged::Enrolled(outcome) => return Ok(outcome::respond(&step, outcome)),
        Judged::NoSetup => return Ok(see_other(&format!("/login/enroll?flow={}", step.flow.id))),
        Judged::Wrong => NotConfirmed::WrongCode.to_string(),
        Judged::Paused(words) => words,
    };
    draw_totp(&step, &user, &typed.name, (StatusCode::UNPROCESSABLE_ENTITY, Some(&words))).await
}

/// `GET /login/enroll/email`.
pub(super) async fn show_email(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    let user = at(&step, Method::Email).await?;
    Ok(draw_email(&step, &user, StatusCode::OK, None))
}

fn draw_email(step: &Step, user: &User, status: StatusCode, error: Option<&str>) -> Response {
    let (page, mailbox) = (&step.visit.page, letters::masked(user.email.as_deref().unwrap_or_default()));
    page.gate(status, &EmailPage { page, step, mailbox: &mailbox, error })
}

/// `POST /login/enroll/email`.
pub(super) async fn submit_email(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    let step = Step::find(visit, &typed.flow).await?;
    let user = at(&step, Method::Email).await?;
    if typed.again.is_some() {
        return Ok(match send(&step).await? {
            Ok(()) => see_other(&format!("/login/enroll/email?flow={}", step.flow.id)),
            Err(not_sent) => draw_email(&step, &user, StatusCode::TOO_MANY_REQUESTS, Some(&not_sent.to_string())),
        });
    }
    let words = match judge(&step, &user, (Method::Email, typed.code, String::new())).await? {
        Judged::Enrolled(outcome) => return Ok(outcome::respond(&step, outcome)),
        Judged::NoSetup | Judged::Wrong => "This is not the code we sent last, or it is too old.".to_owned(),
        Judged::Paused(words) => words,
    };
    Ok(draw_email(&step, &user, StatusCode::UNPROCESSABLE_ENTITY, Some(&words)))
}

enum Judged {
    Enrolled(Outcome),
    Wrong,
    NoSetup,
    Paused(String),
}

/// Counts the try, judges the code, enrols, and goes on: one write.
async fn judge(step: &Step, user: &User, (method, code, name): (Method, String, String)) -> Result<Judged, Response> {
    let (app, now) = (&step.visit.app, step.visit.now);
    let context = step.visit.context().await.map_err(failed)?;
    let tries = Tries::of_code(&app.config.limits, user, step.visit.address);
    let (flow, user) = (step.flow.clone(), user.clone());
    let unit = async move |tx: &mut Tx<'_>| {
        match tries.count(tx, now).await? {
            Verdict::Go { .. } => {}
            Verdict::Paused { until } => {
                return Ok(Judged::Paused(format!("There were too many codes. {}", tries::pause_words(until, now))));
            }
        }
        let place = (user.id, BoundTo::from(flow.id));
        let by = events::by(&context, &user);
        match method {
            Method::Totp => {
                let confirmation = Confirmation { code: &code, name: &name };
                match totp::confirm(tx, &context.master, place, confirmation, now).await? {
                    Ok(_) => {}
                    Err(NotConfirmed::NoSetup) => return Ok(Judged::NoSetup),
                    Err(NotConfirmed::WrongCode) => {
                        mfa::note_enrolment_refused(tx, &context.master, (&user, method), &by, now).await?;
                        return Ok(Judged::Wrong);
                    }
                }
            }
            _ => {
                if !email_code::verify(tx, &context.master, place, &code, now).await? {
                    mfa::note_enrolment_refused(tx, &context.master, (&user, method), &by, now).await?;
                    return Ok(Judged::Wrong);
                }
                email_code::enroll(tx, &context.master, user.id, now).await?;
            }
        }
        tries.forgive(tx).await?;
        let proof = Proof::second(method, now);
        Ok(Judged::Enrolled(enrolled(tx, &context, (&flow, &user), (method, proof), now).await?))
    };
    app.store.write(unit).await.map_err(failed)
}

/// After a factor was enrolled: it counts as shown, the person is told by mail, and gets recovery codes
/// if there are none.
pub(super) async fn enrolled(
    tx: &mut Tx<'_>,
    context: &Context,
    (flow, user): (&LoginFlow, &User),
    (method, proof): (Method, Proof),
    now: Timestamp,
) -> store::Result<Outcome> {
    let by = events::by(context, user);
    mfa::note_enrolled(tx, &context.master, (user, method), &by, now).await?;
    if method != Method::Email {
        password::confirm(tx, user.id, now).await?;
    }
    let Some(flow) = flow::prove(tx, flow, user.id, proof, now).await? else { return Ok(Outcome::Over) };
    let flow = codes::give(tx, context, (flow, user), now).await?;
    advance(tx, context, flow, user, now).await
}
