use super::{Session, flow::LoginFlow, flow::State};
use crate::{
    clock::Timestamp,
    id::{AuthorizationRequestId, LoginFlowId, SessionId, UserId},
    secret::SecretHash,
    store::{Db, Json, Result, Tx},
};

statements! {
    FIND_LIVE = "
        SELECT id, user_id, auth_time, mfa_time, amr, acr, user_agent, address, created_at, last_seen_at, expires_at
          FROM sessions
         WHERE token_hash = $1 AND ended_at IS NULL AND expires_at > $2
           AND last_seen_at + idle_seconds * 1000000 > $2";
    LIST_OF_USER = "
        SELECT id, user_id, auth_time, mfa_time, amr, acr, user_agent, address, created_at, last_seen_at, expires_at
          FROM sessions
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
           AND last_seen_at + idle_seconds * 1000000 > $2
         ORDER BY last_seen_at DESC, id";
    USE_LIVE = "
        UPDATE sessions SET last_seen_at = $2
         WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 AND last_seen_at + idle_seconds * 1000000 > $2";
    INSERT = "
        INSERT INTO sessions (id, token_hash, user_id, auth_time, mfa_time, amr, acr, user_agent, address,
                              created_at, last_seen_at, idle_seconds, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)";
    /// The secret changes with the level, and a session that has ended stays so.
    RAISE = "
        UPDATE sessions SET token_hash = $3, auth_time = $4, mfa_time = $5, amr = $6, acr = $7, user_agent = $8,
                            address = $9, last_seen_at = $10, idle_seconds = $11, expires_at = $12
         WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $10";
    TOUCH = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2 AND ended_at IS NULL";
    END = "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING user_id";
    END_OF_USER = "UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL RETURNING id";
    END_OTHERS_OF_USER = "
        UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL AND id <> $3 RETURNING id";

    INSERT_FLOW = "
        INSERT INTO login_flows (id, browser_hash, request_id, user_id, state, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    FIND_FLOW = "
        SELECT id, request_id, user_id, state FROM login_flows
         WHERE id = $1 AND browser_hash = $2 AND finished_at IS NULL AND expires_at > $3";
    /// A step counts only if nothing has happened to the flow since it was read.
    STEP_FLOW = "
        UPDATE login_flows SET state = $3, user_id = $4
         WHERE id = $1 AND state = $2 AND finished_at IS NULL AND expires_at > $5";
    FINISH_FLOW = "
        UPDATE login_flows SET finished_at = $3
         WHERE id = $1 AND state = $2 AND finished_at IS NULL AND expires_at > $3";
    END_FLOWS_OF_USER = "UPDATE login_flows SET finished_at = $2 WHERE user_id = $1 AND finished_at IS NULL";
}

#[derive(sqlx::FromRow)]
struct Row {
    id: SessionId,
    user_id: UserId,
    auth_time: Timestamp,
    mfa_time: Option<Timestamp>,
    amr: Json<Vec<String>>,
    acr: String,
    user_agent: String,
    address: String,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            auth_time: row.auth_time,
            mfa_time: row.mfa_time,
            amr: row.amr.0,
            acr: row.acr,
            user_agent: row.user_agent,
            address: row.address,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
        }
    }
}

pub(super) async fn find_live(db: &mut Db<'_>, hash: &SecretHash, now: Timestamp) -> Result<Option<Session>> {
    Ok(fetch_optional!(db, Row, FIND_LIVE, hash, now)?.map(Session::from))
}

pub(super) async fn list_of_user(db: &mut Db<'_>, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    Ok(fetch_all!(db, Row, LIST_OF_USER, user, now)?.into_iter().map(Session::from).collect())
}

pub(super) async fn use_live(tx: &mut Tx<'_>, id: SessionId, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, USE_LIVE, id, now)? == 1)
}

pub(super) async fn insert(tx: &mut Tx<'_>, session: &Session, hash: &SecretHash, idle_seconds: i64) -> Result<()> {
    later!(
        tx,
        INSERT,
        session.id,
        hash,
        session.user_id,
        session.auth_time,
        session.mfa_time,
        Json(&session.amr),
        &session.acr,
        &session.user_agent,
        &session.address,
        session.created_at,
        idle_seconds,
        session.expires_at,
    )
}

pub(super) async fn raise(tx: &mut Tx<'_>, session: &Session, hash: &SecretHash, idle_seconds: i64) -> Result<bool> {
    let raised = execute!(
        tx,
        RAISE,
        session.id,
        session.user_id,
        hash,
        session.auth_time,
        session.mfa_time,
        Json(&session.amr),
        &session.acr,
        &session.user_agent,
        &session.address,
        session.last_seen_at,
        idle_seconds,
        session.expires_at,
    )?;
    Ok(raised == 1)
}

pub(super) async fn touch(tx: &mut Tx<'_>, id: SessionId, now: Timestamp) -> Result<()> {
    later!(tx, TOUCH, id, now)
}

pub(super) async fn end(tx: &mut Tx<'_>, id: SessionId, now: Timestamp) -> Result<Option<UserId>> {
    Ok(fetch_optional!(tx, (UserId,), END, id, now)?.map(|(user,)| user))
}

pub(super) async fn end_of_user(
    tx: &mut Tx<'_>,
    user: UserId,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>> {
    let rows = match except {
        None => fetch_all!(tx, (SessionId,), END_OF_USER, user, now)?,
        Some(kept) => fetch_all!(tx, (SessionId,), END_OTHERS_OF_USER, user, now, kept)?,
    };
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

#[derive(sqlx::FromRow)]
struct FlowRow {
    id: LoginFlowId,
    request_id: Option<AuthorizationRequestId>,
    user_id: Option<UserId>,
    state: Json<State>,
}

pub(super) async fn insert_flow(
    tx: &mut Tx<'_>,
    flow: &LoginFlow,
    browser: &SecretHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    later!(tx, INSERT_FLOW, flow.id, browser, flow.request_id, flow.user_id, Json(&flow.state), now, expires_at)
}

pub(super) async fn find_flow(
    db: &mut Db<'_>,
    id: LoginFlowId,
    browser: &SecretHash,
    now: Timestamp,
) -> Result<Option<LoginFlow>> {
    let row = fetch_optional!(db, FlowRow, FIND_FLOW, id, browser, now)?;
    Ok(row.map(|row| LoginFlow { id: row.id, request_id: row.request_id, user_id: row.user_id, state: row.state.0 }))
}

pub(super) async fn step_flow(tx: &mut Tx<'_>, from: &State, to: &LoginFlow, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, STEP_FLOW, to.id, Json(from), Json(&to.state), to.user_id, now)? == 1)
}

pub(super) async fn finish_flow(tx: &mut Tx<'_>, flow: &LoginFlow, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, FINISH_FLOW, flow.id, Json(&flow.state), now)? == 1)
}

pub(super) async fn end_flows_of_user(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    later!(tx, END_FLOWS_OF_USER, user, now)
}
