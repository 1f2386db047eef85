//! Helping people back in: a new password, new factors, a new link. Never upward, never oneself (B6).

use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use serde_json::json;

use super::verb::{self, DONE, Verb};
use crate::{
    action_tokens::{self, NewActionToken, Purpose},
    api::{Attempt, Caller, Ids, Over, Problem, Refusal},
    app::App,
    audit::SubjectKind,
    id::{OrganizationId, UserId},
    mail, mfa,
    store::Tx,
    users::{Status, User},
};

const RESET_PASSWORD: Verb =
    Verb { kind: "password.reset_sent", permission: "portal:passwords:reset", on_oneself: false };
const RESET_MFA: Verb = Verb { kind: "mfa.reset", permission: "portal:mfa:reset", on_oneself: false };
const INVITE: Verb = Verb { kind: "user.invited", permission: "portal:users:create", on_oneself: false };

/// How long a link for a new password works.
const RESET_MINUTES: u64 = 60;
/// How long a link that activates an account works (I4).
pub const ACTIVATION_DAYS: u64 = 7;

/// Mails the person a link for a new password. Nothing changes until they use it; then all their
/// sessions end.
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
        let (over, person) = verb::judge(tx, &who, RESET_PASSWORD, ids).await?;
        if person.status != Status::Active {
            return Err(Refusal::WrongState(
                "Only an active user can get a new password. Send an invited one the link again; reactivate a \
                 deactivated one first.",
            ));
        }
        let email = mailable(&person)?;
        let life = Duration::from_secs(RESET_MINUTES * 60);
        let new = NewActionToken {
            user_id: person.id,
            purpose: Purpose::ResetPassword,
            created_by: who.user_id(),
            data: json!({}),
            expires_at: who.now + life,
        };
        let secret = action_tokens::issue(tx, &new, who.now).await?;
        let link = parts.config.url(&format!("/login/reset?token={}", secret.expose()));
        let letter = mail::password_reset(&brand(&over), email, person.name(), &link, RESET_MINUTES);
        mail::enqueue(tx, &parts.master, &letter, who.now + life, who.now).await?;
        verb::record(tx, &parts, &who, (RESET_PASSWORD, &person), json!({})).await
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
        let (over, person) = verb::judge(tx, &who, INVITE, ids).await?;
        if person.status != Status::Invited {
            return Err(Refusal::WrongState("This person has set a password already. Reset it instead."));
        }
        send_activation(tx, &parts, &who, (&over, &person)).await?;
        verb::record(tx, &parts, &who, (INVITE, &person), json!({ "again": true })).await
    });
    finish(&app, &caller, (INVITE, ids), outcome.await).await
}

/// Mails the link that activates an account. The link leaves by mail only, in no answer (row 147).
pub async fn send_activation(
    tx: &mut Tx<'_>,
    app: &App,
    caller: &Caller,
    (over, person): (&Over, &User),
) -> Result<(), Refusal> {
    let email = mailable(person)?;
    let expires_at = caller.now + Duration::from_secs(ACTIVATION_DAYS * 24 * 3600);
    let new = NewActionToken {
        user_id: person.id,
        purpose: Purpose::Activate,
        created_by: caller.user_id(),
        data: json!({}),
        expires_at,
    };
    let secret = action_tokens::issue(tx, &new, caller.now).await?;
    let link = app.config.url(&format!("/login/activate?token={}", secret.expose()));
    let names = (person.name(), person.login_name.as_given());
    let letter = mail::activation(&brand(over), email, names, &link, ACTIVATION_DAYS);
    mail::enqueue(tx, &app.master, &letter, expires_at, caller.now).await?;
    Ok(())
}

fn mailable(person: &User) -> Result<&str, Refusal> {
    person.email.as_deref().ok_or(Refusal::WrongState("This account has no address to mail to."))
}

fn brand(over: &Over) -> mail::Brand {
    mail::Brand { name: over.organization.name.clone(), support: over.organization.contact_email.clone() }
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
