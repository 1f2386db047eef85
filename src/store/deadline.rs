use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{Postgres, Sqlite, Transaction, pool::PoolConnection};

use super::{Connection, Result, Store};

/// How many steps of SQLite's machine pass between two looks at the clock: some 50 µs.
const STEPS: i32 = 2000;

/// A reader whose statements end in time.
pub(super) enum Within {
    Sqlite {
        connection: PoolConnection<Sqlite>,
        /// Set when the reader goes back to its pool, where others use the connection without a limit.
        _lifted: Lifted,
    },
    /// The limit is the transaction's, and goes with it, however this ends.
    Postgres(Transaction<'static, Postgres>),
}

/// Takes the limit off the connection when it is dropped.
pub(super) struct Lifted(Arc<AtomicBool>);

impl Drop for Lifted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Within {
    pub(super) async fn begin(store: &Store, limit: Duration) -> Result<Self> {
        match store {
            Store::Sqlite { readers, .. } => {
                let mut connection = readers.acquire().await?;
                let lifted = Arc::new(AtomicBool::new(false));
                let (until, watched) = (Instant::now() + limit, Arc::clone(&lifted));
                connection
                    .lock_handle()
                    .await?
                    .set_progress_handler(STEPS, move || watched.load(Ordering::Relaxed) || Instant::now() < until);
                Ok(Self::Sqlite { connection, _lifted: Lifted(lifted) })
            }
            Store::Postgres { pool } => {
                let mut transaction = pool.begin().await?;
                // 0 would be no limit at all.
                sqlx::query("SELECT set_config('statement_timeout', $1, true)")
                    .bind(limit.as_millis().max(1).to_string())
                    .execute(&mut *transaction)
                    .await?;
                Ok(Self::Postgres(transaction))
            }
        }
    }

    pub(super) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite { connection, .. } => Connection::Sqlite(connection),
            Self::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}
