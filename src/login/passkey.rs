//! Passkeys: as second factor, as the only proof (no name typed), and enrolled on the way in.
//!
//! The one part of signing in that needs a script: it asks here for the options, hands them to
//! `navigator.credentials`, and posts the answer as a form. An attempt that fails is not counted per
//! account: nobody can lock a passkey's owner out (security.md row 128).

use std::sync::Arc;

use askama::Template;
use axum::{
    Json,
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    enroll,
    outcome::{self, advance},
    step::{FlowName, FlowQuery, Located, Step, Visit, failed},
};
use crate::{
    http::{Failure, Form, NO_STORE, Page},
    mfa::{
        BoundTo, Method,
        passkeys::{self, Answer, Challenge, RelyingParty, Verified},
    },
    organizations,
    sessions::flow::{self, Proof},
    store::{self, Tx},
    users::{self, Status, User, password},
};

#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    #[serde(default)]
    flow: String,
    #[serde(default)]
    ceremony: String,
    #[serde(default)]
    credential: String,
    #[serde(default)]
    name: String,
    cancel: Option<String>,
}

impl Answered {
    fn answer(&self) -> Answer {
        Answer { ceremony: self.ceremony.parse().unwrap_or(Uuid::nil()), credential: self.credential.clone() }
    }
}

#[derive(Template)]
#[template(path = "login/pages/passkey.html", config = ".config/askama.toml")]
struct Challenged<'a> {
    page: &'a Page,
    step: &'a Step,
    others: bool,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "login/pages/enroll_passkey.html", config = ".config/askama.toml")]
struct Enrolling<'a> {
    page: &'a Page,
    step: &'a Step,
    name: &'a str,
    error: Option<&'a str>,
}

/// Where the public URL is an IP address there are no passkeys, and none of these pages.
fn party(step: &Step) -> Result<RelyingParty, Failure> {
    step.visit.app.passkeys.clone().ok_or_else(Failure::not_found)
}

fn options(challenge: &Challenge) -> Response {
    ([NO_STORE], Json(challenge)).into_response()
}

fn is_challenge(at: &Located) -> bool {
    matches!(at, Located::Challenge(methods) if methods.contains(&Method::Passkey))
}

/// `GET /login/passkey`.
pub(super) async fn show(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    draw(&step, StatusCode::OK, None).await
}

async fn draw(step: &Step, status: StatusCode, error: Option<&str>) -> Result<Response, Response> {
    let at = step.require(is_challenge).await?;
    let others = matches!(at, Located::Challenge(methods) if methods.len() > 1);
    let page = &step.visit.page;
    Ok(page.gate(status, &Challenged { page, step, others, error }))
}

/// `POST /login/passkey/options`: which passkeys may answer.
pub(super) async fn challenge(visit: Visit, Form(name): Form<FlowName>) -> Result<Response, Response> {
    let step = Step::find(visit, &name.flow).await?;
    step.require(is_challenge).await?;
    let (user, party, master) = (
        step.known_user().await?,
        party(&step).map_err(IntoResponse::into_response)?,
        Arc::clone(&step.visit.app.master),
    );
    let (bound_to, now) = (BoundTo::from(step.flow.id), step.visit.now);
    let unit =
        async move |tx: &mut Tx<'_>| passkeys::begin_authenticate(tx, (&party, &master), user.id, bound_to, now).await;
    match step.visit.app.store.write(unit).await.map_err(failed)? {
        Some(challenge) => Ok(options(&challenge)),
        None => Err(Failure::not_found().into_response()),
    }
}

/// `POST /login/passkey`.
pub(super) async fn submit(visit: Visit, Form(answered): Form<Answered>) -> Result<Response, Response> {
    let step = Step::find(visit, &answered.flow).await?;
    step.cancelled(answered.cancel.as_ref()).await?;
    step.require(is_challenge).await?;
    let (user, party, app) =
        (step.known_user().await?, party(&step).map_err(IntoResponse::into_response)?, &step.visit.app);
    let place = (user.id, BoundTo::from(step.flow.id));
    let judged =
        passkeys::finish_authenticate(&app.store, (&party, &app.master), place, &answered.answer(), step.visit.now)
            .await;
    match judged.map_err(failed)? {
        Ok(verified) => proven(&step, user, verified).await,
        Err(refused) => draw(&step, StatusCode::UNPROCESSABLE_ENTITY, Some(&refused.to_string())).await,
    }
}

async fn proven(step: &Step, user: User, verified: Verified) -> Result<Response, Response> {
    let context = step.visit.context().await.map_err(failed)?;
    let (flow, now) = (step.flow.clone(), step.visit.now);
    let proof = Proof::passkey(&verified, now);
    let unit = async move |tx: &mut Tx<'_>| {
        if !passkeys::note_use(tx, &verified, now).await? {
            return Ok(outcome::Outcome::Over);
        }
        password::confirm(tx, user.id, now).await?;
        let proven = flow::prove(tx, &flow, user.id, proof.clone(), now).await?;
        advance(tx, &context, proven, &user, now).await
    };
    let outcome = step.visit.app.store.write(unit).await.map_err(failed)?;
    Ok(outcome::respond(step, outcome))
}

