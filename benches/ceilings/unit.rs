//! One refresh with rotation as the database sees it: read the token and its grant, spend it, keep
//! its successor and an audit event, commit with a flush.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

const SCHEMA: &str = "
    CREATE TABLE grants (id BLOB PRIMARY KEY, user_id BLOB NOT NULL, scope TEXT NOT NULL, details TEXT NOT NULL,
        expires_at INTEGER NOT NULL, revoked_at INTEGER);
    CREATE TABLE refresh_tokens (token_hash BLOB NOT NULL PRIMARY KEY, grant_id BLOB NOT NULL REFERENCES grants (id),
        scope TEXT NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, consumed_at INTEGER);
    CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);
    CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
    CREATE TABLE audit_events (id BLOB NOT NULL PRIMARY KEY, organization_id BLOB NOT NULL, at INTEGER NOT NULL,
        kind TEXT NOT NULL, subject_id BLOB, details TEXT NOT NULL, position INTEGER);
    CREATE INDEX audit_events_unchained ON audit_events (position, id);
    CREATE INDEX audit_events_organization ON audit_events (organization_id, at);
    CREATE INDEX audit_events_subject ON audit_events (subject_id, at);";
/// As many chains as the loader keeps in flight.
const CHAINS: usize = 32;

/// Units a second of wall time: each its own commit, then 32 a commit.
pub async fn measure(folder: &Path, duration: Duration) -> Result<Value> {
    let path = folder.join("ceiling.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await
        .context("the folder of the unit's database")?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    let mut chains = Vec::new();
    for _ in 0..CHAINS {
        chains.push(begin_chain(&mut connection).await?);
    }
    let alone = rate(&mut connection, &mut chains[..1], duration).await?;
    let together = rate(&mut connection, &mut chains, duration).await?;
    connection.close().await?;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    Ok(json!({ "in_flight_1": alone, "in_flight_32": together }))
}

/// Rotates every chain once a commit, for as long as asked.
async fn rate(connection: &mut SqliteConnection, chains: &mut [Vec<u8>], duration: Duration) -> Result<f64> {
    let began = Instant::now();
    let (mut units, mut now) = (0.0, 0);
    while began.elapsed() < duration {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        for token in &mut *chains {
            now += 1;
            *token = rotate(connection, token, now).await?;
            units += 1.0;
        }
        sqlx::query("COMMIT").execute(&mut *connection).await?;
    }
    Ok(units / began.elapsed().as_secs_f64())
}

async fn begin_chain(connection: &mut SqliteConnection) -> Result<Vec<u8>> {
    let grant = random();
    sqlx::query("INSERT INTO grants (id, user_id, scope, details, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(&grant[..16])
        .bind(&grant[16..])
        .bind("openid offline_access")
        .bind(r#"{"auth_time":1700000000,"amr":["pwd","otp","mfa"],"acr":"urn:castellan:acr:mfa","claims":{}}"#)
        .bind(i64::MAX)
        .execute(&mut *connection)
        .await?;
    keep_token(connection, &grant[..16], 0).await
}

async fn rotate(connection: &mut SqliteConnection, token: &[u8], now: i64) -> Result<Vec<u8>> {
    let (grant, _scope, _details): (Vec<u8>, String, String) = sqlx::query_as(
        "SELECT g.id, r.scope, g.details FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id
          WHERE r.token_hash = $1",
    )
    .bind(token)
    .fetch_one(&mut *connection)
    .await?;
    let spent = sqlx::query("UPDATE refresh_tokens SET consumed_at = $2 WHERE token_hash = $1 AND consumed_at IS NULL")
        .bind(token)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    anyhow::ensure!(spent.rows_affected() == 1, "the token was spent before");
    let successor = keep_token(connection, &grant, now).await?;
    let id = [&now.to_be_bytes()[..], &random()[..8]].concat(); // In order of time, as UUIDv7 is.
    sqlx::query(
        "INSERT INTO audit_events (id, organization_id, at, kind, subject_id, details) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(&grant)
    .bind(now)
    .bind("token.refreshed")
    .bind(&grant)
    .bind(r#"{"client":"backup-web","grant_type":"refresh_token"}"#)
    .execute(&mut *connection)
    .await?;
    Ok(successor)
}

async fn keep_token(connection: &mut SqliteConnection, grant: &[u8], now: i64) -> Result<Vec<u8>> {
    let token = random();
    sqlx::query(
        "INSERT INTO refresh_tokens (token_hash, grant_id, scope, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&token)
    .bind(grant)
    .bind("openid offline_access")
    .bind(now)
    .bind(now + 1_209_600_000_000)
    .execute(connection)
    .await?;
    Ok(token)
}

/// 32 random bytes, as a token's hash.
pub fn random() -> Vec<u8> {
    let mut bytes = vec![0; 32];
    // Without its random source the library aborts before this line.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes
}
