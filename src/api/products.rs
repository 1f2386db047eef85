use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Caller, Ids, Over, Problem, Refusal, users::grants::may_give_portal_role};
use crate::{
    app::App,
    id::OrganizationId,
    organizations::Kind,
    products::{self, Level, Product, Role, portal},
    store::Db,
};

/// A role of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductRole {
    pub slug: String,
    pub name: String,
    pub description: String,
    /// Whether the caller may give it to people of this organization.
    pub grantable: bool,
}

/// A product with the roles that people of the organization can have.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductWithRoles {
    pub slug: String,
    pub name: String,
    pub description: String,
    /// `#rrggbb`.
    pub color: Option<String>,
    pub roles: Vec<ProductRole>,
}

/// What people of the organization can be given.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductList {
    /// The products that the organization has.
    pub products: Vec<ProductWithRoles>,
    /// Roles of the portal; none for client organizations.
    pub portal_roles: Vec<ProductRole>,
}

/// The products that the organization has, with roles, and the roles of the portal.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/products", tag = "products",
    params(("organization" = Uuid, Path)),
    responses((status = 200, body = ProductList), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
) -> Result<Json<ProductList>, Refusal> {
    let mut db = app.store.reader().await?;
    let over = caller.over(&mut db, id).await?;
    over.require("portal:users:read")?;
    let here = products::list_of_organization(&mut db, id).await?;
    let mut listed = Vec::with_capacity(here.len());
    for product in here.iter().filter(|product| product.slug != portal::SLUG) {
        listed.push(with_roles(&mut db, &over, product).await?);
    }
    let portal_roles = portal_roles(&mut db, &over).await?;
    Ok(Json(ProductList { products: listed, portal_roles }))
}

async fn with_roles(db: &mut Db<'_>, over: &Over, product: &Product) -> Result<ProductWithRoles, Refusal> {
    let mut roles = Vec::new();
    for role in products::list_roles(db, product.id).await? {
        if role.level == Level::of(over.organization.kind) {
            let grantable = over.actor.may_grant(db, &role, over.organization.id).await?;
            roles.push(ProductRole::of(role, grantable));
        }
    }
    Ok(ProductWithRoles {
        slug: product.slug.clone(),
        name: product.name.clone(),
        description: product.description.clone(),
        color: product.branding.color.clone(),
        roles,
    })
}

async fn portal_roles(db: &mut Db<'_>, over: &Over) -> Result<Vec<ProductRole>, Refusal> {
    if over.organization.kind == Kind::Client {
        return Ok(Vec::new());
    }
    let product = products::find_by_slug(db, portal::SLUG).await?.ok_or(Refusal::Server)?;
    let mut roles = Vec::new();
    for role in products::list_roles(db, product.id).await? {
        let grantable = may_give_portal_role(db, over, &role).await?;
        roles.push(ProductRole::of(role, grantable));
    }
    Ok(roles)
}

impl ProductRole {
    fn of(role: Role, grantable: bool) -> Self {
        Self { slug: role.slug, name: role.name, description: role.description, grantable }
    }
}
