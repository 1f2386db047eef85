use crate::{
    clock::Timestamp,
    secret::SecretHash,
    store::{Db, Result, Tx},
};

statements! {
    /// Counts a try unless there is a pause; the last try that the limit allows begins one. A window or
    /// a pause that is over begins anew. No row: the try is refused.
    COUNT = "
        INSERT INTO attempts (key_hash, failures, window_ends, blocked_until)
        VALUES ($1, 1, $3, CASE WHEN 1 >= CAST($2 AS BIGINT) THEN CAST($4 AS BIGINT) ELSE 0 END)
        ON CONFLICT (key_hash) DO UPDATE SET
            failures = CASE WHEN attempts.window_ends <= $5 OR attempts.blocked_until > 0 THEN 1
                            ELSE attempts.failures + 1 END,
            window_ends = CASE WHEN attempts.window_ends <= $5 OR attempts.blocked_until > 0 THEN $3
                               ELSE attempts.window_ends END,
            blocked_until = CASE
                WHEN (CASE WHEN attempts.window_ends <= $5 OR attempts.blocked_until > 0 THEN 1
                           ELSE attempts.failures + 1 END) >= $2 THEN $4
                ELSE 0 END
         WHERE attempts.blocked_until <= $5
        RETURNING failures";
    PAUSED_UNTIL = "SELECT blocked_until FROM attempts WHERE key_hash = $1";
    FORGIVE = "DELETE FROM attempts WHERE key_hash = $1";
    TAKE_BACK = "UPDATE attempts SET failures = failures - 1, blocked_until = 0 WHERE key_hash = $1 AND failures > 0";
}

/// The numbers of one limit, reckoned from now.
pub(super) struct Counts {
    pub limit: i64,
    pub window_ends: Timestamp,
    pub pause_ends: Timestamp,
}

pub(super) async fn count(tx: &mut Tx<'_>, key: &SecretHash, counts: Counts, now: Timestamp) -> Result<Option<i64>> {
    let Counts { limit, window_ends, pause_ends } = counts;
    Ok(fetch_optional!(tx, (i64,), COUNT, key, limit, window_ends, pause_ends, now)?.map(|(failures,)| failures))
}

pub(super) async fn paused_until(db: &mut Db<'_>, key: &SecretHash) -> Result<Option<Timestamp>> {
    Ok(fetch_optional!(db, (Timestamp,), PAUSED_UNTIL, key)?.map(|(until,)| until))
}

pub(super) async fn forgive(tx: &mut Tx<'_>, key: &SecretHash) -> Result<()> {
    later!(tx, FORGIVE, key)
}

pub(super) async fn take_back(tx: &mut Tx<'_>, key: &SecretHash) -> Result<()> {
    later!(tx, TAKE_BACK, key)
}
