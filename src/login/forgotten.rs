//! `/login/forgotten`: the same answer, in the same time, whoever was typed (P10).

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    letters,
    step::{FlowName, FlowQuery, Visit, failed},
};
use crate::{
    action_tokens::{self, NewActionToken, Purpose},
    app::App,
    attempts::{self, Key, Limit, Verdict},
    audit::{self, By, Event, SubjectKind},
    clock::Timestamp,
    http::{Failure, Form, Page},
    jobs::{self, Message},
    mail, organizations,
    store::{self, Tx},
    users::{self, LoginName, Realm, Status, User},
};

/// Longer is no login name and no address (RFC 5321 §4.5.3.1).
const LONGEST: usize = 320;
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    flow: String,
    #[serde(default)]
    username: String,
}

#[derive(Template)]
#[template(path = "login/pages/forgotten.html", config = ".config/askama.toml")]
struct Forgotten<'a> {
    page: &'a Page,
    flow: &'a str,
    sent: bool,
}

/// `GET /login/forgotten`. The flow, if any, is only kept for the way back.
pub(super) async fn show(visit: Visit, Query(query): FlowQuery) -> Response {
    draw(&visit, &query, false)
}

fn draw(visit: &Visit, flow: &FlowName, sent: bool) -> Response {
    let page = &visit.page;
    page.gate(StatusCode::OK, &Forgotten { page, flow: &flow.flow, sent })
}

/// `POST /login/forgotten`: counts the source, notes what was typed, and answers. Who that is, a job looks up.
pub(super) async fn submit(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    let (app, now) = (&visit.app, visit.now);
    let key = Key::new("mails of source", &visit.address.source().to_string());
    let limit =
        Limit { tries: app.config.limits.address_mails_per_hour, window: HOUR, pause: app.config.limits.lockout };
    let asked = Message::ForgottenPassword {
        typed: typed.username.trim().chars().take(LONGEST).collect(),
        address: visit.address.to_string(),
        user_agent: visit.user_agent.0.clone(),
    };
    let master = Arc::clone(&app.master);
    let unit = async move |tx: &mut Tx<'_>| {
        let verdict = attempts::count(tx, &key, limit, now).await?;
        if matches!(verdict, Verdict::Go { .. }) {
            jobs::enqueue(tx, &master, &asked, now + HOUR, now).await?;
        }
        Ok::<_, store::Error>(verdict)
    };
    if matches!(app.store.write(unit).await.map_err(failed)?, Verdict::Paused { .. }) {
        let words = "Wait a quarter of an hour, or ask your administrator for a link.";
        let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "Too many mails were asked for from here", words);
        return Err(failure.into_response());
    }
    app.wake.ring();
    Ok(draw(&visit, &FlowName { flow: typed.flow }, true))
}

/// Mails a link to whoever was typed, at the address that is stored and nowhere else (security.md row 30).
///
/// # Errors
/// The database's.
pub async fn mail_password_reset(app: &App, typed: &str, by: By, now: Timestamp) -> store::Result<()> {
    let Some(user) = find(app, typed).await? else { return Ok(()) };
    let Some(to) = user.email.clone() else { return Ok(()) };
    let base = app.config.url("/login/reset");
    let (master, limits, life) = (Arc::clone(&app.master), app.config.limits.clone(), app.config.links.reset);
    let unit = async move |tx: &mut Tx<'_>| {
        let key = Key::new("mails of account", &user.id.to_string());
        let limit = Limit { tries: limits.account_mails_per_hour, window: HOUR, pause: limits.lockout };
        if matches!(attempts::count(tx, &key, limit, now).await?, Verdict::Paused { .. }) {
            return Ok(());
        }
        let new = NewActionToken {
            user_id: user.id,
            purpose: Purpose::ResetPassword,
            created_by: None,
            data: json!({}),
            expires_at: now + life,
        };
        let secret = action_tokens::issue(tx, &new, now).await?;
        let link = format!("{base}?token={}", secret.expose());
        let brand = letters::brand(tx, &user).await?;
        let letter = mail::password_reset(&brand, &to, user.name(), &link, super::tries::minutes(life));
        mail::enqueue(tx, &master, &letter, now + life, now).await?;
        let event =
            Event::new(user.organization_id, "password.reset_requested", by.clone()).on(SubjectKind::User, user.id.0);
        audit::record(tx, &master, event, now).await
    };
    app.store.write(unit).await
}

/// An active person of that login name, or of that address if it is only one person's.
async fn find(app: &App, typed: &str) -> store::Result<Option<User>> {
    let mut db = app.store.reader().await?;
    let mut found = None;
    if let Ok(name) = LoginName::parse(typed) {
        found = users::find_by_login_name(&mut db, Realm::Portal, &name).await?;
        for product in crate::products::list(&mut db).await? {
            if found.is_none() {
                found = users::find_by_login_name(&mut db, Realm::Product(product.id), &name).await?;
            }
        }
    }
    if found.is_none() && typed.contains('@') {
        let mut by_address = users::find_by_email(&mut db, Realm::Portal, typed).await?;
        // Who has proven the address keeps it, whatever is written into other accounts.
        if by_address.iter().any(|user| user.email_verified_at.is_some()) {
            by_address.retain(|user| user.email_verified_at.is_some());
        }
        found = if by_address.len() == 1 { by_address.pop() } else { None };
    }
    let Some(user) = found.filter(|user| user.status == Status::Active) else { return Ok(None) };
    Ok(organizations::is_active(&mut db, user.organization_id).await?.then_some(user))
}
