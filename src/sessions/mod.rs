//! Browser sessions at this server, and [`flow`]: the half of one that a sign-in under way is.
//!
//! - [`FullyAuthenticated`] is a live session of an active user of an active organization who has shown
//!   what policy demands. [`authenticate`] alone builds it; every handler takes it or is a page of
//!   signing in.
//! - [`flow::LoginFlow`] is half a session. Only [`flow::finish`] makes a [`flow::Finished`] of it, by
//!   one conditional write, and only [`begin`] makes a session of that.
//!
//! Leaves to `mfa::policy` what must be shown, to `login` the pages, to `tokens` what hangs on a session.
//!
//! Invariants: the cookie's secret is stored as a hash and changes at sign-in and with every raise of
//! level (ASVS 7.2.4), while the id, which is the `sid` of tokens, stays. A session never changes its
//! user. Times and methods (`auth_time`, `amr`, `acr`) say what happened, and when.

pub mod flow;
mod sql;

use std::time::Duration;

use crate::{
    clients,
    clock::Timestamp,
    id::{ClientRowId, ProductId, SessionId, UserId},
    jobs::{self, Message},
    mfa::policy::Requirement,
    organizations,
    secret::{MasterKeys, Secret},
    store::{Db, Result, Store, Tx},
    tokens,
    users::{self, User},
};

pub use sql::STATEMENTS;

/// A browser's session.
#[derive(Debug, Clone)]
pub struct Session {
    /// The `sid` of ID tokens and logout tokens.
    pub id: SessionId,
    pub user_id: UserId,
    /// When the first factor was shown (OIDC Core §2, `auth_time`).
    pub auth_time: Timestamp,
    /// When the second was, if it was.
    pub mfa_time: Option<Timestamp>,
    /// How: RFC 8176 names, and `email` and `recovery` of our own.
    pub amr: Vec<String>,
    /// The level that these reach.
    pub acr: String,
    /// For the person's own list of sessions.
    pub user_agent: String,
    pub address: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// The absolute end, whatever happens.
    pub expires_at: Timestamp,
}

/// A live session that has met its user's policy, and the user. [`authenticate`] alone builds it.
#[derive(Debug, Clone)]
pub struct FullyAuthenticated {
    pub session: Session,
    pub user: User,
    /// Private: nobody else can name it.
    _built_here: BuiltHere,
}

#[derive(Debug, Clone)]
struct BuiltHere;

/// The browser and place of a sign-in, for the person's list of sessions.
#[derive(Debug, Clone, Default)]
pub struct Agent {
    pub user_agent: String,
    pub address: String,
}

/// A sign of life is written down at most so often.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Who holds this cookie. `None` for whatever is not a whole, live session of somebody who may be here.
///
/// # Errors
/// The database's.
pub async fn authenticate(db: &mut Db<'_>, cookie: &Secret, now: Timestamp) -> Result<Option<FullyAuthenticated>> {
    let Some(session) = sql::find_live(db, &cookie.hash(), now).await? else { return Ok(None) };
    let Some(user) = users::find(db, session.user_id).await? else { return Ok(None) };
    if user.status != users::Status::Active {
        return Ok(None);
    }
    let Some(policy) = organizations::live_policy(db, user.organization_id).await? else { return Ok(None) };
    // What was enough at sign-in may have been tightened since.
    let is_enough = Requirement::to_go_on(&policy, None).is_met_by(&session.amr);
    Ok(is_enough.then_some(FullyAuthenticated { session, user, _built_here: BuiltHere }))
}

/// [`authenticate`] for a page: also notes the sign of life, by which the idle end is counted.
///
/// # Errors
/// The database's.
pub async fn resume(store: &Store, cookie: Option<&Secret>, now: Timestamp) -> Result<Option<FullyAuthenticated>> {
    let Some(cookie) = cookie else { return Ok(None) };
    let found = authenticate(&mut store.reader().await?, cookie, now).await?;
    if let Some(FullyAuthenticated { session, .. }) = &found
        && now.since(session.last_seen_at) >= SEEN_EVERY
    {
        let id = session.id;
        store.write(async move |tx| sql::touch(tx, id, now).await).await?;
    }
    Ok(found)
}

