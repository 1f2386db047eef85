//! The mailbox of demo mode: where mails go instead of to a server.

use super::{Mail, sql};
use crate::{
    clock::Timestamp,
    id::MailId,
    secret::MasterKeys,
    store::{Db, Error, Result, Store},
};

/// A mail that lies in the demo's mailbox.
#[derive(Debug, Clone)]
pub struct Received {
    pub id: MailId,
    pub mail: Mail,
    pub at: Timestamp,
}

/// The newest mails first.
///
/// # Errors
/// The database's, or a mail that does not open.
pub async fn list(db: &mut Db<'_>, master: &MasterKeys, limit: i64) -> Result<Vec<Received>> {
    let damaged = |id: MailId| Error::Damaged(format!("the demo mail {id}"));
    let rows = sql::list(db, limit).await?;
    rows.into_iter()
        .map(|row| {
            let plain = master.open(&context(row.id), &row.sealed).map_err(|_| damaged(row.id))?;
            let mail = serde_json::from_slice(&plain).map_err(|_| damaged(row.id))?;
            Ok(Received { id: row.id, mail, at: row.created_at })
        })
        .collect()
}

pub(super) async fn put(store: &Store, master: &MasterKeys, mail: &Mail, now: Timestamp) -> Result<()> {
    let id = MailId::new(now);
    let plain = serde_json::to_vec(mail).map_err(|error| Error::Damaged(error.to_string()))?;
    let sealed = master.seal(&context(id), &plain);
    store.write(async move |tx| sql::insert(tx, id, &sealed, now).await).await
}

fn context(id: MailId) -> String {
    format!("demo_mail:{id}")
}
