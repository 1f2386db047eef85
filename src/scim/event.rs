//! Provisioning events (RFC 9967): what a tool changed, as a security event token (RFC 8417) that is pushed
//! to the organization's webhooks (RFC 8935).
//!
//! What an event says, and that it is queued in the transaction of the change, is [`crate::provisioning::event`]'s:
//! not only requests make such changes. What is performed after it was answered ([`super::asynchronous`]) is told of
//! too, operation by operation.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{answer::Fault, call::Call};
use crate::{
    app::App,
    clock::Timestamp,
    http::outbound::Refused,
    id::{OutboxId, WebhookId},
    jobs::Failure,
    keys::Algorithm,
    provisioning::event::Origin,
    store::{self, Tx},
    webhooks,
};

pub use crate::provisioning::event::{Kind, Subject};

/// The `typ` of a security event token (RFC 8417 §2.3).
const TYPE: &str = "secevent+jwt";

/// An operation has ended whose request was answered before (RFC 9967 §2.5.1.3).
const COMPLETED: &str = "urn:ietf:params:scim:event:misc:asyncresp";

/// What a request that changes a resource does.
pub fn kind_of_change(call: &Call) -> Kind {
    if call.replaces() { Kind::Put } else { Kind::Patch }
}

/// The URIs of all events that can come, for discovery.
pub fn uris() -> Vec<&'static str> {
    Kind::ALL.into_iter().map(Kind::uri).chain([COMPLETED]).collect()
}

/// Queues an event about a resource; `changed` are its attributes that came or changed.
pub async fn publish(
    tx: &mut Tx<'_>,
    call: &Call,
    kind: Kind,
    subject: &Subject<'_>,
    changed: &Map<String, Value>,
) -> Result<(), Fault> {
    if !call.has_webhooks {
        return Ok(());
    }
    let transaction = call.transaction();
    let attributes = changed.keys().map(String::as_str);
    Ok(origin(call, &transaction).publish(tx, kind, subject, attributes).await?)
}

/// Queues the event that an operation has ended, whose outcome is as in the answer to a bulk request (RFC
/// 9967 §2.5.1.3). `uri` is that of its resource, or of the endpoint where it made none.
pub async fn publish_outcome(
    tx: &mut Tx<'_>,
    call: &Call,
    (transaction, uri): (&str, &str),
    outcome: &Value,
) -> store::Result<()> {
    if !call.has_webhooks {
        return Ok(());
    }
    let sub_id = json!({ "format": "scim", "uri": uri });
    origin(call, transaction).queue(tx, sub_id, json!({ COMPLETED: outcome })).await
}

fn origin<'a>(call: &'a Call, transaction: &'a str) -> Origin<'a> {
    Origin {
        connection: &call.connection,
        master: &call.app.master,
        by: &call.by,
        issuer: call.app.config.issuer(),
        transaction,
        clock: &call.app.clock,
    }
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
