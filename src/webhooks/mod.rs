//! Webhooks: where an organization wants to be told of what its tools provision (product.md A3).
//!
//! Owns the rows `webhooks`. An event is queued in the transaction of the change ([`publish`]) and leaves
//! from the outbox, at least once; what it says is for whoever makes the change (`provisioning::event`), and what it
//! looks like on the wire for whoever delivers it.
//!
//! Invariants: an event goes to the webhooks of its own organization only. What an [`Address`] carries behind its path
//! may be a secret: it is whole for delivery only, and shown, written to logs and audited without it.

mod address;
mod sql;

use serde_json::Value;

use crate::{
    clock::Timestamp,
    id::{OrganizationId, WebhookId},
    jobs::{self, Message},
    secret::{MasterKeys, Sealed, Secret},
    store::{Db, Result, Tx},
};

pub use address::Address;
pub use sql::STATEMENTS;

/// How long an event is worth telling: a receiver may be away for a day.
const LIFE: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// How many events may wait for one webhook.
const MOST_WAITING: i64 = 5_000;
/// The most webhooks of one organization. Whoever counts them has written the organization's row before
/// (`organizations::bump_revision`), so that two at once queue for the count.
pub const MOST: usize = 10;

text_enum! {
    /// A disabled webhook is told nothing: too many events have waited for it.
    pub enum Status {
        Active = "active",
        Disabled = "disabled",
    }
}

/// A webhook, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Webhook {
    pub id: WebhookId,
    pub organization_id: OrganizationId,
    pub url: Address,
    #[sqlx(try_from = "String")]
    pub status: Status,
    pub created_at: Timestamp,
}

/// Makes a webhook. Its secret is sent with each event, for the receiver to know us by; it is kept sealed.
///
/// # Errors
/// The database's, here and below.
pub async fn insert(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    (organization, url, secret): (OrganizationId, &str, &Secret),
    now: Timestamp,
) -> Result<Webhook> {
    let webhook = Webhook {
        id: WebhookId::new(now),
        organization_id: organization,
        url: Address::new(url),
        status: Status::Active,
        created_at: now,
    };
    let sealed = master.seal(&context(webhook.id), secret.expose().as_bytes());
    // Every event, for the time being: there is one kind of them.
    execute!(
        tx,
        sql::INSERT,
        webhook.id,
        organization,
        webhook.url.whole(),
        "[]",
        sealed,
        webhook.status.as_str(),
        now
    )?;
    Ok(webhook)
}

/// The webhooks of an organization, the oldest first.
pub async fn list(db: &mut Db<'_>, organization: OrganizationId) -> Result<Vec<Webhook>> {
    fetch_all!(db, Webhook, sql::LIST, organization)
}

/// Whether the organization is told anything.
pub async fn any_active(db: &mut Db<'_>, organization: OrganizationId) -> Result<bool> {
    Ok(list(db, organization).await?.iter().any(|webhook| webhook.status == Status::Active))
}

/// A webhook and its secret, if it is to be told anything; `None` too where the secret cannot be opened.
pub async fn find(db: &mut Db<'_>, master: &MasterKeys, id: WebhookId) -> Result<Option<(Webhook, Secret)>> {
    let Some(webhook) = fetch_optional!(db, Webhook, sql::FIND, id)? else { return Ok(None) };
    let Some((sealed,)) = fetch_optional!(db, (Sealed,), sql::SECRET, id)? else { return Ok(None) };
    let plain = master.open(&context(id), &sealed).ok();
    let secret = plain.and_then(|plain| String::from_utf8(plain.to_vec()).ok());
    Ok(secret.map(|text| (webhook, Secret::from_text(&text))).filter(|(webhook, _)| webhook.status == Status::Active))
}

/// Deletes a webhook; what is queued for it is not sent any more. `false` if the organization has none such.
pub async fn delete(tx: &mut Tx<'_>, organization: OrganizationId, id: WebhookId) -> Result<bool> {
    Ok(execute!(tx, sql::DELETE, id, organization)? == 1)
}

/// Queues an event for every webhook of the organization, in the transaction of what it tells of. A webhook that has
/// left too much waiting is disabled, so that nobody's queue grows without end; answers those, for the audit log.
///
/// # Errors
/// The database's.
pub async fn publish(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    organization: OrganizationId,
    event: &Value,
    now: Timestamp,
) -> Result<Vec<WebhookId>> {
    let mut disabled = Vec::new();
    for webhook in list(tx, organization).await?.into_iter().filter(|webhook| webhook.status == Status::Active) {
        if jobs::waiting(tx, webhook.id.0, MOST_WAITING).await? >= MOST_WAITING {
            later!(tx, sql::DISABLE, webhook.id)?;
            disabled.push(webhook.id);
            continue;
        }
        let message = Message::Webhook { webhook: webhook.id, event: event.clone() };
        jobs::enqueue(tx, master, &message, now + LIFE, now).await?;
    }
    Ok(disabled)
}

/// What a secret is sealed for.
fn context(id: WebhookId) -> String {
    format!("webhook:{id}")
}
