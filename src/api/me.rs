use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Caller, Problem, Refusal,
    caller::Who,
    organizations::Organization,
    users::{Access, NamedSlug},
};
use crate::{access, app::App, clock::Timestamp, mfa, organizations, products::portal, users};

/// The person behind the token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    pub id: Uuid,
    pub login_name: String,
    pub email: Option<String>,
    pub given_name: String,
    pub family_name: String,
    pub display_name: String,
    pub organization: Organization,
    /// Portal permissions over the home organization.
    pub permissions: Vec<String>,
    /// Portal roles over the home organization.
    pub portal_roles: Vec<NamedSlug>,
    /// How many second factors are set up.
    pub second_factors: usize,
    /// RFC 3339.
    pub last_login_at: Option<String>,
}

/// Who the caller is. For people only: an API token is nobody.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "me",
    responses((status = 200, body = Me), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn show(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Refusal> {
    let Who::User { id, .. } = caller.who else { return Err(Refusal::NotFound) };
    let mut db = app.store.reader().await?;
    let actor = caller.actor(&mut db).await?;
    let user = users::find(&mut db, id).await?.ok_or(Refusal::Unauthenticated)?;
    let home = organizations::find(&mut db, user.organization_id).await?.ok_or(Refusal::Unauthenticated)?;
    let roles = access::roles_of_user(&mut db, id, caller.now).await?;
    let at_home = |role: &&access::RoleOfUser| role.product_slug == portal::SLUG && role.organization_id == home.id;
    let mut portal_roles: Vec<NamedSlug> = Vec::new();
    for role in roles.iter().filter(at_home) {
        let named = NamedSlug { slug: role.role_slug.clone(), name: role.role_name.clone() };
        if !portal_roles.contains(&named) {
            portal_roles.push(named);
        }
    }
    Ok(Json(Me {
        id: id.0,
        login_name: user.login_name.as_given().to_owned(),
        email: user.email.clone(),
        given_name: user.given_name.clone(),
        family_name: user.family_name.clone(),
        display_name: user.name().to_owned(),
        organization: Organization::from(&home),
        permissions: actor.permissions_over(&mut db, home.id).await?,
        portal_roles,
        second_factors: mfa::enrolled(&mut db, id).await?.len(),
        last_login_at: user.last_login_at.map(Timestamp::to_rfc3339),
    }))
}

/// A product that the person may use.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyProduct {
    pub slug: String,
    pub name: String,
    pub description: String,
    /// Where its tile leads: there, single sign-on does the rest.
    pub launch_url: Option<String>,
    /// `#rrggbb`.
    pub color: Option<String>,
    pub permissions: Vec<String>,
    /// Roles, where they hold, and whence they come.
    pub access: Vec<Access>,
    /// Asks for a passkey or security key at the door.
    pub phishing_resistant: bool,
}

/// The products that the person may use, the portal itself apart.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyProducts {
    pub products: Vec<MyProduct>,
}

/// The caller's products with roles and covered organizations, complete however many these are.
#[utoipa::path(
    get, path = "/api/v1/me/products", tag = "me",
    responses((status = 200, body = MyProducts), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn products(State(app): State<App>, caller: Caller) -> Result<Json<MyProducts>, Refusal> {
    let Who::User { id, .. } = caller.who else { return Err(Refusal::NotFound) };
    let mut db = app.store.reader().await?;
    caller.actor(&mut db).await?;
    let roles = access::roles_of_user(&mut db, id, caller.now).await?;
    let held = access::products_of(&mut db, id, caller.now).await?;
    let products = held.into_iter().filter(|(product, _)| !product.hidden).map(|(product, entitlement)| {
        let of_product: Vec<_> = roles.iter().filter(|role| role.product_id == product.id).cloned().collect();
        MyProduct {
            slug: product.slug,
            name: product.name,
            description: product.description,
            launch_url: product.launch_url,
            color: product.branding.color,
            permissions: entitlement.permissions,
            access: Access::of(&of_product, None),
            phishing_resistant: product.policy.phishing_resistant,
        }
    });
    Ok(Json(MyProducts { products: products.collect() }))
}
