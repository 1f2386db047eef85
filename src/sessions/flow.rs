//! A sign-in under way: half a session, bound to one browser.
//!
//! ```text
//! start ── type_name ── prove(password) ── prove(second factor) ── keep_codes ── finish ── begin
//!   └───────────────── prove(passkey) ───────────────────────────────────────────┘
//! start_raise (a live session) ─────────── prove(second factor) ─────────────────┘
//! ```
//! Each step is one conditional write against the state that was read: two of one flow at once, a step
//! sent twice, a step after the end lose. A flow's user is fixed by its first proof.
//!
//! Pages find a flow by its id *and* their browser's cookie; the id alone, in an address or a link,
//! opens nothing.

mod state;

use std::time::Duration;

pub use state::{Proof, ProofKind, Start, State};

use super::{Agent, FullyAuthenticated, Session, sql};
use crate::{
    clock::Timestamp,
    id::{AuthorizationRequestId, LoginFlowId, SessionId, UserId},
    mfa::{
        self,
        policy::{self, Requirement},
        step_up,
    },
    organizations, products,
    secret::SecretHash,
    store::{Db, Result, Tx},
    users::{self, User},
};

/// A sign-in must be done within so long; enrolling an app takes people a while.
const LIFETIME: Duration = Duration::from_secs(45 * 60);

/// Half a session.
#[derive(Debug, Clone)]
pub struct LoginFlow {
    pub id: LoginFlowId,
    /// The authorization request that waits for it.
    pub request_id: Option<AuthorizationRequestId>,
    /// Who it is of, once a first factor was accepted.
    pub user_id: Option<UserId>,
    pub state: State,
}

/// Begins a sign-in in this browser.
///
/// # Errors
/// The database's, here and below.
pub async fn start(
    tx: &mut Tx<'_>,
    browser: &SecretHash,
    request_id: Option<AuthorizationRequestId>,
    start: &Start,
    now: Timestamp,
) -> Result<LoginFlow> {
    let state = State { start: start.clone(), ..State::default() };
    insert(tx, browser, LoginFlow { id: LoginFlowId::new(now), request_id, user_id: None, state }, now).await
}

/// Begins a step-up: the person of a live session is to show a second factor anew. The password that
/// began the session counts as shown, at its own time, if there is a factor to stand beside it, or it was shown a
/// moment ago: an old session alone sets up no factor (security.md rows 39, 156). Else, and where a passkey
/// began the session, the sign-in is begun anew.
pub async fn start_raise(
    tx: &mut Tx<'_>,
    browser: &SecretHash,
    request_id: Option<AuthorizationRequestId>,
    (current, start_with): (&FullyAuthenticated, &Start),
    now: Timestamp,
) -> Result<LoginFlow> {
    let began_with_password = current.session.amr.iter().any(|word| word == "pwd");
    let may_stand = step_up::is_fresh(current.session.auth_time, None, now)
        || !mfa::enrolled(tx, current.user.id).await?.is_empty();
    if !began_with_password || !may_stand {
        let login_hint = start_with.login_hint.clone().or(Some(current.user.login_name.as_given().to_owned()));
        return start(tx, browser, request_id, &Start { login_hint, ..start_with.clone() }, now).await;
    }
    let state = State {
        start: start_with.clone(),
        typed: Some(current.user.login_name.as_given().to_owned()),
        proofs: vec![Proof::password(current.session.auth_time)],
        raises: Some(current.session.id),
        ..State::default()
    };
    let flow = LoginFlow { id: LoginFlowId::new(now), request_id, user_id: Some(current.user.id), state };
    insert(tx, browser, flow, now).await
}

async fn insert(tx: &mut Tx<'_>, browser: &SecretHash, flow: LoginFlow, now: Timestamp) -> Result<LoginFlow> {
    sql::insert_flow(tx, &flow, browser, now, now + LIFETIME).await?;
    Ok(flow)
}

/// The flow of that id, if it is this browser's, unfinished and young enough.
pub async fn find(db: &mut Db<'_>, id: LoginFlowId, browser: &SecretHash, now: Timestamp) -> Result<Option<LoginFlow>> {
    sql::find_flow(db, id, browser, now).await
}

/// Notes the login name that was typed. `None` if the flow has gone on meanwhile, here and below.
pub async fn type_name(tx: &mut Tx<'_>, flow: &LoginFlow, typed: &str, now: Timestamp) -> Result<Option<LoginFlow>> {
    if flow.state.has_first() {
        return Ok(None);
    }
    let mut next = flow.clone();
    next.state.typed = Some(typed.to_owned());
    step(tx, flow, next, now).await
}

/// Notes that `user` has shown something. The first proof must be one that may come first, and fixes
/// the user; a later one must be of the same user (security.md rows 40, 52).
pub async fn prove(
    tx: &mut Tx<'_>,
    flow: &LoginFlow,
    user: UserId,
    proof: Proof,
    now: Timestamp,
) -> Result<Option<LoginFlow>> {
    let is_first = !flow.state.has_first();
    let in_order = if is_first { proof.can_be_first() } else { proof.kind != ProofKind::Password };
    if !in_order || flow.user_id.is_some_and(|known| known != user) {
        return Ok(None);
    }
    let mut next = flow.clone();
    next.user_id = Some(user);
    next.state.proofs.push(proof);
    step(tx, flow, next, now).await
}

