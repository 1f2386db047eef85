use std::time::Duration;

use sqlx::PgPool;

use super::{Error, Result, Tx};

/// How often a transaction is run again before its failure is passed on.
const ATTEMPTS: u32 = 10;

/// Runs a unit in a transaction of its own, at READ COMMITTED, again whole when PostgreSQL asks.
pub(super) async fn write<T, E, F>(pool: &PgPool, unit: F) -> Result<T, E>
where
    F: AsyncFn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
    E: From<Error>,
{
    let mut attempt = 0;
    loop {
        attempt += 1;
        let mut transaction = pool.begin().await.map_err(Error::from)?;
        let outcome = unit(&mut Tx::postgres(&mut transaction)).await;
        let failure = match outcome {
            Ok(value) => match transaction.commit().await.map_err(Error::from) {
                Ok(()) => return Ok(value),
                Err(error) if error.asks_for_retry() => None,
                Err(error) => return Err(error.into()),
            },
            Err(error) => {
                // The unit's own error type hides SQLSTATE, so the transaction is asked instead.
                let _ = transaction.rollback().await;
                Some(error)
            }
        };
        match failure {
            Some(error) => return Err(error),
            None if attempt >= ATTEMPTS => return Err(Error::Closed.into()),
            None => tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 3)).await,
        }
    }
}
