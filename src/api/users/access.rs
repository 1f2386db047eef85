//! Which products a person has here, and with which roles (P7).

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    UserDetail,
    grants::{self, Faults, Grant, ProductRoles},
    list,
    verb::{self, Verb},
};
use crate::{
    access,
    api::{Attempt, Body, Caller, Ids, Invalid, Over, Problem, Refusal},
    app::App,
    audit::SubjectKind,
    clock::Timestamp,
    connections,
    id::{ConnectionId, OrganizationId, UserId},
    organizations,
    products::{self, portal},
    provisioning::Reach,
    store::Tx,
    users::{User, provisioned},
};

const ACCESS: Verb = Verb { kind: "access.changed", permission: "portal:users:update", on_oneself: true };

/// The roles that a person is to have of one product.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Slugs, at least one.
    roles: Vec<String>,
    /// Whether they cover the organizations below too; of the portal, administrators always do.
    #[serde(default)]
    subtree: bool,
}

/// Gives a person a product over this organization, or other roles of it. What comes by groups and connections
/// stays beside that.
#[utoipa::path(
    put, path = "/api/v1/organizations/{organization}/users/{user}/products/{product}", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path), ("product" = String, Path)), request_body = Roles,
    responses((status = 200, body = UserDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn give_product(
    State(app): State<App>,
    caller: Caller,
    Ids((id, user, slug)): Ids<(OrganizationId, UserId, String)>,
    Body(asked): Body<Roles>,
) -> Result<Json<UserDetail>, Refusal> {
    set(app, caller, (id, user, slug), Some(asked)).await
}

/// Takes a product from a person over this organization. What comes by groups and connections stays: 409 if
/// there is nothing else.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/users/{user}/products/{product}", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path), ("product" = String, Path)),
    responses((status = 200, body = UserDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn take_product(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, UserId, String)>,
) -> Result<Json<UserDetail>, Refusal> {
    set(app, caller, ids, None).await
}

async fn set(
    app: App,
    caller: Caller,
    (id, user, slug): (OrganizationId, UserId, String),
    asked: Option<Roles>,
) -> Result<Json<UserDetail>, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (over, person) = verb::judge(tx, &who, ACCESS, (id, user)).await?;
        let grant = match &asked {
            Some(asked) => Some(judge(tx, &over, &slug, asked).await?),
            None => None,
        };
        let reach = Reach::of_user(tx, person.id).await?;
        replace(tx, (&over, &person), (&slug, grant.as_ref()), who.now).await?;
        reach.settle(tx, &parts.master, who.now).await?;
        let details = grant.as_ref().map_or_else(|| json!({ "product": slug, "roles": [] }), Grant::words);
        verb::record(tx, &parts, &who, (ACCESS, &person), details).await?;
        list::detail(tx, &who, &over, &person).await
    });
    let attempt = Attempt { organization: id, kind: ACCESS.kind, subject: Some((SubjectKind::User, user.0)) };
    let detail = caller.denied(app.clone(), attempt, outcome.await).await?;
    // Whoever lost the product is signed out there.
    app.wake.ring();
    Ok(Json(detail))
}

async fn judge(tx: &mut Tx<'_>, over: &Over, slug: &str, asked: &Roles) -> Result<Grant, Refusal> {
    let mut faults = Faults::default();
    let grant = if slug == portal::SLUG {
        match asked.roles.as_slice() {
            [role] => grants::judge_portal_role(tx, over, role, &mut faults).await?,
            _ => {
                faults.invalid.push(Invalid::new("/roles", "one-role", "A person has one portal role."));
                None
            }
        }
    } else {
        let roles = ProductRoles { slug: slug.to_owned(), roles: asked.roles.clone(), subtree: asked.subtree };
        grants::judge_product(tx, over, ("", &roles), &mut faults).await?
    };
    faults.into_result()?;
    grant.ok_or(Refusal::Server)
}

/// Whether a role is an administrator's to take away: it comes by no group, and of no connection, or of one
/// that has let go of the person.
pub fn is_by_hand(by_group: bool, owner: Option<ConnectionId>, detached_from: Option<ConnectionId>) -> bool {
    !by_group && owner.is_none_or(|owner| detached_from == Some(owner))
}

/// Puts the new roles in the place of those that administrators have given over this organization.
async fn replace(
    tx: &mut Tx<'_>,
    (over, person): (&Over, &User),
    (slug, grant): (&str, Option<&Grant>),
    now: Timestamp,
) -> Result<(), Refusal> {
    let product = products::find_by_slug(tx, slug).await?.ok_or(Refusal::NotFound)?;
    let home = person.organization_id;
    organizations::bump_revision(tx, home).await?;
    let was_last = product.slug == portal::SLUG && access::is_last_administrator(tx, home, person.id, now).await?;
    let detached_from = provisioned::detached_from(person);
    let (mut is_less, mut owner) = (false, None);
    for assignment in access::list_of_user(tx, person.id).await? {
        if assignment.product_id != product.id || assignment.organization_id != over.organization.id {
            continue;
        }
        if is_by_hand(assignment.group_id.is_some(), assignment.owner(), detached_from) {
            access::unassign(tx, assignment.id).await?;
            is_less = true;
        } else {
            owner = owner.or(assignment.owner());
        }
    }
    match (grant, owner) {
        (Some(grant), _) => grant.give(tx, over, person.id, now).await?,
        (None, Some(owner)) if !is_less => {
            let name = connections::find(tx, owner).await?.map(|connection| connection.name);
            return Err(Refusal::GivenByConnection(name.unwrap_or_default()));
        }
        (None, _) => {}
    }
    // P13, judged on what holds after the change: the last administrator must still be one.
    if was_last && !access::is_last_administrator(tx, home, person.id, now).await? {
        return Err(Refusal::LastAdministrator);
    }
    Ok(())
}
