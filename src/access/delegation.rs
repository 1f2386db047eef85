use crate::{
    id::{OrganizationId, ProductId, RoleId},
    organizations, products,
    products::portal,
    store::{Db, Result},
};

/// What a connection may give: it holds nothing itself, so it gives what an administrator listed, within
/// its organization, and nothing else (product.md V2, V5).
#[derive(Debug, Clone)]
pub struct Delegation {
    pub organization: OrganizationId,
    pub allowances: Vec<Allowance>,
}

/// Roles of one product that may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    pub product: ProductId,
    pub roles: Vec<RoleId>,
    /// Over the organizations below, too.
    pub subtree: bool,
}

impl Delegation {
    /// Whether the role may be given over the organization, and all below it if `subtree`. The portal's
    /// administrator and accountant never are, whatever was listed: a tool makes no administrators
    /// (security.md row 75), and an accountant needs the provider's approval (P6).
    ///
    /// # Errors
    /// The database's, here and below.
    pub async fn may_grant(
        &self,
        db: &mut Db<'_>,
        role: &products::Role,
        (organization, subtree): (OrganizationId, bool),
    ) -> Result<bool> {
        if matches!(role.slug.as_str(), portal::ADMINISTRATOR | portal::ACCOUNTANT) {
            let product = products::find(db, role.product_id).await?;
            if product.is_none_or(|product| product.slug == portal::SLUG) {
                return Ok(false);
            }
        }
        let mut allowances = self
            .allowances
            .iter()
            .filter(|allowance| allowance.product == role.product_id && allowance.roles.contains(&role.id));
        if organization == self.organization {
            return Ok(allowances.any(|allowance| allowance.subtree || !subtree));
        }
        let lineage = organizations::lineage(db, organization).await?;
        let is_below = lineage.iter().any(|above| above.id == self.organization);
        Ok(is_below && allowances.any(|allowance| allowance.subtree))
    }

    /// Every role that may be given over the organization itself, with its product.
    pub async fn roles(&self, db: &mut Db<'_>) -> Result<Vec<(products::Product, products::Role)>> {
        let mut found: Vec<(products::Product, products::Role)> = Vec::new();
        for allowance in &self.allowances {
            let Some(product) = products::find(db, allowance.product).await? else { continue };
            for role in products::list_roles(db, allowance.product).await? {
                let is_new = found.iter().all(|(_, known)| known.id != role.id);
                if is_new && self.may_grant(db, &role, (self.organization, false)).await? {
                    found.push((product.clone(), role));
                }
            }
        }
        Ok(found)
    }
}
