use std::collections::BTreeSet;

use serde::Serialize;

use super::{Subject, sql};
use crate::{
    clock::Timestamp,
    id::{GroupId, OrganizationId, ProductId, UserId},
    organizations::Kind,
    products::{self, Product},
    store::{Db, Error, Result},
};

/// A token stays small: beyond so many organizations it names the covering ancestors only, which
/// assignments do anyway, and says that the list is not complete.
const ORGANIZATIONS_IN_A_TOKEN: usize = 50;

/// What a subject may do in one product, and over which organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    pub product: ProductId,
    /// Slugs, over all organizations, in the product's order.
    pub roles: Vec<String>,
    /// `product:module:action`, over all organizations.
    pub permissions: Vec<String>,
    pub organizations: Vec<Coverage>,
    /// Whether [`Entitlement::organizations`] is all of them.
    pub organizations_complete: bool,
}

/// An organization that is covered, and by which roles: the form in which tokens carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    pub id: OrganizationId,
    pub kind: Kind,
    /// Those below it too.
    pub subtree: bool,
    pub roles: Vec<String>,
}

/// What the subject holds in the product now; `None` without any live assignment.
///
/// # Errors
/// The database's.
pub async fn entitlement(
    db: &mut Db<'_>,
    subject: Subject,
    product: ProductId,
    now: Timestamp,
) -> Result<Option<Entitlement>> {
    let rows = sql::held(db, subject, product, now).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut entitlement = Entitlement {
        product,
        roles: Vec::new(),
        permissions: Vec::new(),
        organizations: Vec::new(),
        organizations_complete: true,
    };
    for row in rows {
        let (Some(id), Some(kind), Some(subtree)) = (row.organization_id, row.kind, row.subtree) else {
            entitlement.permissions.push(row.name);
            continue;
        };
        if !entitlement.roles.contains(&row.name) {
            entitlement.roles.push(row.name.clone());
        }
        let covered =
            entitlement.organizations.iter_mut().find(|coverage| coverage.id == id && coverage.subtree == subtree);
        match covered {
            Some(coverage) if coverage.roles.contains(&row.name) => {}
            Some(coverage) => coverage.roles.push(row.name),
            None => entitlement.organizations.push(Coverage {
                id,
                kind: kind.try_into().map_err(Error::Damaged)?,
                subtree,
                roles: vec![row.name],
            }),
        }
    }
    if entitlement.organizations.len() > ORGANIZATIONS_IN_A_TOKEN {
        // Those that cover others say the most.
        entitlement.organizations.sort_by_key(|coverage| !coverage.subtree);
        entitlement.organizations.truncate(ORGANIZATIONS_IN_A_TOKEN);
        entitlement.organizations_complete = false;
    }
    Ok(Some(entitlement))
}

/// A role or a permission of somebody.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Told {
    pub user_id: UserId,
    /// The product's slug.
    pub product: String,
    part: i32,
    /// The role's slug, or the permission as `product:module:action`.
    pub name: String,
}

impl Told {
    /// A role; or else a permission.
    pub fn is_role(&self) -> bool {
        self.part == 1
    }
}

/// What users hold over an organization and those below it, by user and product.
///
/// # Errors
/// The database's.
pub async fn held_within(
    db: &mut Db<'_>,
    organization: OrganizationId,
    users: &[UserId],
    now: Timestamp,
) -> Result<Vec<Told>> {
    let mut held = Vec::new();
    for chunk in users.chunks(sql::CHUNK) {
        held.extend(sql::held_within(db, organization, chunk, now).await?);
    }
    Ok(held)
}

/// Who of these users holds anything of the product now, wherever.
///
/// # Errors
/// The database's.
pub async fn holders(
    db: &mut Db<'_>,
    product: ProductId,
    users: &[UserId],
    now: Timestamp,
) -> Result<BTreeSet<UserId>> {
    let mut found = BTreeSet::new();
    for chunk in users.chunks(sql::CHUNK) {
        found.extend(sql::holders(db, product, chunk, now).await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// How many of these people, who are in a group and leave it, lose a role over an organization that they have by the
/// group and in no other way. Whoever has no access anyway loses none.
///
/// # Errors
/// The database's.
pub async fn losing(db: &mut Db<'_>, group: GroupId, users: &[UserId], now: Timestamp) -> Result<i64> {
    let mut losing = 0;
    for chunk in users.chunks(sql::CHUNK) {
        losing += sql::losing(db, group, chunk, now).await?.len();
    }
    Ok(i64::try_from(losing).unwrap_or(i64::MAX))
}

/// All products that the user may use now, the portal among them, with what they hold there.
///
/// # Errors
/// The database's.
pub async fn products_of(db: &mut Db<'_>, user: UserId, now: Timestamp) -> Result<Vec<(Product, Entitlement)>> {
    let mut held = Vec::new();
    for product in products::list(db).await? {
        if let Some(entitlement) = entitlement(db, Subject::User(user), product.id, now).await? {
            held.push((product, entitlement));
        }
    }
    Ok(held)
}
