use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::unit::random;

const CONNECTIONS: u32 = 32;

/// Single-row inserts a second on PostgreSQL, each its own commit, at 1 and at 32 connections.
pub async fn measure(database: &str, duration: Duration) -> Result<Value> {
    let options = PgConnectOptions::from_str(database)?.disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::raw_sql("DROP TABLE IF EXISTS ceiling; CREATE TABLE ceiling (id BYTEA PRIMARY KEY, value BYTEA, at BIGINT)")
        .execute(&mut connection)
        .await?;
    let alone = insert(&mut connection, duration).await?;
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
    let together = try_join_all((0..CONNECTIONS).map(|_| async {
        let mut connection = pool.acquire().await?;
        insert(&mut connection, duration).await
    }))
    .await?;
    sqlx::raw_sql("DROP TABLE ceiling").execute(&mut connection).await?;
    connection.close().await?;
    Ok(json!({ "in_flight_1": alone, "in_flight_32": together.iter().sum::<f64>() }))
}

async fn insert(connection: &mut PgConnection, duration: Duration) -> Result<f64> {
    let began = Instant::now();
    let mut inserts = 0.0;
    while began.elapsed() < duration {
        sqlx::query("INSERT INTO ceiling (id, value, at) VALUES ($1, $2, $3)")
            .bind(random())
            .bind(random())
            .bind(1_i64)
            .execute(&mut *connection)
            .await?;
        inserts += 1.0;
    }
    Ok(inserts / began.elapsed().as_secs_f64())
}
