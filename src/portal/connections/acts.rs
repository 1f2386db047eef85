//! What administrators do to a connection: each a form of its own, answered by the connection's page.

use axum::{
    extract::{Path, State},
    http::Method,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::show;
use crate::{
    http::Form,
    portal::{
        Portal, Trouble, Visit,
        api::{ConnectionWithToken, Problem},
        toast::Toast,
        user_acts::{Nothing, done},
    },
};

type Ids = Path<(Uuid, Uuid)>;

/// What to do with the token in use when another is made.
#[derive(Deserialize)]
pub struct NewToken {
    #[serde(default)]
    overlap: String,
}

/// `POST .../tokens`: another token, shown once.
pub async fn create_token(ids: Ids, visit: Visit, Form(form): Form<NewToken>) -> Result<Response, Trouble> {
    let Path((id, connection)) = ids;
    let path = format!("/organizations/{id}/connections/{connection}/tokens");
    let body = json!({ "others_end_in_days": form.overlap.parse::<u32>().ok() });
    match visit.send::<ConnectionWithToken, _>(Method::POST, &path, Some(&body)).await? {
        Ok(made) => show::render(&visit, id, &made.connection, show::More::of_token(made.token)).await,
        Err(problem) => show::refused(&visit, (id, connection), problem).await,
    }
}

/// `POST .../tokens/{token}/revoke`
pub async fn revoke_token(
    State(portal): State<Portal>,
    Path((id, connection, token)): Path<(Uuid, Uuid, Uuid)>,
    visit: Visit,
    _: Form<Nothing>,
) -> Result<Response, Trouble> {
    let act = (Method::DELETE, format!("/tokens/{token}"));
    finish(&portal, &visit, (id, connection), act, Toast::TokenRevoked).await
}

/// An administrator's decision about what is held.
#[derive(Deserialize)]
pub struct Decision {
    decision: String,
}

/// `POST .../held`: lets the run through, or discards it.
pub async fn decide(
    State(portal): State<Portal>,
    Path(ids): Ids,
    visit: Visit,
    Form(form): Form<Decision>,
) -> Result<Response, Trouble> {
    let (act, toast) = match form.decision.as_str() {
        "release" => ("/held/release", Toast::RunReleased),
        _ => ("/held/discard", Toast::RunDiscarded),
    };
    finish(&portal, &visit, ids, (Method::POST, act.to_owned()), toast).await
}

/// `POST .../pause`
pub async fn pause(
    State(portal): State<Portal>,
    Path(ids): Ids,
    visit: Visit,
    _: Form<Nothing>,
) -> Result<Response, Trouble> {
    finish(&portal, &visit, ids, (Method::POST, "/pause".to_owned()), Toast::ConnectionPaused).await
}

/// `POST .../resume`
pub async fn resume(
    State(portal): State<Portal>,
    Path(ids): Ids,
    visit: Visit,
    _: Form<Nothing>,
) -> Result<Response, Trouble> {
    finish(&portal, &visit, ids, (Method::POST, "/resume".to_owned()), Toast::ConnectionResumed).await
}

/// What one types to delete a connection.
#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    name: String,
}

/// `POST .../delete`: what cannot be undone asks for the name, typed.
pub async fn delete(
    State(portal): State<Portal>,
    Path((id, connection)): Ids,
    visit: Visit,
    Form(typed): Form<Confirmation>,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/connections/{connection}");
    let found: crate::portal::api::Connection = visit.get(&path).await?;
    if typed.name.trim() != found.name {
        let detail = "The name you typed is not this connection's. Nothing was changed.".to_owned();
        let title = "The names differ".to_owned();
        let problem = Problem { kind: String::new(), title, status: 422, detail, errors: Vec::new() };
        return show::refused(&visit, (id, connection), problem).await;
    }
    match visit.send::<Value, ()>(Method::DELETE, &path, None).await? {
        Ok(_) => Ok(done(&portal, &format!("/portal/organizations/{id}/connections"), Toast::ConnectionDeleted)),
        Err(problem) => show::refused(&visit, (id, connection), problem).await,
    }
}

/// Asks the API for an act on the connection; back to its page, or the refusal on it.
pub async fn finish(
    portal: &Portal,
    visit: &Visit,
    (id, connection): (Uuid, Uuid),
    (method, act): (Method, String),
    toast: Toast,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/connections/{connection}");
    match visit.send::<Value, ()>(method, &format!("{path}{act}"), None).await? {
        Ok(_) => Ok(done(portal, &format!("/portal{path}"), toast)),
        Err(problem) => show::refused(visit, (id, connection), problem).await,
    }
}