/// `POST /login/passkey/discover`: any passkey of this server may answer; nobody is named.
pub(super) async fn discover(visit: Visit, Form(name): Form<FlowName>) -> Result<Response, Response> {
    let step = Step::find(visit, &name.flow).await?;
    step.require(|at| matches!(at, Located::Identify | Located::Password)).await?;
    let (party, master) = (party(&step).map_err(IntoResponse::into_response)?, Arc::clone(&step.visit.app.master));
    let (bound_to, now) = (BoundTo::from(step.flow.id), step.visit.now);
    let unit = async move |tx: &mut Tx<'_>| passkeys::begin_discoverable(tx, (&party, &master), bound_to, now).await;
    let challenge = step.visit.app.store.write(unit).await.map_err(failed)?;
    Ok(options(&challenge))
}

/// `POST /login/passkey/found`: the passkey says who it is, and proves it.
pub(super) async fn found(visit: Visit, Form(answered): Form<Answered>) -> Result<Response, Response> {
    let step = Step::find(visit, &answered.flow).await?;
    step.require(|at| matches!(at, Located::Identify | Located::Password)).await?;
    let (party, app) = (party(&step).map_err(IntoResponse::into_response)?, &step.visit.app);
    let bound_to = BoundTo::from(step.flow.id);
    let judged =
        passkeys::finish_discoverable(&app.store, (&party, &app.master), bound_to, &answered.answer(), step.visit.now)
            .await;
    let unknown = || super::identify::refuse(&step, "This passkey opens no account here. Type your login instead.");
    let Ok(verified) = judged.map_err(failed)? else { return Ok(unknown()) };
    match owner(&step, &verified).await.map_err(failed)? {
        Some(user) => proven(&step, user, verified).await,
        None => Ok(unknown()),
    }
}

async fn owner(step: &Step, verified: &Verified) -> store::Result<Option<User>> {
    let mut db = step.visit.app.store.reader().await?;
    let user = users::find(&mut db, verified.user).await?.filter(|user| user.status == Status::Active);
    let Some(user) = user else { return Ok(None) };
    Ok(organizations::is_active(&mut db, user.organization_id).await?.then_some(user))
}

/// `GET /login/enroll/passkey`.
pub(super) async fn show_enroll(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    party(&step).map_err(IntoResponse::into_response)?;
    enroll::at(&step, Method::Passkey).await?;
    Ok(draw_enroll(&step, "", (StatusCode::OK, None)))
}

fn draw_enroll(step: &Step, name: &str, (status, error): (StatusCode, Option<&str>)) -> Response {
    let page = &step.visit.page;
    page.gate(status, &Enrolling { page, step, name, error })
}

/// `POST /login/enroll/passkey/options`.
pub(super) async fn begin_enroll(visit: Visit, Form(name): Form<FlowName>) -> Result<Response, Response> {
    let step = Step::find(visit, &name.flow).await?;
    let user = enroll::at(&step, Method::Passkey).await?;
    let (party, master) = (party(&step).map_err(IntoResponse::into_response)?, Arc::clone(&step.visit.app.master));
    let (bound_to, now) = (BoundTo::from(step.flow.id), step.visit.now);
    let unit = async move |tx: &mut Tx<'_>| passkeys::begin_register(tx, (&party, &master), &user, bound_to, now).await;
    let challenge = step.visit.app.store.write(unit).await.map_err(failed)?;
    Ok(options(&challenge))
}

/// `POST /login/enroll/passkey`.
pub(super) async fn submit_enroll(visit: Visit, Form(answered): Form<Answered>) -> Result<Response, Response> {
    let step = Step::find(visit, &answered.flow).await?;
    let user = enroll::at(&step, Method::Passkey).await?;
    let (party, app, now) = (party(&step).map_err(IntoResponse::into_response)?, &step.visit.app, step.visit.now);
    let whose = (user.id, BoundTo::from(step.flow.id), answered.name.as_str());
    let judged = passkeys::finish_register(&app.store, (&party, &app.master), whose, &answered.answer(), now).await;
    if let Err(refused) = judged.map_err(failed)? {
        let words = refused.to_string();
        return Ok(draw_enroll(&step, &answered.name, (StatusCode::UNPROCESSABLE_ENTITY, Some(&words))));
    }
    let context = step.visit.context().await.map_err(failed)?;
    let flow = step.flow.clone();
    // What has just been made with the person's finger on it counts as shown.
    let proof = Proof::new_passkey(now);
    let unit = async move |tx: &mut Tx<'_>| {
        enroll::enrolled(tx, &context, (&flow, &user), (Method::Passkey, proof.clone()), now).await
    };
    let outcome = app.store.write(unit).await.map_err(failed)?;
    app.wake.ring();
    Ok(outcome::respond(&step, outcome))
}
