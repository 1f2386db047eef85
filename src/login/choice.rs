//! `/login/challenge`: which of one's second factors; and `/login/stuck`, where none counts.

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{
    challenge::send,
    letters, outcome,
    outcome::challenge_path,
    step::{FlowQuery, Located, Step, Visit, failed, organization_name},
};
use crate::{
    http::{Form, Page, see_other},
    mfa::{self, Method, recovery_codes},
    store,
    users::User,
};

#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    flow: String,
    #[serde(default)]
    method: String,
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
