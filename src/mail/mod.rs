//! Mail: what it says, and how it leaves.
//!
//! Owns `demo_mails`, the templates under `pages/`, and the SMTP connection. When something is mailed
//! is for the room that does the thing; that it leaves is for `jobs`.
//!
//! Invariants: one recipient, whose address is parsed, never concatenated into a header; text and HTML
//! say the same; a link is built from the configured public URL only; TLS is verified.

mod address;
mod letters;
mod mailbox;
mod provisioning;
mod smtp;
mod sql;

pub use address::is_mailable;
pub use letters::{
    Brand, activation, email_code, factor_added, join, locked, mfa_reset, password_changed, password_reset,
};
pub use mailbox::{Received, list};
pub use provisioning::{IdentityChange, group_held, identity_changed, last_administrator_held, run_held};
pub use smtp::{Mailer, Smtp, Tls};
pub use sql::STATEMENTS;

pub use crate::jobs::Letter as Mail;

use crate::{
    clock::Timestamp,
    id::OutboxId,
    jobs::{self, Message},
    secret::MasterKeys,
    store::{Result, Tx},
};

/// Leaves a mail in the outbox, in the transaction that causes it. A mail whose link has expired is not sent.
///
/// # Errors
/// The database's.
pub async fn enqueue(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    mail: &Mail,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<OutboxId> {
    jobs::enqueue(tx, master, &Message::Mail(mail.clone()), expires_at, now).await
}