/// Hands recovery codes to the flow, to be shown until [`keep_codes`].
pub async fn show_codes(
    tx: &mut Tx<'_>,
    flow: &LoginFlow,
    codes: crate::secret::Sealed,
    now: Timestamp,
) -> Result<Option<LoginFlow>> {
    let mut next = flow.clone();
    next.state.codes = Some(codes);
    step(tx, flow, next, now).await
}

/// The person has put the recovery codes away: they are shown no more.
pub async fn keep_codes(tx: &mut Tx<'_>, flow: &LoginFlow, now: Timestamp) -> Result<Option<LoginFlow>> {
    let mut next = flow.clone();
    next.state.codes = None;
    step(tx, flow, next, now).await
}

async fn step(tx: &mut Tx<'_>, from: &LoginFlow, to: LoginFlow, now: Timestamp) -> Result<Option<LoginFlow>> {
    Ok(sql::step_flow(tx, &from.state, &to, now).await?.then_some(to))
}

/// Gives a sign-in up. `false` if it was over.
pub async fn cancel(tx: &mut Tx<'_>, flow: &LoginFlow, now: Timestamp) -> Result<bool> {
    sql::finish_flow(tx, flow, now).await
}

/// Ends all sign-ins under way of a user: after a reset, a removal, a new password.
pub async fn end_of_user(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    sql::end_flows_of_user(tx, user, now).await
}

/// A sign-in that has shown all it must. Only [`finish`] makes one.
#[derive(Debug)]
pub struct Finished {
    user: User,
    state: State,
    current: Option<FullyAuthenticated>,
}

impl Finished {
    /// Whose it is.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Whether it only added to the session that this browser has.
    pub(super) fn is_raise(&self) -> bool {
        self.state.raises.is_some()
    }

    /// The session that this browser had, if any.
    pub(super) fn current(&self) -> Option<&FullyAuthenticated> {
        self.current.as_ref()
    }

    pub(super) fn session(&self, agent: &Agent, now: Timestamp) -> Session {
        Session {
            id: SessionId::new(now),
            user_id: self.user.id,
            auth_time: self.state.proofs.first().map_or(now, |proof| proof.at),
            mfa_time: self.state.mfa_time(),
            acr: policy::acr(&self.state.amr()).to_owned(),
            amr: self.state.amr(),
            user_agent: agent.user_agent.clone(),
            address: agent.address.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at: now,
        }
    }
}

/// Why a flow cannot be finished now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a factor is still to be shown")]
    NotDone,
    #[error("the account or its organization is not active")]
    NotActive,
    #[error("the flow is over, or has gone on elsewhere")]
    Over,
}

/// Finishes a flow once: everything is judged again, inside the write that begins the session.
/// `current` is the session this browser has.
pub async fn finish(
    tx: &mut Tx<'_>,
    flow: &LoginFlow,
    current: Option<&FullyAuthenticated>,
    now: Timestamp,
) -> Result<Result<Finished, Refusal>> {
    let state = &flow.state;
    let Some(user_id) = flow.user_id.filter(|_| state.has_first() && state.codes.is_none()) else {
        return Ok(Err(Refusal::NotDone));
    };
    // A raise goes on with the very session it began from, or not at all (row 63).
    if state.raises.is_some() && state.raises != current.map(|current| current.session.id) {
        return Ok(Err(Refusal::Over));
    }
    let Some(user) = users::find(tx, user_id).await?.filter(|user| user.status == users::Status::Active) else {
        return Ok(Err(Refusal::NotActive));
    };
    if !organizations::is_active(tx, user.organization_id).await? {
        return Ok(Err(Refusal::NotActive));
    }
    // The requirement, not what a page remembers of it (rows 37, 38, 41).
    if !requirement(tx, flow, &user).await?.is_met_by(&state.amr()) {
        return Ok(Err(Refusal::NotDone));
    }
    if !sql::finish_flow(tx, flow, now).await? {
        return Ok(Err(Refusal::Over));
    }
    Ok(Ok(Finished { user, state: state.clone(), current: current.cloned() }))
}

/// What this flow must show: the policies of the user's organization and of the product, and what the
/// request asked for.
pub async fn requirement(db: &mut Db<'_>, flow: &LoginFlow, user: &User) -> Result<Requirement> {
    let start = &flow.state.start;
    let product = match start.product_id {
        Some(id) => products::find(db, id).await?,
        None => None,
    };
    let asked: Vec<&str> = start.acr_values.iter().map(String::as_str).collect();
    policy::requirement(db, user, product.as_ref(), &asked).await
}

/// What the person must do next.
pub async fn next(db: &mut Db<'_>, flow: &LoginFlow, user: &User) -> Result<mfa::Next> {
    let requirement = requirement(db, flow, user).await?;
    mfa::next(db, user, &requirement, &flow.state.amr()).await
}
