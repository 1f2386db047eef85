use axum::{extract::State, http::StatusCode};

use super::verb::{self, DONE, Verb};
use crate::{
    api::{Attempt, Caller, Ids, Problem, Refusal},
    app::App,
    audit::SubjectKind,
    id::{OrganizationId, UserId},
    users::life_cycle,
};

const DEACTIVATE: Verb = Verb { kind: "user.deactivated", permission: "portal:users:deactivate", on_oneself: false };
const REACTIVATE: Verb = Verb { kind: "user.reactivated", permission: "portal:users:deactivate", on_oneself: false };
const REMOVE: Verb = Verb { kind: "user.removed", permission: "portal:users:remove", on_oneself: false };

/// Ends a person's access: sessions, tokens and products within a second. Can be undone.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/users/{user}/deactivate", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn deactivate(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, UserId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, person) = verb::judge(tx, &who, DEACTIVATE, ids).await?;
        let act = life_cycle::Act { master: &parts.master, by: &who.by };
        life_cycle::deactivate(tx, act, &person, who.now).await?.map_err(Refusal::from)
    });
    finish(&app, &caller, (DEACTIVATE, ids), outcome.await).await
}

/// Lets a deactivated person in again, with the access they had.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/users/{user}/reactivate", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn reactivate(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, UserId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, person) = verb::judge(tx, &who, REACTIVATE, ids).await?;
        let act = life_cycle::Act { master: &parts.master, by: &who.by };
        life_cycle::reactivate(tx, act, &person, who.now).await?.map_err(Refusal::from)
    });
    finish(&app, &caller, (REACTIVATE, ids), outcome.await).await
}

/// Removes a person for good: access ends, personal data is erased, the audit log keeps a pseudonym.
/// Asks for a fresh sign-in.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/users/{user}", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, UserId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, person) = verb::judge(tx, &who, REMOVE, ids).await?;
        who.fresh()?;
        let act = life_cycle::Act { master: &parts.master, by: &who.by };
        life_cycle::remove(tx, act, &person, who.now).await?.map_err(Refusal::from)
    });
    finish(&app, &caller, (REMOVE, ids), outcome.await).await
}

async fn finish(
    app: &App,
    caller: &Caller,
    (verb, (organization, user)): (Verb, (OrganizationId, UserId)),
    outcome: Result<(), Refusal>,
) -> Result<StatusCode, Refusal> {
    let attempt = Attempt { organization, kind: verb.kind, subject: Some((SubjectKind::User, user.0)) };
    caller.clone().denied(app.clone(), attempt, outcome).await.map(|()| DONE)
}
