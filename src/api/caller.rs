use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use uuid::Uuid;

use super::Refusal;
use crate::{
    access::{Actor, Program},
    api_tokens,
    app::App,
    audit::{self, By, Event, SubjectKind},
    clock::Timestamp,
    connections::Setter,
    http::{ClientAddress, UserAgent},
    id::{ApiTokenId, OrganizationId, UserId},
    mfa::step_up,
    organizations::{self, Organization},
    products,
    store::{self, Tx},
    tokens,
    users::{self, User},
};

/// Who a bearer token speaks for.
#[derive(Debug, Clone)]
pub enum Who {
    User {
        id: UserId,
        /// When the person last proved who they are.
        signed_in_at: Option<Timestamp>,
    },
    ApiToken {
        id: ApiTokenId,
        organization: OrganizationId,
    },
}

/// A caller whose token was accepted. What it may do is asked again with each [`Caller::over`].
#[derive(Debug, Clone)]
pub struct Caller {
    pub who: Who,
    pub by: By,
    pub now: Timestamp,
}

/// What a caller may do over one organization, as the rows say now.
pub struct Over {
    pub actor: Actor,
    pub organization: Organization,
    pub permissions: Vec<String>,
}

impl Caller {
    /// The person, or nobody for an API token.
    pub fn user_id(&self) -> Option<UserId> {
        match self.who {
            Who::User { id, .. } => Some(id),
            Who::ApiToken { .. } => None,
        }
    }

    /// What is noted of the caller in the rules that they set.
    pub fn setter(&self) -> Setter {
        match self.who {
            Who::User { id, .. } => Setter::User(id),
            Who::ApiToken { id, organization } => Setter::ApiToken { id, organization },
        }
    }

    /// The actor with the rights it has now. One that was deactivated or revoked meanwhile has none.
    pub async fn actor(&self, db: &mut store::Db<'_>) -> Result<Actor, Refusal> {
        match self.who {
            Who::User { id, .. } => {
                let user = users::find(db, id).await?;
                user.filter(|user| user.status == users::Status::Active).ok_or(Refusal::Unauthenticated)?;
                Ok(Actor::user(db, id, self.now).await?)
            }
            Who::ApiToken { id, organization } => {
                let token = api_tokens::find_in(db, organization, id).await?;
                let token = token.filter(|token| token.is_live(self.now)).ok_or(Refusal::Unauthenticated)?;
                let (permissions, given_by) = (token.permissions, token.created_by);
                let program = Program { id, organization, permissions, given_by };
                Ok(Actor::program(db, program, self.now).await?)
            }
        }
    }

    /// The organization and the caller's rights over it. One that the caller has no right over does not exist.
    pub async fn over(&self, db: &mut store::Db<'_>, organization: OrganizationId) -> Result<Over, Refusal> {
        let actor = self.actor(db).await?;
        let permissions = actor.permissions_over(db, organization).await?;
        let found = organizations::find(db, organization).await?.filter(|_| !permissions.is_empty());
        Ok(Over { actor, organization: found.ok_or(Refusal::NotFound)?, permissions })
    }

    /// Refuses an API token: this is for people.
    pub fn in_person(&self) -> Result<(), Refusal> {
        match self.who {
            Who::User { .. } => Ok(()),
            Who::ApiToken { .. } => Err(Refusal::ForPeople),
        }
    }

    /// Refuses a person whose sign-in is too old. An API token has none, and needs none.
    pub fn fresh(&self) -> Result<(), Refusal> {
        match self.who {
            Who::User { signed_in_at, .. } => {
                let fresh = signed_in_at.is_some_and(|at| step_up::is_fresh(at, None, self.now));
                if fresh { Ok(()) } else { Err(Refusal::StaleSignIn) }
            }
            Who::ApiToken { .. } => Ok(()),
        }
    }

    /// Lets an outcome through, and audits an attempt that was denied (row 76).
    pub async fn denied<T>(self, app: App, attempt: Attempt, outcome: Result<T, Refusal>) -> Result<T, Refusal> {
        let denial = outcome.as_ref().err().filter(|refusal| refusal.is_denial()).cloned();
        if let Some(refusal) = denial {
            note_denial(app, self, attempt, refusal).await?;
        }
        outcome
    }
}

