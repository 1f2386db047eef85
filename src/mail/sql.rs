//! The demo's mailbox.

use crate::{
    clock::Timestamp,
    id::MailId,
    secret::Sealed,
    store::{Db, Result, Tx},
};

statements! {
    INSERT = "INSERT INTO demo_mails (id, sealed, created_at) VALUES ($1, $2, $3)";
    LIST = "SELECT id, sealed, created_at FROM demo_mails ORDER BY id DESC LIMIT $1";
}

#[derive(sqlx::FromRow)]
pub struct DemoMailRow {
    pub id: MailId,
    pub sealed: Sealed,
    pub created_at: Timestamp,
}

pub async fn insert(tx: &mut Tx<'_>, id: MailId, sealed: &Sealed, now: Timestamp) -> Result<()> {
    later!(tx, INSERT, id, sealed, now)
}

pub async fn list(db: &mut Db<'_>, limit: i64) -> Result<Vec<DemoMailRow>> {
    fetch_all!(db, DemoMailRow, LIST, limit)
}