/// Begins the session that a finished sign-in earned, or raises the one it was to raise. Answers the
/// secret for the cookie: new in both cases.
///
/// `None` if the session to raise has ended meanwhile.
///
/// # Errors
/// The database's.
pub async fn begin(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    finished: &flow::Finished,
    agent: &Agent,
    now: Timestamp,
) -> Result<Option<(Session, Secret)>> {
    let secret = Secret::random();
    let user = finished.user();
    let policy = organizations::effective_policy(tx, user.organization_id).await?;
    let mut session = finished.session(agent, now);
    session.expires_at = now + seconds(policy.session_absolute_seconds);
    match finished.current() {
        Some(current) if current.user.id == user.id => {
            // The same person in the same browser: one session goes on under a new secret.
            session.id = current.session.id;
            session.created_at = current.session.created_at;
            if finished.is_raise() {
                // The password was not asked for again, so its day goes on.
                session.expires_at = current.session.expires_at;
            }
            if !sql::raise(tx, &session, &secret.hash(), policy.session_idle_seconds).await? {
                return Ok(None);
            }
        }
        other => {
            if let Some(current) = other {
                end(tx, master, current.session.id, now).await?;
            }
            sql::insert(tx, &session, &secret.hash(), policy.session_idle_seconds).await?;
        }
    }
    users::note_login(tx, user.id, now).await?;
    Ok(Some((session, secret)))
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(count.max(0).unsigned_abs())
}

/// Ends one session with all that hangs on it: grants, refresh tokens, the products' own sessions.
/// `false` if it had ended before.
///
/// # Errors
/// The database's.
pub async fn end(tx: &mut Tx<'_>, master: &MasterKeys, id: SessionId, now: Timestamp) -> Result<bool> {
    let Some(user) = sql::end(tx, id, now).await? else { return Ok(false) };
    end_what_hangs_on(tx, master, id, user, now).await?;
    Ok(true)
}

/// Ends all sessions of a user, and sign-ins under way; `except` goes on. Answers how many ended.
///
/// # Errors
/// The database's.
pub async fn end_of_user(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    user: UserId,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<usize> {
    flow::end_of_user(tx, user, now).await?;
    let ended = sql::end_of_user(tx, user, except, now).await?;
    for id in &ended {
        end_what_hangs_on(tx, master, *id, user, now).await?;
    }
    Ok(ended.len())
}

/// A product that could not be told within this time has long seen its tokens end.
const LOGOUT_IS_NEWS_FOR: Duration = Duration::from_secs(3600);

/// Grants go with their session, and products are told (OIDC Back-Channel Logout 1.0 §2.3).
async fn end_what_hangs_on(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    session: SessionId,
    user: UserId,
    now: Timestamp,
) -> Result<()> {
    for client in tokens::clients_of_session(tx, session).await? {
        tell(tx, master, (client, user, Some(session)), now).await?;
    }
    tokens::revoke_of_session(tx, session, now).await
}

/// A logout token on its way, if the client wants to know.
async fn tell(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    (client, subject, session): (ClientRowId, UserId, Option<SessionId>),
    now: Timestamp,
) -> Result<()> {
    let wants_to_know = clients::find(tx, client).await?.and_then(|client| client.settings.backchannel_logout_uri);
    if wants_to_know.is_some() {
        let message = Message::BackchannelLogout { client, subject, session };
        jobs::enqueue(tx, master, &message, now + LOGOUT_IS_NEWS_FOR, now).await?;
    }
    Ok(())
}

/// Ends what a user holds at the clients of one product, which are told: the product is theirs no more. The
/// session goes on.
///
/// # Errors
/// The database's.
pub async fn end_of_product(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    (user, product): (UserId, ProductId),
    now: Timestamp,
) -> Result<()> {
    for client in tokens::clients_of_user(tx, user, product).await? {
        tell(tx, master, (client, user, None), now).await?;
        tokens::revoke_of_client(tx, user, client, now).await?;
    }
    Ok(())
}

/// The user's live sessions, the newest sign of life first.
///
/// # Errors
/// The database's.
pub async fn list_of_user(db: &mut Db<'_>, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    sql::list_of_user(db, user, now).await
}

/// Notes a sign of life of a live session; `false` if it is live no more. Whoever would end it waits until
/// this transaction is over, and then sees what hangs on it.
///
/// # Errors
/// The database's.
pub async fn use_live(tx: &mut Tx<'_>, id: SessionId, now: Timestamp) -> Result<bool> {
    sql::use_live(tx, id, now).await
}
