//! `/mailbox`: what the demo's people would find in their mail, and in their authenticator apps.

use askama::Template;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::world::Made;
use crate::{
    app::App,
    http::{Failure, NO_STORE, Page},
    mail::{self, Received},
    mfa::totp,
};

/// More than anybody reads.
const SHOWN: i64 = 500;

#[derive(Clone)]
struct Mailbox {
    app: App,
    made: Made,
}

#[derive(Template)]
#[template(path = "demo/pages/mailbox.html", config = ".config/askama.toml")]
struct Shown<'a> {
    page: &'a Page,
    mails: &'a [Received],
    codes: Vec<(&'a str, String)>,
}

/// The page's route.
pub fn routes(app: &App, made: Made) -> Router<App> {
    Router::new().route("/mailbox", get(show)).with_state(Mailbox { app: app.clone(), made })
}

/// As JSON for programs that ask for it: `[{to, subject, text, links}]`, the newest first.
async fn show(State(mailbox): State<Mailbox>, page: Page, headers: HeaderMap) -> Result<Response, Failure> {
    let Mailbox { app, made } = mailbox;
    let mails = mail::list(&mut app.store.reader().await?, &app.master, SHOWN).await?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("application/json") {
        let mails: Vec<Value> = mails.iter().map(as_json).collect();
        return Ok(([NO_STORE], Json(mails)).into_response());
    }
    let now = app.clock.now();
    let seeds = made.people.iter().filter_map(|(login, (_, seed))| Some((login.as_str(), seed.as_deref()?)));
    let codes = seeds.filter_map(|(login, seed)| Some((login, totp::code_of(seed, now)?))).collect();
    Ok(page.gate(StatusCode::OK, &Shown { page: &page, mails: &mails, codes }))
}

fn as_json(received: &Received) -> Value {
    let mail = &received.mail;
    json!({
        "to": mail.to,
        "subject": mail.subject,
        "text": mail.text,
        "links": mail.links,
        "at": received.at.to_rfc3339(),
    })
}
