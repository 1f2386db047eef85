use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};

use super::{Result, Store, Url};

impl Store {
    /// Empties a PostgreSQL database of every table of its current schema; an SQLite file is deleted by
    /// whoever owns the folder. For `demo --reset`.
    ///
    /// # Errors
    /// The database cannot be reached, or these tables are not ours to drop.
    pub async fn erase(url: &Url) -> Result<()> {
        let Url::Postgres(url) = url else { return Ok(()) };
        let mut connection = url.parse::<PgConnectOptions>()?.connect().await?;
        let drop = "
            DO $$ DECLARE name TEXT; BEGIN
                FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
                    EXECUTE 'DROP TABLE ' || quote_ident(name) || ' CASCADE';
                END LOOP;
            END $$";
        sqlx::query(drop).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}
