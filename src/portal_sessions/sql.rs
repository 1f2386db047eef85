use crate::{
    clock::Timestamp,
    id::PortalSessionId,
    secret::{Sealed, SecretHash},
    store::{Db, Result, Tx},
};

statements! {
    INSERT = "
        INSERT INTO portal_sessions (id, token_hash, subject, session, sealed, created_at, expires_at, refreshing_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
    FIND = "
        SELECT id, subject, session, sealed, created_at, expires_at
          FROM portal_sessions
         WHERE token_hash = $1 AND expires_at > $2 AND subject <> ''";
    TAKE = "
           DELETE FROM portal_sessions
            WHERE token_hash = $1 AND expires_at > $2 AND subject = ''
        RETURNING id, subject, session, sealed, created_at, expires_at";
    /// Of all requests and nodes that find the tokens stale, one may refresh them.
    LEASE = "UPDATE portal_sessions SET refreshing_until = $2 WHERE id = $1 AND refreshing_until <= $3";
    REPLACE = "UPDATE portal_sessions SET sealed = $2, refreshing_until = 0 WHERE id = $1";
    DELETE = "DELETE FROM portal_sessions WHERE id = $1";
    DELETE_OF_SUBJECT = "DELETE FROM portal_sessions WHERE subject = $1";
    /// A logout token may name the subject beside its `sid`; then both must fit.
    DELETE_OF_SESSION = "
        DELETE FROM portal_sessions
         WHERE session = $1 AND subject = COALESCE($2, subject)";
    SWEEP = "DELETE FROM portal_sessions WHERE expires_at <= $1";
}

#[derive(Clone, sqlx::FromRow)]
pub struct Row {
    pub id: PortalSessionId,
    pub subject: String,
    pub session: Option<String>,
    pub sealed: Sealed,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

pub async fn insert(tx: &mut Tx<'_>, row: &Row, hash: &SecretHash) -> Result<()> {
    execute!(
        tx,
        INSERT,
        row.id,
        hash,
        row.subject.as_str(),
        row.session.as_deref(),
        &row.sealed,
        row.created_at,
        row.expires_at,
    )?;
    Ok(())
}

pub async fn find(db: &mut Db<'_>, hash: &SecretHash, now: Timestamp) -> Result<Option<Row>> {
    fetch_optional!(db, Row, FIND, hash, now)
}

pub async fn take(tx: &mut Tx<'_>, hash: &SecretHash, now: Timestamp) -> Result<Option<Row>> {
    fetch_optional!(tx, Row, TAKE, hash, now)
}

pub async fn lease(tx: &mut Tx<'_>, id: PortalSessionId, until: Timestamp, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, LEASE, id, until, now)? == 1)
}

pub async fn replace(tx: &mut Tx<'_>, id: PortalSessionId, sealed: &Sealed) -> Result<bool> {
    Ok(execute!(tx, REPLACE, id, sealed)? == 1)
}

pub async fn delete(tx: &mut Tx<'_>, id: PortalSessionId) -> Result<()> {
    later!(tx, DELETE, id)
}

pub async fn delete_of_subject(tx: &mut Tx<'_>, subject: &str) -> Result<u64> {
    execute!(tx, DELETE_OF_SUBJECT, subject)
}

pub async fn delete_of_session(tx: &mut Tx<'_>, session: &str, subject: Option<&str>) -> Result<u64> {
    execute!(tx, DELETE_OF_SESSION, session, subject)
}

pub async fn sweep(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    execute!(tx, SWEEP, now)
}
