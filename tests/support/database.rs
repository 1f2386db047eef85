use std::{path::PathBuf, str::FromStr};

use castellan::{clock::Timestamp, id::uuid_at, store};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use tokio::sync::OnceCell;

/// A database of one test: a file, or a PostgreSQL database copied from a migrated template.
pub enum Database {
    Sqlite(PathBuf),
    Postgres { server: String, name: String },
}

/// The URL of a PostgreSQL server whose user may make databases; unset means SQLite.
const VARIABLE: &str = "CASTELLAN_TEST_DATABASE";
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

impl Database {
    pub async fn create() -> Self {
        let id = uuid_at(Timestamp::from_seconds(0)).simple().to_string();
        match std::env::var(VARIABLE) {
            Err(_) => {
                let folder = std::env::temp_dir().join(format!("castellan-test-{}", std::process::id()));
                std::fs::create_dir_all(&folder).expect("a folder for the databases");
                Self::Sqlite(folder.join(format!("{id}.db")))
            }
            Ok(server) => {
                let template = TEMPLATE.get_or_init(|| template(&server)).await;
                let name = format!("castellan_{id}");
                execute(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
                Self::Postgres { server, name }
            }
        }
    }

    pub fn url(&self) -> store::Url {
        match self {
            Self::Sqlite(path) => store::Url::Sqlite(path.clone()),
            Self::Postgres { server, name } => store::Url::from_str(&format!("{server}{name}")).expect("a URL"),
        }
    }
}

impl Database {
    /// Notes a migration that this program does not know.
    pub async fn pretend_newer_schema(&self) {
        const SQL: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                           VALUES (99999999, 'from the future', true, '', 0)";
        match self {
            Self::Sqlite(path) => {
                let mut connection =
                    SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.expect("the file opens");
                connection.execute(SQL).await.expect("the row is written");
            }
            Self::Postgres { server, name } => {
                let mut connection = PgConnection::connect(&format!("{server}{name}")).await.expect("it answers");
                connection.execute(SQL).await.expect("the row is written");
            }
        }
    }
}

impl Database {
    /// Leaves the accounts as the version before the columns of SCIM filters wrote them.
    pub async fn forget_what_filters_compare(&self) {
        for sql in [
            "UPDATE users SET scim_display_name = NULL, scim_given_name = NULL, scim_family_name = NULL,
                              scim_active = TRUE, scim_indexed = FALSE",
            "DELETE FROM user_emails",
        ] {
            match self {
                Self::Sqlite(path) => {
                    let url = format!("sqlite:{}", path.display());
                    SqliteConnection::connect(&url).await.expect("the file opens").execute(sql).await.expect("written");
                }
                Self::Postgres { server, name } => {
                    let url = format!("{server}{name}");
                    PgConnection::connect(&url).await.expect("it answers").execute(sql).await.expect("written");
                }
            }
        }
    }
}

impl Database {
    /// What lies in the table of requests that are performed later.
    pub async fn accepted_requests(&self) -> Vec<Vec<u8>> {
        const SQL: &str = "SELECT sealed FROM asynchronous_requests";
        match self {
            Self::Sqlite(path) => {
                let url = format!("sqlite:{}", path.display());
                let mut connection = SqliteConnection::connect(&url).await.expect("the file opens");
                sqlx::query_scalar(SQL).fetch_all(&mut connection).await.expect("read")
            }
            Self::Postgres { server, name } => {
                let mut connection = PgConnection::connect(&format!("{server}{name}")).await.expect("it answers");
                sqlx::query_scalar(SQL).fetch_all(&mut connection).await.expect("read")
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Sqlite(path) = self {
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
            }
        }
    }
}

/// Migrates one database per run of the suite, which PostgreSQL then copies.
async fn template(server: &str) -> String {
    let name = format!("castellan_template_{}", std::process::id());
    execute(server, &format!("DROP DATABASE IF EXISTS {name}")).await;
    execute(server, &format!("CREATE DATABASE {name}")).await;
    let url = store::Url::from_str(&format!("{server}{name}")).expect("a URL");
    let store = store::Store::open(&store::Options { url, migrate: true }).await.expect("it migrates");
    store.close().await;
    name
}

async fn execute(server: &str, sql: &str) {
    let mut connection = PgConnection::connect(&format!("{server}postgres")).await.expect("PostgreSQL answers");
    connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
