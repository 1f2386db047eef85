//! The outbox, the leases, and what the janitor sweeps.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    id::OutboxId,
    secret::Sealed,
    store::{Db, Result, Tx},
};

use super::lease::Holder;

/// Which lane a message `o` goes in: the number of `outbox::Lane`. The index `outbox_lane_due` has the same words.
macro_rules! lane {
    () => {
        "CASE o.kind WHEN 'mail' THEN 0 WHEN 'webhook' THEN 2 ELSE 1 END"
    };
}

/// Whether nothing else is on its way to the receiver of `o`, and nothing that goes before. A webhook is told in order:
/// what rests holds up what came later.
macro_rules! is_next {
    ($now:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM outbox e
                          WHERE e.receiver = o.receiver AND e.done_at IS NULL
                            AND (e.leased_until > ",
            $now,
            " OR (e.id < o.id AND (e.due_at <= ",
            $now,
            " OR o.kind = 'webhook'))))"
        )
    };
}

statements! {
    INSERT = "
        INSERT INTO outbox (id, kind, receiver, sealed, attempts, due_at, expires_at, leased_until, created_at)
        VALUES ($1, $2, $3, $4, 0, $5, $6, 0, $5)";
    /// In which lanes TAKE would find anything: a read, which costs no other writer anything.
    DUE = concat!("
        SELECT lane FROM (SELECT 0 AS lane UNION ALL SELECT 1 UNION ALL SELECT 2) AS lanes
         WHERE (SELECT 1 FROM outbox o
                 WHERE o.done_at IS NULL AND o.due_at <= $1 AND o.leased_until <= $1 AND ", lane!(), " = lanes.lane
                   AND ", is_next!("$1"), "
                 LIMIT 1) IS NOT NULL");
    /// Takes due rows of one lane for one node: whoever comes second finds them leased. Of the rows of one
    /// receiver the oldest, and none while another is on its way.
    TAKE = concat!("
        UPDATE outbox
           SET leased_until = $2, attempts = attempts + 1
         WHERE id IN (SELECT o.id FROM outbox o
                       WHERE o.done_at IS NULL AND o.due_at <= $3 AND o.leased_until <= $3 AND ", lane!(), " = $4
                         AND ", is_next!("$3"), "
                       ORDER BY o.due_at LIMIT $1)
           AND done_at IS NULL AND leased_until <= $3
        RETURNING id, kind, receiver, sealed, attempts, expires_at");
    /// The receiver's next one, for whoever has just delivered one to it.
    TAKE_NEXT = "
        UPDATE outbox
           SET leased_until = $2, attempts = attempts + 1
         WHERE id IN (SELECT id FROM outbox
                       WHERE receiver = $1 AND done_at IS NULL AND due_at <= $3 AND leased_until <= $3
                       ORDER BY id LIMIT 1)
           AND done_at IS NULL AND leased_until <= $3
        RETURNING id, kind, receiver, sealed, attempts, expires_at";
    /// The payload goes with the delivery: it may carry a link.
    DONE = "UPDATE outbox SET done_at = $2, error = $3, leased_until = 0, sealed = $4 WHERE id = $1";
    /// A message that would rest beyond its end ends now.
    REST = "UPDATE outbox SET due_at = $2, error = $3, leased_until = 0 WHERE id = $1 AND expires_at > $2";
    GIVE_UP = "
        UPDATE outbox SET done_at = $2, error = $3, leased_until = 0, sealed = $4 WHERE id = $1 AND expires_at <= $5";
    WAITING = "
        SELECT COUNT(*) FROM (SELECT id FROM outbox WHERE receiver = $1 AND done_at IS NULL LIMIT $2) AS counted";
    TAKE_LEASE = "
        INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET holder = $2, expires_at = $3
         WHERE leases.holder = $2 OR leases.expires_at <= $4
        RETURNING name";
    RELEASE_LEASE = "DELETE FROM leases WHERE name = $1 AND holder = $2";
    SWEEP_CODES = "
        DELETE FROM authorization_codes WHERE code_hash IN (SELECT code_hash FROM authorization_codes WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_REFRESH_TOKENS = "
        DELETE FROM refresh_tokens WHERE token_hash IN (SELECT token_hash FROM refresh_tokens WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_ACCESS_TOKENS = "
        DELETE FROM access_tokens WHERE token_hash IN (SELECT token_hash FROM access_tokens WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_REVOKED_TOKENS = "
        DELETE FROM revoked_tokens WHERE token_id IN (SELECT token_id FROM revoked_tokens WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_ASSERTIONS = "
        DELETE FROM client_assertions WHERE assertion_hash IN (SELECT assertion_hash FROM client_assertions WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_REQUESTS = "
        DELETE FROM authorization_requests WHERE id IN (SELECT id FROM authorization_requests WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_FLOWS = "
        DELETE FROM login_flows WHERE id IN (SELECT id FROM login_flows WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_CEREMONIES = "
        DELETE FROM webauthn_ceremonies WHERE id IN (SELECT id FROM webauthn_ceremonies WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_EMAIL_CODES = "
        DELETE FROM email_codes WHERE id IN (SELECT id FROM email_codes WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_SESSIONS = "
        DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_CONNECTION_LOG = "
        DELETE FROM connection_log WHERE id IN (SELECT id FROM connection_log WHERE at <= $1 LIMIT $2)";
    SWEEP_ENDINGS = "
        DELETE FROM connection_endings
         WHERE (connection_id, user_id) IN (SELECT connection_id, user_id FROM connection_endings WHERE at <= $1 LIMIT $2)
           AND at <= $1";
    SWEEP_DEVICES = "
        DELETE FROM trusted_devices WHERE token_hash IN (SELECT token_hash FROM trusted_devices WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_ACTION_TOKENS = "
        DELETE FROM action_tokens WHERE token_hash IN (SELECT token_hash FROM action_tokens WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_PORTAL_SESSIONS = "
        DELETE FROM portal_sessions WHERE id IN (SELECT id FROM portal_sessions WHERE expires_at <= $1 LIMIT $2)";
    SWEEP_ATTEMPTS = "
        DELETE FROM attempts
         WHERE key_hash IN (SELECT key_hash FROM attempts WHERE window_ends <= $1 AND blocked_until <= $1 LIMIT $2)
           AND window_ends <= $1 AND blocked_until <= $1";
    /// Only families without children: their codes and refresh tokens go first.
    SWEEP_GRANTS = "
        DELETE FROM grants
         WHERE id IN (SELECT g.id FROM grants g
                       WHERE g.expires_at <= $1
                         AND NOT EXISTS (SELECT 1 FROM authorization_codes c WHERE c.grant_id = g.id)
                         AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_id = g.id)
                       LIMIT $2)";
    SWEEP_OUTBOX = "
        DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE done_at <= $1 LIMIT $2)";
}

#[derive(sqlx::FromRow)]
pub struct OutboxRow {
    pub id: OutboxId,
    pub kind: String,
    pub receiver: Option<Uuid>,
    pub sealed: Sealed,
    pub attempts: i64,
    pub expires_at: Timestamp,
}

/// A message as it is put into the outbox.
pub struct NewRow<'a> {
    pub id: OutboxId,
    pub kind: &'a str,
    pub receiver: Option<Uuid>,
    pub sealed: &'a Sealed,
    pub expires_at: Timestamp,
}

pub async fn insert(tx: &mut Tx<'_>, new: NewRow<'_>, now: Timestamp) -> Result<()> {
    later!(tx, INSERT, new.id, new.kind, new.receiver, new.sealed, now, new.expires_at)
}

pub async fn due(db: &mut Db<'_>, now: Timestamp) -> Result<Vec<i32>> {
    Ok(fetch_all!(db, (i32,), DUE, now)?.into_iter().map(|(lane,)| lane).collect())
}

pub async fn take(tx: &mut Tx<'_>, lane: i32, limit: i64, until: Timestamp, now: Timestamp) -> Result<Vec<OutboxRow>> {
    fetch_all!(tx, OutboxRow, TAKE, limit, until, now, lane)
}

pub async fn take_next(tx: &mut Tx<'_>, receiver: Uuid, until: Timestamp, now: Timestamp) -> Result<Option<OutboxRow>> {
    fetch_optional!(tx, OutboxRow, TAKE_NEXT, receiver, until, now)
}

pub async fn done(tx: &mut Tx<'_>, id: OutboxId, error: Option<&str>, now: Timestamp) -> Result<()> {
    later!(tx, DONE, id, now, error, Vec::<u8>::new())
}

pub async fn rest(tx: &mut Tx<'_>, id: OutboxId, error: &str, due_at: Timestamp, now: Timestamp) -> Result<()> {
    if execute!(tx, REST, id, due_at, error)? == 0 {
        later!(tx, GIVE_UP, id, now, error, Vec::<u8>::new(), due_at)?;
    }
    Ok(())
}

pub async fn waiting(db: &mut Db<'_>, receiver: Uuid, most: i64) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), WAITING, receiver, most)?.0)
}

pub async fn take_lease(tx: &mut Tx<'_>, name: &str, holder: Holder, until: Timestamp, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(tx, (String,), TAKE_LEASE, name, holder, until, now)?.is_some())
}

/// A statement that deletes: a type of its own, so that the compiler need not name its lifetime.
#[derive(Clone, Copy)]
pub struct Sweep(pub &'static str);

pub async fn sweep(tx: &mut Tx<'_>, sweep: Sweep, ended_before: Timestamp, limit: i64) -> Result<u64> {
    execute!(tx, sweep.0, ended_before, limit)
}

pub async fn release_lease(tx: &mut Tx<'_>, name: &str, holder: Holder) -> Result<()> {
    execute!(tx, RELEASE_LEASE, name, holder)?;
    Ok(())
}
