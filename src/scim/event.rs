//! Provisioning events (RFC 9967): what a tool changed, as a security event token (RFC 8417) that is pushed
//! to the organization's webhooks (RFC 8935).
//!
//! An event is queued in the transaction of the change and names the resource and the attributes, never
//! their values: a receiver that may know them reads them. What is performed after it was answered
//! ([`super::asynchronous`]) is told of too, operation by operation.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{answer::Fault, call::Call};
use crate::{
    app::App,
    audit::{self, Event, SubjectKind},
    clock::Timestamp,
    http::outbound::Refused,
    id::{OutboxId, WebhookId, uuid_at},
    jobs::Failure,
    keys::Algorithm,
    store::{self, Tx},
    webhooks,
};

/// The `typ` of a security event token (RFC 8417 §2.3).
const TYPE: &str = "secevent+jwt";

/// An operation has ended whose request was answered before (RFC 9967 §2.5.1.3).
const COMPLETED: &str = "urn:ietf:params:scim:event:misc:asyncresp";

/// What happened to a resource (RFC 9967, provisioning events).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Create,
    Put,
    Patch,
    Delete,
    Activate,
    Deactivate,
}

impl Kind {
    /// Its URI. Changes are notices: they name attributes and not values.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Create => "urn:ietf:params:scim:event:prov:create:notice",
            Self::Put => "urn:ietf:params:scim:event:prov:put:notice",
            Self::Patch => "urn:ietf:params:scim:event:prov:patch:notice",
            Self::Delete => "urn:ietf:params:scim:event:prov:delete",
            Self::Activate => "urn:ietf:params:scim:event:prov:activate",
            Self::Deactivate => "urn:ietf:params:scim:event:prov:deactivate",
        }
    }

    const ALL: [Self; 6] = [Self::Create, Self::Put, Self::Patch, Self::Delete, Self::Activate, Self::Deactivate];

    /// What a request that changes a resource does.
    pub fn of_change(call: &Call) -> Self {
        if call.replaces() { Self::Put } else { Self::Patch }
    }

    fn names_attributes(self) -> bool {
        matches!(self, Self::Create | Self::Put | Self::Patch)
    }
}

/// The URIs of all events that can come, for discovery.
pub fn uris() -> Vec<&'static str> {
    Kind::ALL.into_iter().map(Kind::uri).chain([COMPLETED]).collect()
}

/// The resource of an event.
pub struct Subject<'s> {
    /// Below the base URL, such as `/Users/{id}`.
    pub uri: String,
    pub external_id: Option<&'s str>,
}

/// Queues an event about a resource; `changed` are its attributes that came or changed.
pub async fn publish(
    tx: &mut Tx<'_>,
    call: &Call,
    kind: Kind,
    subject: &Subject<'_>,
    changed: &Map<String, Value>,
) -> Result<(), Fault> {
    let mut sub_id = json!({ "format": "scim", "uri": subject.uri });
    if let Some(external_id) = subject.external_id {
        sub_id["externalId"] = external_id.into();
    }
    let mut event = json!({});
    if kind.names_attributes() {
        event["attributes"] = changed.keys().cloned().collect::<Value>();
    }
    Ok(queue(tx, call, (call.transaction().as_str(), sub_id), json!({ kind.uri(): event })).await?)
}

/// Queues the event that an operation has ended, whose outcome is as in the answer to a bulk request (RFC
/// 9967 §2.5.1.3). `uri` is that of its resource, or of the endpoint where it made none.
pub async fn publish_outcome(
    tx: &mut Tx<'_>,
    call: &Call,
    (transaction, uri): (&str, &str),
    outcome: &Value,
) -> store::Result<()> {
    let sub_id = json!({ "format": "scim", "uri": uri });
    queue(tx, call, (transaction, sub_id), json!({ COMPLETED: outcome })).await
}

async fn queue(tx: &mut Tx<'_>, call: &Call, (transaction, sub_id): (&str, Value), events: Value) -> store::Result<()> {
    if !call.has_webhooks {
        return Ok(());
    }
    let now = call.app.clock.now();
    let claims = json!({
        "iss": call.app.config.issuer(),
        "aud": call.base_url(),
        "iat": now.as_seconds(),
        "jti": uuid_at(now),
        "txn": transaction,
        "sub_id": sub_id,
        "events": events,
    });
    let organization = call.connection.organization_id;
    for webhook in webhooks::publish(tx, &call.app.master, organization, &claims, now).await? {
        // Too much has waited for it: an administrator finds out why.
        let event = Event::new(organization, "webhook.disabled", call.by.clone()).on(SubjectKind::Webhook, webhook.0);
        audit::record(tx, &call.app.master, event, now).await?;
    }
    Ok(())
}

/// Pushes a queued event to its webhook, signed (RFC 8935 §2).
///
/// # Errors
/// The receiver did not take it; whether it is worth trying again.
pub async fn deliver(
    app: &App,
    id: OutboxId,
    webhook: WebhookId,
    event: &Value,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut db = app.store.reader().await?;
    let found = webhooks::find(&mut db, &app.master, webhook).await?;
    drop(db);
    let Some((webhook, secret)) = found else { return Err(Failure::Never("the webhook is gone".to_owned())) };
    let signed = app.keys.sign(Algorithm::Es256, TYPE, event, now);
    let signed = signed.map_err(|error| Failure::Later(error.to_string()))?;
    match app.outbound.post_event(webhook.url.whole(), secret.expose(), signed).await {
        Ok(status) if (200..300).contains(&status) => Ok(()),
        // RFC 8935 §2.3: the receiver says that this event is wrong, and will of every copy of it.
        Ok(status) if status == StatusCode::BAD_REQUEST.as_u16() => {
            Err(Failure::Never(format!("the receiver refused event {id}")))
        }
        Ok(status) => Err(Failure::Later(format!("the receiver answered {status}"))),
        Err(Refused::Url) => Err(Failure::Never(Refused::Url.to_string())),
        Err(refused) => Err(Failure::Later(refused.to_string())),
    }
}
