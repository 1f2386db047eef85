use sqlx::{Acquire, PgPool, SqliteConnection, migrate::Migrator};

use super::{Error, Result};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The newest schema this program knows: the number of its last migration. Both databases' are twins.
pub fn schema_version() -> i64 {
    SQLITE.migrations.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Brings an SQLite file up to date. Its write lock is the lease.
pub(super) async fn sqlite(connection: &mut SqliteConnection) -> Result<()> {
    let mut migrator = Migrator { migrations: SQLITE.migrations.clone(), ..Migrator::DEFAULT };
    migrator.set_locking(false);
    refuse_newer_sqlite(connection).await?;
    migrator.run_direct(None, connection, false).await.map_err(Error::Migration)
}

/// Brings a PostgreSQL database up to date: the node that holds the lease row migrates, the others wait.
pub(super) async fn postgres(pool: &PgPool) -> Result<()> {
    let mut migrator = Migrator { migrations: POSTGRES.migrations.clone(), ..Migrator::DEFAULT };
    migrator.set_locking(false);
    refuse_newer_postgres(pool).await?;
    let mut connection = pool.acquire().await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS migration_lease (id INT PRIMARY KEY, holder INT NOT NULL)")
        .execute(&mut *connection)
        .await
        .or_else(ignore_racing_create)?;
    sqlx::query("INSERT INTO migration_lease (id, holder) VALUES (1, 0) ON CONFLICT DO NOTHING")
        .execute(&mut *connection)
        .await?;
    // The row's lock is the lease: it ends with the transaction, however the node ends.
    let mut lease = pool.begin().await?;
    sqlx::query("SET LOCAL lock_timeout = '120s'").execute(&mut *lease).await?;
    sqlx::query("UPDATE migration_lease SET holder = holder + 1 WHERE id = 1").execute(&mut *lease).await?;
    migrator.run(connection.acquire().await?).await.map_err(Error::Migration)?;
    lease.commit().await?;
    Ok(())
}

/// `CREATE TABLE IF NOT EXISTS` can still fail when two nodes run it at once; the table is there then.
fn ignore_racing_create(error: sqlx::Error) -> std::result::Result<sqlx::postgres::PgQueryResult, sqlx::Error> {
    match &error {
        sqlx::Error::Database(database) if matches!(database.code().as_deref(), Some("42P07" | "23505")) => {
            Ok(sqlx::postgres::PgQueryResult::default())
        }
        _ => Err(error),
    }
}

pub(super) async fn refuse_newer_sqlite(connection: &mut SqliteConnection) -> Result<()> {
    let table: Option<(String,)> = sqlx::query_as("SELECT name FROM sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_optional(&mut *connection)
        .await?;
    if table.is_none() {
        return Ok(());
    }
    let (found,): (i64,) =
        sqlx::query_as("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations").fetch_one(connection).await?;
    refuse_newer(found)
}

pub(super) async fn refuse_newer_postgres(pool: &PgPool) -> Result<()> {
    let (table,): (bool,) =
        sqlx::query_as("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(pool).await?;
    if !table {
        return Ok(());
    }
    let (found,): (i64,) =
        sqlx::query_as("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations").fetch_one(pool).await?;
    refuse_newer(found)
}

fn refuse_newer(found: i64) -> Result<()> {
    let known = schema_version();
    if found > known {
        return Err(Error::NewerSchema { found, known });
    }
    Ok(())
}
