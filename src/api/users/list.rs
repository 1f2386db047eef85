use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Access, SecondFactor, UserDetail, UserSummary,
    sight::{Seen, Sight},
};
use crate::{
    api::{Caller, Ids, Invalid, Over, Parameters, Problem, Refusal, organizations::Named},
    app::App,
    connections,
    id::{OrganizationId, UserId},
    mfa, organizations,
    store::Db,
    users::{self, Page, Status, User, provisioned},
};

/// How many users a page has unless asked for, and at most.
const USUAL: u32 = 25;
const LARGEST: u32 = 100;

/// Which users to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// `active` (if absent), `invited` or `deactivated`.
    status: Option<String>,
    /// Part of a name, login name or address, in any case.
    #[serde(default)]
    q: String,
    /// `next` of the page before.
    after: Option<Uuid>,
    /// 1 to 100; 25 if absent.
    limit: Option<u32>,
}

/// A page of users, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserList {
    pub users: Vec<UserSummary>,
    /// What to send as `after` for the next page; null on the last.
    pub next: Option<Uuid>,
    pub counts: Counts,
}

/// How many users of each status the organization has, whatever was searched for.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Counts {
    pub active: i64,
    pub invited: i64,
    pub deactivated: i64,
}

/// Users whose home the organization is, and members from elsewhere: of these what concerns organizations
/// that the caller manages, without address and factors. Among the invited and deactivated are those whom a connection
/// has asked to join, whose accounts live elsewhere.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/users", tag = "users",
    params(("organization" = Uuid, Path), UserQuery),
    responses((status = 200, body = UserList), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
    Parameters(query): Parameters<UserQuery>,
) -> Result<Json<UserList>, Refusal> {
    let status = listed_status(query.status.as_deref().unwrap_or("active"))?;
    let limit = query.limit.unwrap_or(USUAL).clamp(1, LARGEST);
    let mut db = app.store.reader().await?;
    let over = caller.over(&mut db, id).await?;
    over.require("portal:users:read")?;

    // One more than the page has tells whether there is a next one.
    let page = Page { after: UserId(query.after.unwrap_or_default()), limit: i64::from(limit) + 1 };
    let mut found = users::search(&mut db, id, status, &query.q, page).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|user| user.id.0);

    let mut listed = Vec::with_capacity(found.len());
    let mut sight = Sight::of(&over);
    for user in &found {
        let seen = sight.look(&mut db, user, caller.now).await?;
        listed.push(UserSummary::of(&seen));
    }
    Ok(Json(UserList { users: listed, next, counts: counts(&mut db, id).await? }))
}

fn listed_status(text: &str) -> Result<Status, Refusal> {
    match text.parse() {
        Ok(status @ (Status::Active | Status::Invited | Status::Deactivated)) => Ok(status),
        _ => Err(Refusal::Invalid(vec![Invalid::new(
            "/status",
            "unknown-status",
            "Use one of active, invited, deactivated.",
        )])),
    }
}

async fn counts(db: &mut Db<'_>, id: OrganizationId) -> Result<Counts, Refusal> {
    let mut counts = Counts::default();
    for (status, count) in users::count_by_status(db, id).await? {
        match status {
            Status::Active => counts.active = count,
            Status::Invited => counts.invited = count,
            Status::Deactivated => counts.deactivated = count,
            Status::Removed => {}
        }
    }
    Ok(counts)
}

/// One user, with access, second factors, and what the caller may do. Of a member from elsewhere what concerns
/// organizations that the caller manages.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/users/{user}", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path)),
    responses((status = 200, body = UserDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Ids((id, user)): Ids<(OrganizationId, UserId)>,
) -> Result<Json<UserDetail>, Refusal> {
    let mut db = app.store.reader().await?;
    let over = caller.over(&mut db, id).await?;
    over.require("portal:users:read")?;
    let user = over.person(&mut db, user).await?;
    Ok(Json(detail(&mut db, &caller, &over, &user).await?))
}

/// All that administrators see of a person.
pub async fn detail(db: &mut Db<'_>, caller: &Caller, over: &Over, user: &User) -> Result<UserDetail, Refusal> {
    let seen = Sight::of(over).look(db, user, caller.now).await?;
    let summary = UserSummary::of(&seen);
    let Seen { user, roles, factors, at_home, .. } = seen;
    let home = organizations::find(db, user.organization_id).await?.ok_or(Refusal::Server)?;
    let connection = match user.connection_id {
        Some(id) => connections::find(db, id).await?,
        None => None,
    };
    Ok(UserDetail {
        summary,
        organization: Named { id: home.id.0, name: home.name },
        email_verified: user.email_verified_at.is_some(),
        connection: connection.map(|connection| Named { id: connection.id.0, name: connection.name }),
        access: Access::of(&roles, provisioned::detached_from(&user)),
        second_factors: factors.iter().map(SecondFactor::from).collect(),
        recovery_codes_left: if at_home { mfa::recovery_codes::remaining(db, user.id).await? } else { 0 },
        allowed: allowed(db, caller, over, &user).await?,
    })
}

/// What the caller may do with the person now: what pages offer.
async fn allowed(db: &mut Db<'_>, caller: &Caller, over: &Over, user: &User) -> Result<Vec<String>, Refusal> {
    if user.stands_for.is_some() {
        return Ok(Vec::new());
    }
    let acts = [
        ("update", "portal:users:update", true),
        ("deactivate", "portal:users:deactivate", user.status == Status::Active || user.status == Status::Invited),
        ("reactivate", "portal:users:deactivate", user.status == Status::Deactivated),
        ("remove", "portal:users:remove", true),
        ("reset-password", "portal:passwords:reset", user.status == Status::Active && user.email.is_some()),
        ("reset-mfa", "portal:mfa:reset", user.status == Status::Active),
        ("invite", "portal:users:create", user.status == Status::Invited && user.email.is_some()),
    ];
    let oneself = caller.user_id() == Some(user.id);
    let mut allowed = Vec::new();
    for (act, permission, possible) in acts {
        // Nobody ends, or resets, their own account here: that is what /account is for.
        if !possible || !over.may(permission) || (oneself && act != "update") {
            continue;
        }
        let person = (user.organization_id, user.id);
        if over.actor.may_act_on(db, permission, person, caller.now).await? {
            allowed.push(act.to_owned());
        }
    }
    Ok(allowed)
}
