//! Which roles somebody asks to give, judged against what they may give.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    access::{self, Actor, NewAssignment, Source, Subject},
    api::{Invalid, Over, Refusal},
    clock::Timestamp,
    id::{OrganizationId, ProductId, RoleId, UserId},
    organizations::{self, Kind},
    products::{self, Level, Product, Role, portal},
    store::{Db, Tx},
};

/// Roles of one product.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductRoles {
    pub slug: String,
    /// Slugs, at least one.
    pub roles: Vec<String>,
    /// Whether they cover the organizations below too.
    #[serde(default)]
    pub subtree: bool,
}

/// Roles that were judged: they exist here, and the caller may give them.
pub struct Grant {
    product: Product,
    roles: Vec<Role>,
    subtree: bool,
}

impl Grant {
    /// Of which product.
    pub fn product(&self) -> ProductId {
        self.product.id
    }

    /// Which roles.
    pub fn roles(&self) -> Vec<RoleId> {
        self.roles.iter().map(|role| role.id).collect()
    }

    /// The words of the audit log.
    pub fn words(&self) -> serde_json::Value {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.slug.as_str()).collect();
        serde_json::json!({ "product": self.product.slug, "roles": roles, "subtree": self.subtree })
    }

    /// Gives it, over the organization in question.
    pub async fn give(&self, tx: &mut Tx<'_>, over: &Over, user: UserId, now: Timestamp) -> Result<(), Refusal> {
        let assignment = NewAssignment {
            subject: Subject::User(user),
            product: self.product.id,
            roles: self.roles(),
            organization: over.organization.id,
            subtree: self.subtree,
            source: Source::Direct,
            connection: None,
            created_by: over.actor.user,
        };
        access::assign(tx, &assignment, now).await?;
        Ok(())
    }
}

/// What is wrong with the roles asked for: fields to correct, or roles that are not the caller's to give.
#[derive(Default)]
pub struct Faults {
    pub invalid: Vec<Invalid>,
    pub not_yours: Vec<Invalid>,
}

impl Faults {
    /// Nothing, or the refusal. What is not the caller's to give weighs more than a wrong field.
    pub fn into_result(self) -> Result<(), Refusal> {
        if !self.not_yours.is_empty() {
            return Err(Refusal::NotYoursToGive(self.not_yours));
        }
        if self.invalid.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.invalid)) }
    }
}

/// Judges a portal role over the organization.
pub async fn judge_portal_role(
    db: &mut Db<'_>,
    over: &Over,
    slug: &str,
    faults: &mut Faults,
) -> Result<Option<Grant>, Refusal> {
    let pointer = "/portal_role";
    if over.organization.kind == Kind::Client {
        // product.md O6: they reach their products, and the console once there is one.
        let text = "People of a client organization cannot reach the portal. Leave the portal role out.";
        faults.invalid.push(Invalid::new(pointer, "not-for-clients", text));
        return Ok(None);
    }
    let product = products::find_by_slug(db, portal::SLUG).await?.ok_or(Refusal::Server)?;
    let Some(role) = products::find_role(db, product.id, slug).await? else {
        faults.invalid.push(Invalid::new(pointer, "unknown-role", "The portal has no such role."));
        return Ok(None);
    };
    if !may_give_portal_role(db, over, &role).await? {
        faults.not_yours.push(not_yours(pointer, &role));
        return Ok(None);
    }
    // An administrator manages the organizations below too, as far as whoever makes them does.
    let administrator = role.slug == portal::ADMINISTRATOR;
    let subtree = administrator && over.actor.may_grant_throughout(db, &role, over.organization.id).await?;
    Ok(Some(Grant { product, roles: vec![role], subtree }))
}

/// Whether the caller may give the portal role here. Accountant is the provider's to give (P6).
pub async fn may_give_portal_role(db: &mut Db<'_>, over: &Over, role: &Role) -> Result<bool, Refusal> {
    if role.slug == portal::ACCOUNTANT {
        let provider = organizations::provider(db).await?.ok_or(Refusal::Server)?;
        if !over.actor.may(db, "portal:users:update", provider.id).await? {
            return Ok(false);
        }
    }
    Ok(over.actor.may_grant(db, role, over.organization.id).await?)
}

/// Judges roles of a product other than the portal, over the organization.
pub async fn judge_product(
    db: &mut Db<'_>,
    over: &Over,
    (pointer, asked): (&str, &ProductRoles),
    faults: &mut Faults,
) -> Result<Option<Grant>, Refusal> {
    let here = products::list_of_organization(db, over.organization.id).await?;
    let found = here.into_iter().find(|product| product.slug == asked.slug && product.slug != portal::SLUG);
    let Some(product) = found else {
        let text = format!("{} does not have this product.", over.organization.name);
        faults.invalid.push(Invalid::new(format!("{pointer}/slug"), "unknown-product", text));
        return Ok(None);
    };
    if asked.roles.is_empty() {
        let text = format!("Pick at least one role of {}.", product.name);
        faults.invalid.push(Invalid::new(format!("{pointer}/roles"), "empty", text));
        return Ok(None);
    }
    let mut roles = Vec::with_capacity(asked.roles.len());
    for (index, slug) in asked.roles.iter().enumerate() {
        let pointer = format!("{pointer}/roles/{index}");
        let role = products::find_role(db, product.id, slug).await?;
        match role.filter(|role| role.level == Level::of(over.organization.kind)) {
            None => {
                let text = format!("{} has no such role for people of this organization.", product.name);
                faults.invalid.push(Invalid::new(pointer, "unknown-role", text));
            }
            Some(role) if may_give(db, &over.actor, (&role, over.organization.id, asked.subtree)).await? => {
                roles.push(role)
            }
            Some(role) => faults.not_yours.push(not_yours(pointer, &role)),
        }
    }
    Ok((roles.len() == asked.roles.len()).then_some(Grant { product, roles, subtree: asked.subtree }))
}

/// Whether somebody may give the role over an organization, and all below it if `subtree`.
pub async fn may_give(
    db: &mut Db<'_>,
    actor: &Actor,
    (role, organization, subtree): (&Role, OrganizationId, bool),
) -> Result<bool, Refusal> {
    if subtree {
        return Ok(actor.may_grant_throughout(db, role, organization).await?);
    }
    Ok(actor.may_grant(db, role, organization).await?)
}

fn not_yours(pointer: impl Into<String>, role: &Role) -> Invalid {
    let text = format!("You do not hold the rights of {} here, so you cannot give it.", role.name);
    Invalid::new(pointer, "not-yours-to-give", text)
}