async fn note_denial(app: App, caller: Caller, attempt: Attempt, refusal: Refusal) -> Result<(), Refusal> {
    let parts = app.clone();
    app.store.write(async move |tx| note(tx, parts.clone(), caller.clone(), (attempt, refusal.clone())).await).await?;
    Ok(())
}

async fn note(tx: &mut Tx<'_>, app: App, caller: Caller, (attempt, refusal): (Attempt, Refusal)) -> store::Result<()> {
    let mut event = Event::new(attempt.organization, attempt.kind, caller.by).refused();
    if let Some((kind, id)) = attempt.subject {
        event = event.on(kind, id);
    }
    let event = event.with(serde_json::json!({ "reason": refusal.code() }));
    audit::record(tx, &app.master, event, caller.now).await
}

impl Over {
    /// Whether the caller holds the permission here.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held == permission)
    }

    /// Refuses a caller that lacks the permission.
    pub fn require(&self, permission: &'static str) -> Result<(), Refusal> {
        if self.may(permission) { Ok(()) } else { Err(Refusal::MissingPermission(permission)) }
    }

    /// The person, if they are of this organization.
    pub async fn person(&self, db: &mut store::Db<'_>, id: UserId) -> Result<User, Refusal> {
        users::find_in(db, self.organization.id, id).await?.ok_or(Refusal::NotFound)
    }
}

/// What somebody tried, for the audit log.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    pub organization: OrganizationId,
    pub kind: &'static str,
    pub subject: Option<(SubjectKind, Uuid)>,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let now = app.clock.now();
        let bearer = bearer(parts).ok_or(Refusal::Unauthenticated)?;
        let (who, by) = if bearer.starts_with(api_tokens::PREFIX) {
            by_api_token(app, &bearer, now).await?
        } else {
            by_access_token(app, &bearer, now).await?
        };
        let Ok(address) = ClientAddress::from_request_parts(parts, app).await;
        let Ok(agent) = UserAgent::from_request_parts(parts, app).await;
        Ok(Self { who, by: by.at(address.to_string(), agent.0), now })
    }
}

/// RFC 6750 §2.1: the header, and never the query.
fn bearer(parts: &Parts) -> Option<String> {
    let mut headers = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (headers.next()?, headers.next());
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    (second.is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim().to_owned())
}

async fn by_api_token(app: &App, bearer: &str, now: Timestamp) -> Result<(Who, By), Refusal> {
    let mut db = app.store.reader().await?;
    let token = api_tokens::authenticate(&mut db, bearer, now).await?.ok_or(Refusal::Unauthenticated)?;
    if token.last_used_at.is_none_or(|at| now.since(at).as_secs() >= 60) {
        drop(db);
        app.store.write(async move |tx| api_tokens::touch(tx, token.id, now).await).await?;
    }
    Ok((Who::ApiToken { id: token.id, organization: token.organization_id }, By::api_token(token.id)))
}

/// A token of the portal's audience and of no other product's, that speaks for a person, and that was
/// granted for this API: a client that only asked who somebody is does nothing in their name.
async fn by_access_token(app: &App, bearer: &str, now: Timestamp) -> Result<(Who, By), Refusal> {
    let mut db = app.store.reader().await?;
    let token = tokens::authenticate(&mut db, &app.keys, bearer, now).await?.ok_or(Refusal::Unauthenticated)?;
    let portal = products::find_by_slug(&mut db, products::portal::SLUG).await?.ok_or(Refusal::Unauthenticated)?;
    if !token.audience.contains(&portal.audience) {
        return Err(Refusal::Unauthenticated);
    }
    if !token.scope.contains(products::portal::API_SCOPE) {
        return Err(Refusal::Scope);
    }
    let id = token.user_id.ok_or(Refusal::Unauthenticated)?;
    let auth_time = token.claims.get("auth_time").and_then(serde_json::Value::as_i64);
    let signed_in_at = auth_time.map(Timestamp::from_seconds);
    Ok((Who::User { id, signed_in_at }, By::user(id)))
}
