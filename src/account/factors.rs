use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Account, Stop, sessions::Nothing, words};
use crate::{
    app::App,
    http::{Failure, Form, Page, see_other},
    id::FactorId,
    mfa::{self, CannotRemove, Factor},
};

#[derive(Template)]
#[template(path = "account/pages/factor.html", config = ".config/askama.toml")]
struct FactorPage<'a> {
    page: &'a Page,
    factor: &'a Factor,
    added: String,
    used: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
pub struct NewName {
    name: String,
}

/// One factor: rename it, or ask whether to remove it.
pub async fn show(State(app): State<App>, account: Account, Path(id): Path<Uuid>) -> Result<Response, Stop> {
    account.fresh(&format!("/account/factors/{id}"))?;
    draw(&app, &account, FactorId(id), StatusCode::OK, None).await
}

pub async fn rename(
    State(app): State<App>,
    account: Account,
    Path(id): Path<Uuid>,
    Form(NewName { name }): Form<NewName>,
) -> Result<Response, Stop> {
    account.fresh(&format!("/account/factors/{id}"))?;
    let (keys, user, by, now) = (Arc::clone(&app.master), account.user().clone(), account.by.clone(), account.now);
    let renamed =
        app.store.write(async move |tx| mfa::rename(tx, &keys, (&user, FactorId(id), &name), &by, now).await).await?;
    if renamed { Ok(see_other("/account?done=renamed")) } else { Err(Failure::not_found().into()) }
}

pub async fn remove(
    State(app): State<App>,
    account: Account,
    Path(id): Path<Uuid>,
    _: Form<Nothing>,
) -> Result<Response, Stop> {
    account.fresh(&format!("/account/factors/{id}"))?;
    let (keys, user, by, now) = (Arc::clone(&app.master), account.user().clone(), account.by.clone(), account.now);
    let removed =
        app.store.write(async move |tx| mfa::remove(tx, &keys, (&user, FactorId(id)), &by, now).await).await?;
    match removed {
        Ok(_) => Ok(see_other("/account?done=removed")),
        Err(CannotRemove::NotFound) => Err(Failure::not_found().into()),
        Err(refusal) => draw(&app, &account, FactorId(id), StatusCode::CONFLICT, Some(refusal.to_string())).await,
    }
}

async fn draw(
    app: &App,
    account: &Account,
    id: FactorId,
    status: StatusCode,
    error: Option<String>,
) -> Result<Response, Stop> {
    let held = mfa::enrolled(&mut app.store.reader().await?, account.user().id).await?;
    let Some(factor) = held.iter().find(|factor| factor.id == id) else { return Err(Failure::not_found().into()) };
    let view = FactorPage {
        page: &account.page,
        factor,
        added: words::when(factor.created_at),
        used: factor.last_used_at.map(words::when),
        error,
    };
    Ok(account.page.gate(status, &view))
}
