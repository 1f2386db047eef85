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

/// Runs `$query`, which binds more than the macros below can say, with `$c` bound to the connection of
/// whichever kind `$db` holds.
macro_rules! on {
    ($db:expr, $c:ident => $query:expr) => {{
        let db: &mut $crate::store::Db<'_> = $db;
        let outcome = match db.connection().await {
            Ok($crate::store::Connection::Sqlite($c)) => $query.await,
            Ok($crate::store::Connection::Postgres($c)) => $query.await,
            Err(error) => Err(error),
        };
        outcome.map_err(|error| db.note(error))
    }};
}

/// Binds, runs `rows::...::$how` on whichever database `$db` holds, and reads what came with `$read`.
///
/// The rows are fetched by functions that are compiled once for each database; only reading them
/// into their types is compiled for each statement. That halves the build of this crate.
macro_rules! fetch {
    ($db:expr, $how:ident, $read:ident::<$row:ty>, $sql:expr $(, $bind:expr)*) => {{
        let db: &mut $crate::store::Db<'_> = $db;
        let outcome = match db.connection().await {
            Ok($crate::store::Connection::Sqlite(connection)) => {
                let query = sqlx::query::<sqlx::Sqlite>($sql)$(.bind($bind))*;
                $crate::store::rows::sqlite::$how(query, connection)
                    .await
                    .and_then(|rows| $crate::store::rows::$read::<$row, sqlx::sqlite::SqliteRow>(rows))
            }
            Ok($crate::store::Connection::Postgres(connection)) => {
                let query = sqlx::query::<sqlx::Postgres>($sql)$(.bind($bind))*;
                $crate::store::rows::postgres::$how(query, connection)
                    .await
                    .and_then(|rows| $crate::store::rows::$read::<$row, sqlx::postgres::PgRow>(rows))
            }
            Err(error) => Err(error),
        };
        outcome.map_err(|error| db.note(error))
    }};
}

/// One row or none: `fetch_optional!(db, Row, SQL, bind, bind)`.
macro_rules! fetch_optional {
    ($db:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        fetch!($db, optional, read_optional::<$row>, $sql $(, $bind)*)
    };
}

/// Exactly one row.
macro_rules! fetch_one {
    ($db:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        fetch!($db, optional, read_one::<$row>, $sql $(, $bind)*)
    };
}

/// All rows.
macro_rules! fetch_all {
    ($db:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        fetch!($db, all, read_all::<$row>, $sql $(, $bind)*)
    };
}

/// No rows wanted: answers how many were written. Takes a `&mut Tx`, so that reads cannot write.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let tx: &mut $crate::store::Tx<'_> = $tx;
        let outcome = match tx.connection().await {
            Ok($crate::store::Connection::Sqlite(connection)) => {
                let query = sqlx::query::<sqlx::Sqlite>($sql)$(.bind($bind))*;
                $crate::store::rows::sqlite::execute(query, connection).await
            }
            Ok($crate::store::Connection::Postgres(connection)) => {
                let query = sqlx::query::<sqlx::Postgres>($sql)$(.bind($bind))*;
                $crate::store::rows::postgres::execute(query, connection).await
            }
            Err(error) => Err(error),
        };
        outcome.map_err(|error| tx.note(error))
    }};
}

/// A write whose count nobody asks for and that breaks no unique rule: on SQLite it waits for the transaction's next
/// statement or its commit, and is handed over with it. An error comes with that one, and ends the unit.
macro_rules! later {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let tx: &mut $crate::store::Tx<'_> = $tx;
        if tx.is_postgres() {
            execute!(tx, $sql $(, $bind)*).map(|_| ())
        } else {
            match tx.push($sql).await {
                Ok(()) => Ok(())$(.and_then(|()| tx.bind($bind)))*,
                Err(error) => Err(error),
            }
        }
    }};
}
