//! Fetching rows, compiled once for each database, and reading them into their types.

use std::{future::poll_fn, pin::pin};

use sqlx::{FromRow, Result, Row};

macro_rules! database {
    ($(#[$doc:meta])* $module:ident: $database:ty, $connection:ty, $row:ty) => {
        $(#[$doc])*
        pub mod $module {
            use sqlx::{Database, Result, query::Query};

            type Bound<'q> = Query<'q, $database, <$database as Database>::Arguments>;

            /// The first row, if there is one.
            pub async fn optional(query: Bound<'_>, connection: &mut $connection) -> Result<Option<$row>> {
                query.fetch_optional(connection).await
            }

            /// All rows.
            pub async fn all(query: Bound<'_>, connection: &mut $connection) -> Result<Vec<$row>> {
                super::patiently(query.fetch_all(connection)).await
            }

            /// How many rows were written.
            pub async fn execute(query: Bound<'_>, connection: &mut $connection) -> Result<u64> {
                query.execute(connection).await.map(|done| done.rows_affected())
            }
        }
    };
}

database! {
    /// SQLite's.
    sqlite: sqlx::Sqlite, sqlx::SqliteConnection, sqlx::sqlite::SqliteRow
}
database! {
    /// PostgreSQL's.
    postgres: sqlx::Postgres, sqlx::PgConnection, sqlx::postgres::PgRow
}

/// Reads a row that may be absent.
pub fn read_optional<T: for<'r> FromRow<'r, R>, R: Row>(row: Option<R>) -> Result<Option<T>> {
    row.map(|row| T::from_row(&row)).transpose()
}

/// Reads a row that must be there.
pub fn read_one<T: for<'r> FromRow<'r, R>, R: Row>(row: Option<R>) -> Result<T> {
    row.map_or(Err(sqlx::Error::RowNotFound), |row| T::from_row(&row))
}

/// Reads all rows.
pub fn read_all<T: for<'r> FromRow<'r, R>, R: Row>(rows: Vec<R>) -> Result<Vec<T>> {
    rows.iter().map(|row| T::from_row(row)).collect()
}

/// Waits for an answer of many parts. SQLite's is sent part by part by the connection's thread, and each part wakes
/// whoever waits: on a busy core the two would take turns row by row, so the thread is let on before each look.
pub async fn patiently<F: Future>(answer: F) -> F::Output {
    let mut answer = pin!(answer);
    let mut has_asked = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_asked, true) {
            std::thread::yield_now();
        }
        answer.as_mut().poll(context)
    })
    .await
}
