use sqlx::error::ErrorKind;

/// What can go wrong with a database, apart from a refusal, which is data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique constraint said no. Callers turn the ones they expect into refusals.
    #[error("already taken: {0:?}")]
    Conflict(Unique),
    /// The database could not be reached, or a statement failed.
    #[error("database: {0}")]
    Database(#[source] sqlx::Error),
    /// A statement took longer than it was given: see `Store::reader_within`.
    #[error("the database took too long")]
    Deadline,
    /// The database was made by a newer version.
    #[error("the database has schema {found}, newer than this program's {known}: use the newer program")]
    NewerSchema { found: i64, known: i64 },
    /// The URL or path is of no known kind.
    #[error("{0}")]
    Url(String),
    /// A migration failed.
    #[error("migration: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The writer has been closed, or gave up after a failed flush.
    #[error("the database writer has stopped")]
    Closed,
    /// What lies sealed in the database was sealed under another master key.
    #[error("the master key is not the one of this database's first start")]
    WrongMasterKey,
    /// Another node has taken over what this unit writes, or nobody wants it any more.
    #[error("another has taken this over")]
    Lost,
    /// A stored value does not have the form this program gives it.
    #[error("a stored value is damaged: {0}")]
    Damaged(String),
}

/// The unique rule that was broken, by the name of its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique(pub String);

impl Unique {
    /// Whether this is the index of that name.
    pub fn is(&self, index: &str) -> bool {
        self.0 == index
    }
}

impl Error {
    /// The broken unique rule, if that is what happened.
    pub fn conflict(&self) -> Option<&Unique> {
        match self {
            Self::Conflict(unique) => Some(unique),
            _ => None,
        }
    }

    /// Whether PostgreSQL asks for the whole transaction again (40001, 40P01).
    pub(super) fn asks_for_retry(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                matches!(error.code().as_deref(), Some("40001" | "40P01"))
            }
            _ => false,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error
            && database.kind() == ErrorKind::UniqueViolation
        {
            // PostgreSQL names the index; SQLite the index if it is on an expression or partial,
            // else its columns ("users.realm, users.login_name_prepared").
            let name = database.constraint().map_or_else(
                || {
                    let message = database.message();
                    let rest = message.rsplit("failed: ").next().unwrap_or(message);
                    rest.trim_start_matches("index '").trim_end_matches('\'').to_owned()
                },
                str::to_owned,
            );
            return Self::Conflict(Unique(super::dialect::index_name(name)));
        }
        // PostgreSQL's query_canceled; SQLite's SQLITE_INTERRUPT.
        if let sqlx::Error::Database(database) = &error
            && matches!(database.code().as_deref(), Some("57014" | "9"))
        {
            return Self::Deadline;
        }
        Self::Database(error)
    }
}
