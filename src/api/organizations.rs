use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Caller, Ids, Parameters, Problem, Refusal};
use crate::{app::App, id::OrganizationId, organizations, store};

/// How many organizations one answer has at most.
const LARGEST_ANSWER: usize = 200;

/// An identifier with a name for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Named {
    pub id: Uuid,
    pub name: String,
}

/// An organization of the tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct Organization {
    pub id: Uuid,
    pub name: String,
    /// `provider`, `partner` or `client`.
    pub kind: String,
    pub parent_id: Option<Uuid>,
    /// `active` or `suspended`.
    pub status: String,
}

impl From<&organizations::Organization> for Organization {
    fn from(organization: &organizations::Organization) -> Self {
        Self {
            id: organization.id.0,
            name: organization.name.clone(),
            kind: organization.kind.as_str().to_owned(),
            parent_id: organization.parent_id.map(|id| id.0),
            status: organization.status.as_str().to_owned(),
        }
    }
}

/// An organization, with what the caller may do there.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationDetail {
    #[serde(flatten)]
    pub organization: Organization,
    /// Portal permissions, such as `portal:users:create`.
    pub permissions: Vec<String>,
}

/// The organizations that the caller manages.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationList {
    pub organizations: Vec<Organization>,
    /// How many there are, of which `organizations` holds the first 200 that match.
    pub total: usize,
}

/// Which organizations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrganizationQuery {
    /// Part of the name, in any case.
    #[serde(default)]
    q: String,
}

/// Organizations whose users the caller may see, from the top down.
#[utoipa::path(
    get, path = "/api/v1/organizations", tag = "organizations", params(OrganizationQuery),
    responses((status = 200, body = OrganizationList), (status = 401, body = Problem, content_type = "application/problem+json")),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<OrganizationQuery>,
) -> Result<Json<OrganizationList>, Refusal> {
    let mut db = app.store.reader().await?;
    let found = managed(&mut db, &caller).await?;
    let total = found.len();
    let wanted = query.q.trim().to_lowercase();
    let matching = found.iter().filter(|organization| organization.name.to_lowercase().contains(&wanted));
    let organizations = matching.take(LARGEST_ANSWER).map(Organization::from).collect();
    Ok(Json(OrganizationList { organizations, total }))
}

/// The organizations over which the caller may see users, each once, from the top down.
async fn managed(db: &mut store::Db<'_>, caller: &Caller) -> Result<Vec<organizations::Organization>, Refusal> {
    let actor = caller.actor(db).await?;
    let mut found: Vec<organizations::Organization> = Vec::new();
    for (id, subtree) in actor.organizations("portal:users:read") {
        let within = if subtree {
            organizations::list_within(db, id).await?
        } else {
            organizations::find(db, id).await?.into_iter().collect()
        };
        for organization in within {
            if !found.iter().any(|known| known.id == organization.id) {
                found.push(organization);
            }
        }
    }
    Ok(found)
}

/// One organization, with what the caller may do there.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}", tag = "organizations",
    params(("organization" = Uuid, Path)),
    responses((status = 200, body = OrganizationDetail), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
) -> Result<Json<OrganizationDetail>, Refusal> {
    let mut db = app.store.reader().await?;
    let over = caller.over(&mut db, id).await?;
    let organization = Organization::from(&over.organization);
    Ok(Json(OrganizationDetail { organization, permissions: over.permissions }))
}
