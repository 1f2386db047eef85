//! Webhooks of an organization: where provisioning events are pushed (product.md A3, RFC 8935).

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Attempt, Body, Caller, Ids, Invalid, Problem, Refusal};
use crate::{
    app::App,
    audit::{self, Event, SubjectKind},
    id::{OrganizationId, WebhookId},
    organizations,
    secret::Secret,
    webhooks::{self, Address, MOST, Webhook},
};

const READ: &str = "portal:connections:read";
const MANAGE: &str = "portal:connections:manage";

/// A receiver of events, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDetail {
    pub id: Uuid,
    /// Without what its query says, which may be a secret: `https://desk.example.com/events?...`.
    pub url: String,
    /// `active` or `disabled`.
    pub status: String,
    /// RFC 3339.
    pub created_at: String,
}

/// The webhooks of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookList {
    pub webhooks: Vec<WebhookDetail>,
}

/// A webhook to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookCreation {
    /// Where events are posted as `application/secevent+jwt`: https, an address that all can reach, without name and
    /// password, of at most 2048 characters. Its query is kept for delivery and shown to nobody.
    url: String,
}

/// A webhook, and its secret: in this answer and never again.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    pub webhook: WebhookDetail,
    /// Each event comes with `Authorization: Bearer` and this. The events themselves are signed by the
    /// server's keys.
    pub secret: String,
}

/// Where the organization's provisioning events go, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/webhooks", tag = "webhooks",
    params(("organization" = Uuid, Path)),
    responses((status = 200, body = WebhookList), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
) -> Result<Json<WebhookList>, Refusal> {
    let mut db = app.store.reader().await?;
    caller.over(&mut db, id).await?.require(READ)?;
    let webhooks = webhooks::list(&mut db, id).await?.iter().map(WebhookDetail::of).collect();
    Ok(Json(WebhookList { webhooks }))
}

/// Makes a webhook for the organization's provisioning events. Asks for a fresh sign-in.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/webhooks", tag = "webhooks",
    params(("organization" = Uuid, Path)), request_body = WebhookCreation,
    responses((status = 201, body = WebhookWithSecret), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
    Body(creation): Body<WebhookCreation>,
) -> Result<(StatusCode, Json<WebhookWithSecret>), Refusal> {
    let (master, who, url) = (app.master.clone(), caller.clone(), judge(&app, &creation.url)?);
    let outcome = app.store.write(async move |tx| {
        // Two at once queue here for the count.
        organizations::bump_revision(tx, id).await?;
        who.over(tx, id).await?.require(MANAGE)?;
        who.fresh()?;
        if webhooks::list(tx, id).await?.len() >= MOST {
            let text = format!("An organization has {MOST} webhooks at most.");
            return Err(Refusal::Invalid(vec![Invalid::new("/url", "too-many", text)]));
        }
        let secret = Secret::random_with_prefix("cst_wh_");
        let webhook = webhooks::insert(tx, &master, (id, url.whole(), &secret), who.now).await?;
        let event = Event::new(id, "webhook.created", who.by.clone());
        let event = event.on(SubjectKind::Webhook, webhook.id.0).with(json!({ "url": webhook.url.to_string() }));
        audit::record(tx, &master, event, who.now).await?;
        Ok(WebhookWithSecret { webhook: WebhookDetail::of(&webhook), secret: secret.expose().to_owned() })
    });
    let attempt = Attempt { organization: id, kind: "webhook.created", subject: None };
    let made = caller.denied(app.clone(), attempt, outcome.await).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Ends a webhook; what is queued for it is not sent.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/webhooks/{webhook}", tag = "webhooks",
    params(("organization" = Uuid, Path), ("webhook" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Ids((id, webhook)): Ids<(OrganizationId, WebhookId)>,
) -> Result<StatusCode, Refusal> {
    let (master, who) = (app.master.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        who.over(tx, id).await?.require(MANAGE)?;
        if !webhooks::delete(tx, id, webhook).await? {
            return Err(Refusal::NotFound);
        }
        let event = Event::new(id, "webhook.removed", who.by.clone()).on(SubjectKind::Webhook, webhook.0);
        Ok(audit::record(tx, &master, event, who.now).await?)
    });
    let attempt =
        Attempt { organization: id, kind: "webhook.removed", subject: Some((SubjectKind::Webhook, webhook.0)) };
    caller.denied(app.clone(), attempt, outcome.await).await.map(|()| StatusCode::NO_CONTENT)
}

/// Where we may push to (security.md row 112: no request leaves for a place that only we reach).
fn judge(app: &App, typed: &str) -> Result<Address, Refusal> {
    let wrong = |code: &str, text: &str| Refusal::Invalid(vec![Invalid::new("/url", code, text)]);
    let typed = typed.trim();
    if Url::parse(typed).is_ok_and(|url| !url.username().is_empty() || url.password().is_some()) {
        let text = "Leave name and password out of the URL. The receiver knows us by the webhook's own secret.";
        return Err(wrong("userinfo", text));
    }
    let judged = app.outbound.judge(typed);
    let mut url = judged.map_err(|_| wrong("not-allowed", "Use an https URL that everybody can reach."))?;
    url.set_fragment(None);
    if url.as_str().len() > Address::LONGEST {
        return Err(wrong("too-long", "Use a URL of at most 2048 characters."));
    }
    Ok(Address::new(url))
}

impl WebhookDetail {
    fn of(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.0,
            url: webhook.url.to_string(),
            status: webhook.status.as_str().to_owned(),
            created_at: webhook.created_at.to_rfc3339(),
        }
    }
}
