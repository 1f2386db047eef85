//! Helping people back in: a new password, new factors, a new link. Never upward, never oneself (B6).

use axum::{extract::State, http::StatusCode};
use serde_json::json;

use super::verb::{self, DONE, Verb};
use crate::{
    action_tokens::Purpose,
    api::{Attempt, Caller, Ids, Problem, Refusal},
    app::App,
    audit::SubjectKind,
    id::{OrganizationId, UserId},
    mailed_links::{self, Sent},
    mfa,
    store::Tx,
    users::{Status, User},
};

const RESET_PASSWORD: Verb =
    Verb { kind: "password.reset_sent", permission: "portal:passwords:reset", on_oneself: false };
const RESET_MFA: Verb = Verb { kind: "mfa.reset", permission: "portal:mfa:reset", on_oneself: false };
const INVITE: Verb = Verb { kind: "user.invited", permission: "portal:users:create", on_oneself: false };

/// Mails the person a link for a new password. Nothing changes until they use it; then all their
/// sessions end. An account is mailed a few times an hour at most; beyond that the last link goes on working.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/users/{user}/reset-password", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn reset_password(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, UserId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, person) = verb::judge(tx, &who, RESET_PASSWORD, ids).await?;
        if person.status != Status::Active {
            return Err(Refusal::WrongState(
                "Only an active user can get a new password. Send an invited one the link again; reactivate a \
                 deactivated one first.",
            ));
        }
        if send(tx, &parts, &who, (Purpose::ResetPassword, &person)).await? {
            verb::record(tx, &parts, &who, (RESET_PASSWORD, &person), json!({})).await?;
        }
        Ok(())
    });
    finish(&app, &caller, (RESET_PASSWORD, ids), outcome.await).await
}

/// Revokes every second factor, trusted device and session of the person, who must set up a new one at
/// the next sign-in and is told by mail. Asks for a fresh sign-in.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/users/{user}/reset-mfa", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn reset_mfa(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, UserId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, person) = verb::judge(tx, &who, RESET_MFA, ids).await?;
        who.fresh()?;
        if person.status != Status::Active {
            return Err(Refusal::WrongState("Only an active user has second factors to reset."));
        }
        mfa::reset(tx, &parts.master, &person, &who.by, who.now).await?;
        Ok(())
    });
    finish(&app, &caller, (RESET_MFA, ids), outcome.await).await
}

/// Mails an invited person a new link; the old one is dead.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/users/{user}/invite", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn invite(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, UserId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (_, person) = verb::judge(tx, &who, INVITE, ids).await?;
        if person.status != Status::Invited {
            return Err(Refusal::WrongState("This person has set a password already. Reset it instead."));
        }
        if send(tx, &parts, &who, (Purpose::Activate, &person)).await? {
            verb::record(tx, &parts, &who, (INVITE, &person), json!({ "again": true })).await?;
        }
        Ok(())
    });
    finish(&app, &caller, (INVITE, ids), outcome.await).await
}

/// Mails a link; it leaves by mail only, in no answer (row 147). `false` if the account had its mails of this
/// hour, which nobody but the audit log is told.
pub async fn send(
    tx: &mut Tx<'_>,
    app: &App,
    caller: &Caller,
    (purpose, person): (Purpose, &User),
) -> Result<bool, Refusal> {
    let link = app.link(purpose, caller.by.clone());
    match mailed_links::send(tx, &app.master, person, &link, caller.now).await? {
        Sent::Mailed => Ok(true),
        Sent::Withheld => Ok(false),
        Sent::NoAddress => Err(Refusal::WrongState("This account has no address to mail to.")),
    }
}

async fn finish(
    app: &App,
    caller: &Caller,
    (verb, (organization, user)): (Verb, (OrganizationId, UserId)),
    outcome: Result<(), Refusal>,
) -> Result<StatusCode, Refusal> {
    let attempt = Attempt { organization, kind: verb.kind, subject: Some((SubjectKind::User, user.0)) };
    caller.clone().denied(app.clone(), attempt, outcome).await?;
    app.wake.ring();
    Ok(DONE)
}
