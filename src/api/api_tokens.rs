//! Tokens of this API: for programs of an organization. None holds more than its maker.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Attempt, Body, Caller, Ids, Invalid, Over, Problem, Refusal, users::change::check_name};
use crate::{
    api_tokens::{self, NewApiToken},
    app::App,
    audit::{self, Event, SubjectKind},
    clock::Timestamp,
    id::{ApiTokenId, OrganizationId},
    store::{Db, Tx},
};

const MANAGE: &str = "portal:tokens:manage";
const USUAL_DAYS: u32 = 90;
const LONGEST_DAYS: u32 = 366;

/// A token of this API, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiToken {
    pub id: Uuid,
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// Portal permissions, over the organization and all below.
    pub permissions: Vec<String>,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    /// Whether it opens anything now.
    pub live: bool,
}

/// The API tokens of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiTokenList {
    pub tokens: Vec<ApiToken>,
}

/// A token to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiTokenCreation {
    name: String,
    /// Portal permissions that the caller holds over this organization and all below.
    permissions: Vec<String>,
    /// 1 to 366; 90 if absent.
    days: Option<u32>,
}

/// A token and its secret: in this answer and never again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiTokenWithSecret {
    pub api_token: ApiToken,
    /// Send it as `Authorization: Bearer ...`. It is not stored: copy it now.
    pub token: String,
}

/// The organization's API tokens, the newest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/api-tokens", tag = "api-tokens",
    params(("organization" = Uuid, Path)),
    responses((status = 200, body = ApiTokenList), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
) -> Result<Json<ApiTokenList>, Refusal> {
    let mut db = app.store.reader().await?;
    caller.over(&mut db, id).await?.require(MANAGE)?;
    let tokens = api_tokens::list(&mut db, id).await?;
    Ok(Json(ApiTokenList { tokens: tokens.iter().map(|token| ApiToken::of(token, caller.now)).collect() }))
}

/// Makes an API token. For people only, with a fresh sign-in: a token that made others could not be ended.
/// It ends with the account of whoever made it.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/api-tokens", tag = "api-tokens",
    params(("organization" = Uuid, Path)), request_body = ApiTokenCreation,
    responses((status = 201, body = ApiTokenWithSecret), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
    Body(creation): Body<ApiTokenCreation>,
) -> Result<(StatusCode, Json<ApiTokenWithSecret>), Refusal> {
    let secret = api_tokens::fresh_secret();
    let (master, who, kept) = (app.master.clone(), caller.clone(), secret.clone());
    let outcome = app.store.write(async move |tx| {
        let over = who.over(tx, id).await?;
        over.require(MANAGE)?;
        who.in_person()?;
        who.fresh()?;
        let life = judge(tx, &over, &creation).await?;
        let new = NewApiToken {
            organization_id: id,
            name: creation.name.trim().to_owned(),
            permissions: creation.permissions.clone(),
            created_by: who.user_id(),
            expires_at: Some(who.now + life),
        };
        let token = api_tokens::insert(tx, &new, &kept, who.now).await?;
        let event = Event::new(id, "api_token.created", who.by.clone()).on(SubjectKind::ApiToken, token.id.0);
        let event = event.with(json!({ "permissions": token.permissions }));
        audit::record(tx, &master, event, who.now).await?;
        Ok(ApiToken::of(&token, who.now))
    });
    let attempt = Attempt { organization: id, kind: "api_token.created", subject: None };
    let api_token = caller.denied(app.clone(), attempt, outcome.await).await?;
    Ok((StatusCode::CREATED, Json(ApiTokenWithSecret { api_token, token: secret.expose().to_owned() })))
}

/// Ends an API token at once.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/api-tokens/{token}", tag = "api-tokens",
    params(("organization" = Uuid, Path), ("token" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Ids((id, token)): Ids<(OrganizationId, ApiTokenId)>,
) -> Result<StatusCode, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| end(tx, parts.clone(), who.clone(), (id, token)).await);
    let attempt =
        Attempt { organization: id, kind: "api_token.revoked", subject: Some((SubjectKind::ApiToken, token.0)) };
    caller.denied(app.clone(), attempt, outcome.await).await.map(|()| StatusCode::NO_CONTENT)
}

async fn end(
    tx: &mut Tx<'_>,
    app: App,
    caller: Caller,
    (id, token): (OrganizationId, ApiTokenId),
) -> Result<(), Refusal> {
    caller.over(tx, id).await?.require(MANAGE)?;
    if !api_tokens::revoke(tx, id, token, caller.now).await? {
        return Err(Refusal::NotFound);
    }
    let event = Event::new(id, "api_token.revoked", caller.by).on(SubjectKind::ApiToken, token.0);
    Ok(audit::record(tx, &app.master, event, caller.now).await?)
}

/// A token covers what lies below too, so its maker must hold each permission throughout.
async fn judge(db: &mut Db<'_>, over: &Over, creation: &ApiTokenCreation) -> Result<Duration, Refusal> {
    let mut errors: Vec<Invalid> = check_name("/name", &creation.name).into_iter().collect();
    let days = creation.days.unwrap_or(USUAL_DAYS);
    if !(1..=LONGEST_DAYS).contains(&days) {
        errors.push(Invalid::new("/days", "out-of-range", "Use 1 to 366 days."));
    }
    if creation.permissions.is_empty() {
        errors.push(Invalid::new("/permissions", "empty", "Pick at least one permission."));
    }
    let mut not_yours = Vec::new();
    for (index, permission) in creation.permissions.iter().enumerate() {
        let of_portal = permission.starts_with("portal:");
        if !of_portal || !over.actor.may_throughout(db, permission, over.organization.id).await? {
            let text =
                format!("You do not hold {permission} over this organization and all below, so you cannot give it.");
            not_yours.push(Invalid::new(format!("/permissions/{index}"), "not-yours-to-give", text));
        }
    }
    if !not_yours.is_empty() {
        return Err(Refusal::NotYoursToGive(not_yours));
    }
    if !errors.is_empty() {
        return Err(Refusal::Invalid(errors));
    }
    Ok(Duration::from_secs(u64::from(days) * 24 * 3600))
}

impl ApiToken {
    fn of(token: &api_tokens::ApiToken, now: Timestamp) -> Self {
        Self {
            id: token.id.0,
            name: token.name.clone(),
            hint: token.hint.clone(),
            permissions: token.permissions.clone(),
            created_at: token.created_at.to_rfc3339(),
            expires_at: token.expires_at.map(Timestamp::to_rfc3339),
            last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
            live: token.is_live(now),
        }
    }
}
