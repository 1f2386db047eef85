//! Everything that runs later: the outbox and the janitor, and the leases that say which node.
//!
//! Owns `outbox` and `leases`. How a message is delivered is for whoever implements [`Deliver`];
//! what a mail says is for `mail`.
//!
//! Invariants:
//! - a message is a row of the transaction that caused it ([`enqueue`]), sealed, since mails carry links;
//! - it leaves at least once, from one node at a time (a row is leased), and never after it expired;
//! - who takes long to answer delays nobody else: mails, webhooks and all else have places of their own, and a
//!   receiving client or webhook is told one thing at a time, a webhook in order;
//! - nothing here holds a transaction open while it talks to somebody.

mod janitor;
pub mod lease;
mod outbox;
mod sql;

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

pub use janitor::clean;
pub use outbox::{Deliver, Failure, deliver_due, keep_delivering};
pub use sql::STATEMENTS;

use crate::{
    clock::Timestamp,
    id::{ClientRowId, OutboxId, SessionId, UserId, WebhookId},
    secret::MasterKeys,
    store::{Db, Result, Tx},
};

/// Something that leaves later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// A mail, ready to send.
    Mail(Letter),
    /// Tell a client that a session, or all of a user's, have ended (OpenID Connect Back-Channel Logout 1.0).
    BackchannelLogout { client: ClientRowId, subject: UserId, session: Option<SessionId> },
    /// Look up whom somebody typed who has forgotten their password, and mail them a link (product.md P10).
    ForgottenPassword { typed: String, address: String, user_agent: String },
    /// Push an event, the claims of a security event token (RFC 8417), to a webhook.
    Webhook { webhook: WebhookId, event: serde_json::Value },
}

/// A mail: one recipient, text and HTML.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The one address, as stored with the user.
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The links in it, for the demo's mailbox.
    pub links: Vec<String>,
}

/// Without the text: it carries links and codes.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Message {
    /// The stored kind.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::BackchannelLogout { .. } => "backchannel_logout",
            Self::ForgottenPassword { .. } => "forgotten_password",
            Self::Webhook { .. } => "webhook",
        }
    }

    /// The client or webhook that is told, one thing at a time; `None` where nobody in particular may be slow.
    const fn receiver(&self) -> Option<Uuid> {
        match self {
            Self::Mail(_) | Self::ForgottenPassword { .. } => None,
            Self::BackchannelLogout { client, .. } => Some(client.0),
            Self::Webhook { webhook, .. } => Some(webhook.0),
        }
    }
}

/// Puts a message into the outbox, in the transaction that causes it. It is not sent after `expires_at`.
///
/// # Errors
/// The database's.
pub async fn enqueue(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    message: &Message,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<OutboxId> {
    let id = OutboxId::new(now);
    let plain = serde_json::to_vec(message).map_err(|error| crate::store::Error::Damaged(error.to_string()))?;
    let sealed = master.seal(&outbox::context(id), &plain);
    let (kind, receiver) = (message.kind(), message.receiver());
    sql::insert(tx, sql::NewRow { id, kind, receiver, sealed: &sealed, expires_at }, now).await?;
    Ok(id)
}

/// How much waits to be told to a client or webhook, counted up to `most`.
///
/// # Errors
/// The database's.
pub async fn waiting(db: &mut Db<'_>, receiver: Uuid, most: i64) -> Result<i64> {
    sql::waiting(db, receiver, most).await
}

/// Rings when a commit may have left something to send, so that it need not wait for the next poll.
#[derive(Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Call after the commit.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring, at most `at_most`.
    pub async fn wait(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.0.notified()).await;
    }
}
