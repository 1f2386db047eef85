//! Recovery codes: shown until the person goes on, and never again.
//!
//! They wait sealed in the flow, so that opening the page again, or downloading them, needs no script
//! and makes no new ones.

use askama::Template;
use axum::{
    extract::Query,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use zeroize::Zeroizing;

use super::{
    events, outcome,
    outcome::{Context, Outcome, advance},
    step::{FlowName, FlowQuery, Located, Step, Visit, failed},
};
use crate::{
    clock::Timestamp,
    http::{Form, NO_STORE, Page},
    mfa::{self, recovery_codes},
    secret::Secret,
    sessions::flow::{self, LoginFlow},
    store::{self, Tx},
    users::User,
};

#[derive(Template)]
#[template(path = "login/pages/recovery_codes.html", config = ".config/askama.toml")]
struct Codes<'a> {
    page: &'a Page,
    step: &'a Step,
    codes: &'a [&'a str],
    login: &'a str,
    today: &'a str,
}

/// Makes the person's recovery codes, if there are none, and hands them to the flow.
pub(super) async fn give(
    tx: &mut Tx<'_>,
    context: &Context,
    (flow, user): (LoginFlow, &User),
    now: Timestamp,
) -> store::Result<Option<LoginFlow>> {
    if recovery_codes::remaining(tx, user.id).await? > 0 {
        return Ok(Some(flow));
    }
    let by = events::by(context, user);
    let codes = mfa::renew_recovery_codes(tx, &context.master, user, &by, now).await?;
    let text = Zeroizing::new(codes.iter().map(Secret::expose).collect::<Vec<_>>().join("\n"));
    let sealed = context.master.seal(&place(&flow), text.as_bytes());
    flow::show_codes(tx, &flow, sealed, now).await
}

fn place(flow: &LoginFlow) -> String {
    format!("recovery-codes:{}", flow.id)
}

/// The codes that wait in the flow.
fn open(step: &Step) -> Option<Zeroizing<String>> {
    let sealed = step.flow.state.codes.as_ref()?;
    let text = step.visit.app.master.open(&place(&step.flow), sealed).ok()?;
    Some(Zeroizing::new(String::from_utf8_lossy(&text).into_owned()))
}

/// `GET /login/recovery-codes`.
pub(super) async fn show(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    step.require(|at| *at == Located::RecoveryCodes).await?;
    let user = step.known_user().await?;
    let text = open(&step).unwrap_or_default();
    let codes: Vec<&str> = text.lines().collect();
    let today = step.visit.now.to_chrono().format("%-d %B %Y").to_string();
    let page = &step.visit.page;
    let shown = Codes { page, step: &step, codes: &codes, login: user.login_name.as_given(), today: &today };
    Ok(page.gate(StatusCode::OK, &shown))
}

/// `GET /login/recovery-codes.txt`: the same as a file.
pub(super) async fn download(visit: Visit, Query(query): FlowQuery) -> Result<Response, Response> {
    let step = Step::find(visit, &query.flow).await?;
    step.require(|at| *at == Located::RecoveryCodes).await?;
    let user = step.known_user().await?;
    let codes = open(&step).unwrap_or_default();
    let brand = &step.visit.app.config.webauthn.rp_name;
    let text = format!("{brand} recovery codes for {}\nEach works once.\n\n{}\n", user.login_name, codes.as_str());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"recovery-codes.txt\"")),
        NO_STORE,
    ];
    Ok((headers, text).into_response())
}

/// `POST /login/recovery-codes`: the person has them; on.
pub(super) async fn submit(visit: Visit, Form(typed): Form<FlowName>) -> Result<Response, Response> {
    let step = Step::find(visit, &typed.flow).await?;
    step.require(|at| *at == Located::RecoveryCodes).await?;
    let user = step.known_user().await?;
    let context = step.visit.context().await.map_err(failed)?;
    let (flow, now) = (step.flow.clone(), step.visit.now);
    let unit = async move |tx: &mut Tx<'_>| {
        let Some(kept) = flow::keep_codes(tx, &flow, now).await? else { return Ok(Outcome::Over) };
        advance(tx, &context, Some(kept), &user, now).await
    };
    let outcome = step.visit.app.store.write(unit).await.map_err(failed)?;
    Ok(outcome::respond(&step, outcome))
}
