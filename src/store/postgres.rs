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
        let mut tx = Tx::postgres(&mut transaction);
        let outcome = unit(&mut tx).await;
        // The unit's own error type may hide SQLSTATE, so the connection has kept what was asked.
        let retry = tx.retry;
        let failure: E = match outcome {
            Ok(value) => match transaction.commit().await.map_err(Error::from) {
                Ok(()) => return Ok(value),
                Err(error) if error.asks_for_retry() => error.into(),
                Err(error) => return Err(error.into()),
            },
            Err(error) => {
                // A connection that fails here is dropped by the pool, and its transaction with it.
                let _ = transaction.rollback().await;
                if !retry {
                    return Err(error);
                }
                error
            }
        };
        if attempt >= ATTEMPTS {
            return Err(failure);
        }
        tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 3)).await;
    }
}
