//! The databases: embedded SQLite, or PostgreSQL by a URL, behind one type and one SQL text.
//!
//! - [`Store::reader`] gives a [`Db`], which reads; [`Store::write`] runs a closure with a [`Tx`],
//!   which also writes. A function that takes `&mut Db` cannot write: SQLite's readers are opened
//!   `query_only`, and a [`Tx`] dereferences to a [`Db`], never the other way.
//! - SQL lies in files called `sql.rs`, as named constants of [`statements!`]; where the dialects
//!   must differ, in [`dialect`].
//! - Reads and writes are made by the macros of [`statements`]. A write whose outcome nobody asks for is `later!`: on
//!   SQLite it travels with the next statement or the commit ([`waiting`]), for each hand-over to the driver's
//!   thread costs more than the statement.
//! - Migrations are DDL only, the same file names for both; a newer schema is refused.
//!
//! Invariants: an answer leaves [`Store::write`] only after `COMMIT` returned. A unit that answers
//! `Err` is rolled back; a refusal that must persist is data inside `Ok`. Units own their captures
//! and may run again. Nothing slow (hash, signature, network) runs inside one, and none nests.

mod connect;
mod deadline;
pub mod dialect;
mod erase;
mod error;
mod fresh;
mod json;
mod migrate;
mod postgres;
#[doc(hidden)]
pub mod rows;
mod sqlite;
#[macro_use]
mod statements;
#[macro_use]
mod text_enum;
mod waiting;

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{
    Executor, PgConnection, PgPool, Postgres, SqlStr, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection,
};

pub use connect::{Options, Url};
pub use error::{Error, Unique};
pub use fresh::Fresh;
pub use json::Json;
pub use migrate::schema_version;

use self::waiting::Waiting;

/// What this room answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The database. Cheap to clone; all clones share the pools and the one SQLite writer.
#[derive(Clone)]
pub enum Store {
    /// Embedded: readers of their own, and one writer.
    Sqlite { readers: SqlitePool, writer: sqlite::Writer },
    /// A server, shared with any number of nodes.
    Postgres { pool: PgPool },
}

/// A connection of either kind, for the macros of [`statements`].
pub enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A connection that reads.
pub struct Db<'c> {
    inner: Inner<'c>,
    /// Whether PostgreSQL has asked for the whole transaction again (40001, 40P01).
    retry: bool,
    /// What a transaction of SQLite has still to write.
    waiting: Waiting,
}

enum Inner<'c> {
    Borrowed(Connection<'c>),
    SqliteReader(PoolConnection<Sqlite>),
    PostgresReader(PoolConnection<Postgres>),
    Within(deadline::Within),
}

impl Db<'_> {
    /// The connection itself, once what waited is written. Only the statement macros call this.
    #[doc(hidden)]
    pub async fn connection(&mut self) -> sqlx::Result<Connection<'_>> {
        if !self.waiting.is_empty() {
            Box::pin(self.write_what_waits()).await?;
        }
        Ok(self.bare())
    }

    async fn write_what_waits(&mut self) -> sqlx::Result<()> {
        let mut waiting = self.waiting.take();
        let written = match self.bare() {
            Connection::Sqlite(connection) => waiting.run("", connection).await,
            Connection::Postgres(_) => Ok(()),
        };
        self.waiting = waiting;
        written
    }

    fn bare(&mut self) -> Connection<'_> {
        match &mut self.inner {
            Inner::Borrowed(Connection::Sqlite(connection)) => Connection::Sqlite(connection),
            Inner::Borrowed(Connection::Postgres(connection)) => Connection::Postgres(connection),
            Inner::SqliteReader(connection) => Connection::Sqlite(connection),
            Inner::PostgresReader(connection) => Connection::Postgres(connection),
            Inner::Within(within) => within.connection(),
        }
    }

    /// Keeps in mind what a failed statement asks for, and passes its error on. Only the macros call this.
    #[doc(hidden)]
    pub fn note(&mut self, error: sqlx::Error) -> Error {
        let error = Error::from(error);
        self.retry |= error.asks_for_retry();
        error
    }

    /// Whether this is PostgreSQL: for the pairs of statements in [`dialect`], nothing else.
    pub fn is_postgres(&self) -> bool {
        match &self.inner {
            Inner::Borrowed(connection) => matches!(connection, Connection::Postgres(_)),
            Inner::SqliteReader(_) => false,
            Inner::PostgresReader(_) => true,
            Inner::Within(within) => within.is_postgres(),
        }
    }
}

