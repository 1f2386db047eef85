//! Webhooks of an organization, below its connections: where provisioning events are pushed.

use axum::{
    extract::{Path, State},
    http::Method,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{More, render};
use crate::{
    http::Form,
    portal::{
        Portal, Trouble, Visit,
        api::{Webhook, WebhookList, WebhookWithSecret},
        toast::Toast,
        user_acts::{Nothing, done},
        words,
    },
};

/// One webhook of the list.
pub struct HookLine {
    pub webhook: Webhook,
    pub made: String,
}

/// The webhooks of the organization.
pub async fn lines(visit: &Visit, id: Uuid) -> Result<Vec<HookLine>, Trouble> {
    let list: WebhookList = visit.get(&format!("/organizations/{id}/webhooks")).await?;
    let line = |webhook: Webhook| HookLine { made: words::date(&webhook.created_at), webhook };
    Ok(list.webhooks.into_iter().map(line).collect())
}

/// A webhook to be made.
#[derive(Deserialize)]
pub struct NewWebhook {
    #[serde(default)]
    url: String,
}

/// `POST .../connections/webhooks`: the answer shows its secret, this once.
pub async fn create(Path(id): Path<Uuid>, visit: Visit, Form(form): Form<NewWebhook>) -> Result<Response, Trouble> {
    let body = json!({ "url": form.url.trim() });
    let path = format!("/organizations/{id}/webhooks");
    let more = match visit.send::<WebhookWithSecret, _>(Method::POST, &path, Some(&body)).await? {
        Ok(made) => More { fresh: Some(made), ..More::default() },
        Err(problem) => More { url: form.url, refused: Some(problem), ..More::default() },
    };
    render(&visit, id, more).await
}

/// `POST .../connections/webhooks/{webhook}/end`
pub async fn end(
    State(portal): State<Portal>,
    Path((id, webhook)): Path<(Uuid, Uuid)>,
    visit: Visit,
    _: Form<Nothing>,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/webhooks/{webhook}");
    match visit.send::<Value, ()>(Method::DELETE, &path, None).await? {
        Ok(_) => Ok(done(&portal, &format!("/portal/organizations/{id}/connections"), Toast::WebhookRemoved)),
        Err(problem) => render(&visit, id, More { refused: Some(problem), ..More::default() }).await,
    }
}
