use std::{path::PathBuf, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection as _,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Error, Result, Store, migrate, sqlite::Writer};

/// How long a statement waits for a lock or a connection before it fails: half of what a request may take. Fifty
/// changes of one group stand in a row, each behind the flush of the one before, and none of them may fail.
const PATIENCE: Duration = Duration::from_secs(15);
/// PostgreSQL groups commits across connections; 16 to 32 is where its rate levels off.
const POSTGRES_CONNECTIONS: u32 = 24;
/// A connection that has rested so long is asked before use whether the server still knows it.
const QUIET: Duration = Duration::from_secs(1);
/// SQLite's readers: more than the cores only wait.
const SQLITE_READERS: u32 = 4;

/// Where the data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Url {
    /// A file, made if absent.
    Sqlite(PathBuf),
    /// `postgres://user:password@host/database`.
    Postgres(String),
}

impl FromStr for Url {
    type Err = Error;

    /// Reads `postgres://...`, `postgresql://...`, `sqlite:PATH` or a path.
    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text);
        if path.is_empty() || path.contains("://") {
            return Err(Error::Url(format!("{text:?} is neither postgres://... nor a path of an SQLite file")));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

/// How to open the database.
#[derive(Debug, Clone)]
pub struct Options {
    pub url: Url,
    /// Apply missing migrations at the start.
    pub migrate: bool,
}

pub(super) async fn open(options: &Options) -> Result<Store> {
    match &options.url {
        Url::Sqlite(path) => open_sqlite(path, options.migrate).await,
        Url::Postgres(url) => open_postgres(url, options.migrate).await,
    }
}

async fn open_sqlite(path: &std::path::Path, migrate: bool) -> Result<Store> {
    let base = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        .statement_cache_capacity(512)
        .pragma("cache_size", "-4096")
        .pragma("temp_store", "memory")
        .disable_statement_logging();
    // FULL: a consumed code that comes back after a power loss is a security defect.
    let writing = base.clone().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let mut connection = writing.connect().await?;
    if migrate {
        migrate::sqlite(&mut connection).await?;
    } else {
        migrate::refuse_newer_sqlite(&mut connection).await?;
    }
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(PATIENCE)
        // A file does not hang up: asking before each use would only cost.
        .test_before_acquire(false)
        .connect_lazy_with(base.pragma("query_only", "1"));
    Ok(Store::Sqlite { readers, writer: Writer::start(connection)? })
}

async fn open_postgres(url: &str, migrate: bool) -> Result<Store> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| Error::Url(format!("the PostgreSQL URL is malformed: {error}")))?
        .application_name("castellan")
        .statement_cache_capacity(512)
        .options([
            ("statement_timeout", "15s"),
            ("lock_timeout", "15s"),
            ("idle_in_transaction_session_timeout", "20s"),
        ])
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        // A connection in use does not need to be asked whether it lives: that is a round trip each time.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= QUIET {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await?;
    if migrate {
        migrate::postgres(&pool).await?;
    } else {
        migrate::refuse_newer_postgres(&pool).await?;
    }
    Ok(Store::Postgres { pool })
}