/// A transaction: reads and writes, commits when the unit that was given it answers `Ok`.
pub struct Tx<'c>(Db<'c>);

impl<'c> Tx<'c> {
    fn sqlite(connection: &'c mut SqliteConnection) -> Self {
        Self(Db { inner: Inner::Borrowed(Connection::Sqlite(connection)), retry: false, waiting: Waiting::default() })
    }

    /// Asks for the whole unit again where it lost a race that only a second run can see (a unique
    /// index said no after the question whether the name is free). Answer `Err` after this.
    pub fn run_again(&mut self) {
        self.0.retry = true;
    }

    /// Makes a statement wait for the next one or the commit, where that is cheaper: on SQLite. Its values follow by
    /// [`Tx::bind`]. Only the macro `later!` calls this.
    ///
    /// # Errors
    /// Too many have waited, and one of them fails.
    #[doc(hidden)]
    pub async fn push(&mut self, sql: &str) -> Result<()> {
        if self.0.waiting.is_full() {
            let written = self.0.write_what_waits().await;
            written.map_err(|error| self.0.note(error))?;
        }
        self.0.waiting.push(sql);
        Ok(())
    }

    /// A value of the statement that waits.
    ///
    /// # Errors
    /// It has no form in the database.
    #[doc(hidden)]
    pub fn bind<'v, T: sqlx::Encode<'v, Sqlite> + sqlx::Type<Sqlite>>(&mut self, value: T) -> Result<()> {
        self.0.waiting.bind(value)
    }

    /// What the unit has left to be written with its end; an error if it has lost something.
    fn left(self) -> sqlx::Result<Waiting> {
        self.0.waiting.left()
    }

    fn postgres(connection: &'c mut PgConnection) -> Self {
        Self(Db { inner: Inner::Borrowed(Connection::Postgres(connection)), retry: false, waiting: Waiting::default() })
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Db<'c>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Store {
    /// Opens the database and, unless `options.migrate` is off, brings its schema up to date.
    ///
    /// # Errors
    /// The database cannot be reached, or its schema is newer than this program's.
    pub async fn open(options: &Options) -> Result<Self> {
        connect::open(options).await
    }

    /// A connection to read with.
    ///
    /// # Errors
    /// The pool is closed or exhausted for longer than its deadline.
    pub async fn reader(&self) -> Result<Db<'static>> {
        let inner = match self {
            Self::Sqlite { readers, .. } => Inner::SqliteReader(readers.acquire().await?),
            Self::Postgres { pool } => Inner::PostgresReader(pool.acquire().await?),
        };
        Ok(Db { inner, retry: false, waiting: Waiting::default() })
    }

    /// A connection to read with, none of whose statements goes on for longer than `limit`: it fails with
    /// [`Error::Deadline`] then. For what no index may bound; the writer never waits for it.
    ///
    /// # Errors
    /// As [`Store::reader`].
    pub async fn reader_within(&self, limit: Duration) -> Result<Db<'static>> {
        Ok(Db {
            inner: Inner::Within(deadline::Within::begin(self, limit).await?),
            retry: false,
            waiting: Waiting::default(),
        })
    }

    /// Runs `unit` in a transaction and answers after its commit.
    ///
    /// On SQLite the one writer runs it, together with what has queued meanwhile, and commits the
    /// batch once. On PostgreSQL it runs here, and whole again on a serialisation failure.
    ///
    /// The unit owns its captures, and none of their types may name a lifetime, not even a captured
    /// `&'static str`: rustc then holds the caller's future for not `Send` ("not general enough"). Put
    /// it into a struct, or make it a `String`.
    ///
    /// # Errors
    /// What the unit answered (nothing of it is kept), or why the commit failed.
    pub async fn write<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match self {
            Self::Sqlite { writer, .. } => writer.write(unit).await,
            Self::Postgres { pool } => postgres::write(pool, unit).await,
        }
    }

    /// Prepares a statement without running it: how a test checks every statement of every room.
    ///
    /// # Errors
    /// The database does not understand the statement.
    pub async fn prepare(&self, sql: &'static str) -> Result<()> {
        match self {
            Self::Sqlite { readers, .. } => readers.prepare(SqlStr::from_static(sql)).await.map(|_| ())?,
            Self::Postgres { pool } => pool.prepare(SqlStr::from_static(sql)).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Whether this is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    /// Closes the pools after the queued writes have been committed.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                writer.close().await;
                readers.close().await;
            }
            Self::Postgres { pool } => pool.close().await,
        }
    }
}
