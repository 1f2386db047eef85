//! The shape of every `sql.rs`: named statements, and one way to run them on either database.

/// Declares SQL statements as constants and lists them in `STATEMENTS`, which one test prepares on
/// both migrated databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub const $name: &str = $sql;)*
        /// Every statement of this room, by name.
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}

/// Runs `$query` with `$c` bound to the connection of whichever kind `$db` holds.
macro_rules! on {
    ($db:expr, $c:ident => $query:expr) => {{
        let db: &mut $crate::store::Db<'_> = $db;
        let outcome = match db.connection() {
            $crate::store::Connection::Sqlite($c) => $query.await,
            $crate::store::Connection::Postgres($c) => $query.await,
        };
        outcome.map_err(|error| db.note(error))
    }};
}

/// One row or none: `fetch_optional!(db, Row, SQL, bind, bind)`.
macro_rules! fetch_optional {
    ($db:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on!($db, c => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(c))
    };
}

/// Exactly one row.
macro_rules! fetch_one {
    ($db:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on!($db, c => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_one(c))
    };
}

/// All rows.
macro_rules! fetch_all {
    ($db:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on!($db, c => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(c))
    };
}

/// No rows wanted: answers how many were written. Takes a `&mut Tx`, so that reads cannot write.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let tx: &mut $crate::store::Tx<'_> = $tx;
        let outcome = match tx.connection() {
            $crate::store::Connection::Sqlite(c) => {
                sqlx::query($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
            }
            $crate::store::Connection::Postgres(c) => {
                sqlx::query($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
            }
        };
        outcome.map_err(|error| tx.note(error))
    }};
}
