//! The provisioning log (V4): every request of a connection, what it changed or why it was refused.
//!
//! What changed something is logged in the transaction of the change; reads and refusals go through
//! [`Recorder`], which writes them in batches and may lose the last few at a crash. The janitor forgets
//! entries after 30 days.

use serde_json::Value;
use sqlx::FromRow;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::sql;
use crate::{
    clock::Timestamp,
    id::{ConnectionId, uuid_at},
    store::{Db, Json, Result, Store, Tx},
};

/// One request, as an administrator reads it. Secrets are redacted by whoever makes it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub connection: ConnectionId,
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub resource: Option<Uuid>,
    /// Changed attributes before and after, or the reason of a refusal.
    pub details: Value,
}

/// An entry as it is stored.
#[derive(Debug, Clone, FromRow)]
pub struct Logged {
    pub id: Uuid,
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    pub status: i64,
    pub resource_id: Option<Uuid>,
    pub details: Json<Value>,
}

/// Writes one entry in the transaction of the change it tells of.
///
/// # Errors
/// The database failed.
pub async fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<()> {
    execute!(
        tx,
        sql::LOG,
        uuid_at(entry.at),
        entry.connection,
        entry.at,
        &entry.method,
        &entry.path,
        i64::from(entry.status),
        entry.resource,
        Json(&entry.details),
    )?;
    Ok(())
}

/// The latest `limit` entries before `before`, newest first.
///
/// # Errors
/// The database failed.
pub async fn list(db: &mut Db<'_>, connection: ConnectionId, before: Timestamp, limit: i64) -> Result<Vec<Logged>> {
    fetch_all!(db, Logged, sql::LOG_LIST, connection, before, limit)
}

/// How many entries wait at most; a request beyond that waits for the writer.
const QUEUE: usize = 4096;
/// How many entries one write takes.
const BATCH: usize = 256;

/// Collects entries of requests that changed nothing, and writes them behind the answers.
#[derive(Clone)]
pub struct Recorder(mpsc::Sender<Entry>);

impl Recorder {
    /// Starts the writer; it ends with the last clone. Must be called within a runtime.
    pub fn start(store: Store) -> Self {
        let (sender, mut receiver) = mpsc::channel::<Entry>(QUEUE);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while receiver.recv_many(&mut batch, BATCH).await > 0 {
                let entries = std::mem::take(&mut batch);
                let written = store
                    .write(async move |tx| {
                        for entry in &entries {
                            insert(tx, entry).await?;
                        }
                        Ok::<_, crate::store::Error>(())
                    })
                    .await;
                if let Err(error) = written {
                    tracing::error!(%error, "provisioning log entries were lost");
                }
            }
        });
        Self(sender)
    }

    /// Takes an entry; waits only when the queue is full.
    pub async fn note(&self, entry: Entry) {
        // The receiver lives as long as the runtime does.
        let _ = self.0.send(entry).await;
    }
}
