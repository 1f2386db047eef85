//! The provisioning log (V4): every request of a connection, what it changed or why it was refused.
//!
//! What changed something is logged in the transaction of the change; reads and refusals go through
//! [`Recorder`], which writes them in batches and may lose the last few at a crash. The janitor forgets
//! entries after 30 days; removing a person takes what is personal out of theirs at once (P12).
//!
//! Attributes that nobody may read are redacted by whoever makes an entry, for only the schema knows them;
//! bearer tokens and secrets in a URL are redacted here, whoever made the entry.

mod redact;

use serde_json::Value;
use sqlx::FromRow;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::sql;
use crate::{
    clock::Timestamp,
    id::{ConnectionId, uuid_at},
    store::{Db, Json, Result, Store, Tx},
    text,
};

text_enum! {
    /// How a request ended.
    pub enum Outcome {
        /// It asked, and was answered.
        Read = "read",
        Changed = "changed",
        /// It wanted what was so already.
        Unchanged = "unchanged",
        Refused = "refused",
        /// The guard keeps it for an administrator.
        Held = "held",
        /// A dry run: answered as if, and nothing done.
        Rehearsed = "rehearsed",
    }
}

/// One request, as an administrator reads it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub connection: ConnectionId,
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub outcome: Outcome,
    pub resource: Option<Uuid>,
    /// The name of the person or group; empty where none is known.
    pub subject: String,
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
    #[sqlx(try_from = "String")]
    pub outcome: Outcome,
    pub resource_id: Option<Uuid>,
    pub subject: String,
    pub details: Json<Value>,
}

/// Writes one entry in the transaction of the change it tells of.
///
/// # Errors
/// The database failed.
pub async fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<()> {
    let path = redact::path(&entry.path);
    let details = entry.details.to_string();
    let searched = format!("{}\n{path}\n{}", entry.subject, reason(&entry.details));
    later!(
        tx,
        sql::LOG,
        uuid_at(entry.at),
        entry.connection,
        entry.at,
        &entry.method,
        &path,
        i64::from(entry.status),
        entry.resource,
        redact::tokens(&details).as_ref(),
        entry.outcome.as_str(),
        &entry.subject,
        text::fold(&searched).as_ref(),
    )
}

/// What a refusal says, so that one can search for it.
fn reason(details: &Value) -> &str {
    ["refused", "held"].iter().find_map(|name| details.get(name)?.as_str()).unwrap_or_default()
}

/// The latest `limit` entries before `before`, newest first.
///
/// # Errors
/// The database failed.
pub async fn list(db: &mut Db<'_>, connection: ConnectionId, before: Timestamp, limit: i64) -> Result<Vec<Logged>> {
    search(db, connection, &Search { before: Some((before, Uuid::nil())), limit, ..Search::default() }).await
}

/// Which entries to find.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Entries older than this one: its time and id.
    pub before: Option<(Timestamp, Uuid)>,
    pub outcome: Option<Outcome>,
    pub method: Option<String>,
    /// About this person or group.
    pub resource: Option<Uuid>,
    /// Part of a name, of the path with its query, or of a reason, in any case.
    pub text: String,
    pub limit: i64,
}

/// Entries that are meant, newest first. A page goes on after the last entry of the one before.
///
/// # Errors
/// The database failed.
pub async fn search(db: &mut Db<'_>, connection: ConnectionId, wanted: &Search) -> Result<Vec<Logged>> {
    let (before, id) = wanted.before.unwrap_or((Timestamp::from_micros(i64::MAX), Uuid::nil()));
    fetch_all!(
        db,
        Logged,
        sql::LOG_SEARCH,
        connection,
        before,
        id,
        wanted.outcome.map_or("", Outcome::as_str),
        wanted.method.as_deref().unwrap_or_default(),
        wanted.resource,
        pattern(&wanted.text),
        wanted.limit,
    )
}

/// One entry of the connection.
///
/// # Errors
/// The database failed.
pub async fn find(db: &mut Db<'_>, connection: ConnectionId, id: Uuid) -> Result<Option<Logged>> {
    fetch_optional!(db, Logged, sql::LOG_FIND, connection, id)
}

/// For LIKE, with `!` as the escape character.
fn pattern(typed: &str) -> String {
    let mut pattern = String::from("%");
    for character in text::fold(typed.trim()).chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
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
