use crate::{
    connections::{Connection, DefaultAssignment},
    id::OrganizationId,
    organizations,
    products::{self, Level, portal},
    store::{Db, Result},
};

/// What a connection may give: it holds nothing itself, so it gives what an administrator listed, within
/// its organization, and nothing else (product.md V2, V5).
#[derive(Debug, Clone)]
pub struct Delegation<'c> {
    organization: OrganizationId,
    defaults: &'c [DefaultAssignment],
    assignable: &'c [DefaultAssignment],
}

impl<'c> Delegation<'c> {
    /// What the connection's settings say.
    pub fn of(connection: &'c Connection) -> Self {
        let settings = &connection.settings;
        Self {
            organization: connection.organization_id,
            defaults: &settings.default_assignments,
            assignable: &settings.assignable,
        }
    }

    /// Whether a default role may be given over the connection's organization. The portal's administrator and
    /// accountant never are, whatever was listed: a tool makes no administrators (security.md row 75), and an
    /// accountant needs the provider's approval (P6).
    ///
    /// # Errors
    /// The database's, here and below.
    pub async fn may_grant(&self, db: &mut Db<'_>, role: &products::Role) -> Result<bool> {
        if !matches!(role.slug.as_str(), portal::ADMINISTRATOR | portal::ACCOUNTANT) {
            return Ok(true);
        }
        let product = products::find(db, role.product_id).await?;
        Ok(product.is_some_and(|product| product.slug != portal::SLUG))
    }

    /// Whether the tool may choose the role over the organization, and all below it if `subtree`: it is listed, for
    /// people of such an organization, of a product that the organization has, and no role of the portal but what
    /// everybody has by default.
    ///
    /// # Errors
    /// The database's, here and below.
    pub async fn may_choose(
        &self,
        db: &mut Db<'_>,
        role: &products::Role,
        (organization, subtree): (OrganizationId, bool),
    ) -> Result<bool> {
        let lists = |listed: &&DefaultAssignment| listed.product == role.product_id && listed.roles.contains(&role.id);
        let reaches = |listed: &DefaultAssignment| listed.subtree || !(subtree || organization != self.organization);
        let is_default = self.defaults.iter().filter(lists).any(reaches);
        if !is_default && !self.assignable.iter().filter(lists).any(reaches) {
            return Ok(false);
        }
        let lineage = organizations::lineage(db, organization).await?;
        let Some(own) = lineage.iter().find(|above| above.id == self.organization) else { return Ok(false) };
        if role.level != Level::of(own.kind) || !self.may_grant(db, role).await? {
            return Ok(false);
        }
        let here = products::list_of_organization(db, organization).await?;
        let found = here.iter().find(|product| product.id == role.product_id);
        match found {
            Some(product) => Ok(is_default || product.slug != portal::SLUG),
            None => {
                Ok(is_default && products::find(db, role.product_id).await?.is_some_and(|p| p.slug == portal::SLUG))
            }
        }
    }

    /// Every role that the tool may choose over the organization itself, with its product.
    ///
    /// # Errors
    /// The database's, here and below.
    pub async fn roles(&self, db: &mut Db<'_>) -> Result<Vec<(products::Product, products::Role)>> {
        let mut found: Vec<(products::Product, products::Role)> = Vec::new();
        for listed in self.defaults.iter().chain(self.assignable) {
            let Some(product) = products::find(db, listed.product).await? else { continue };
            for role in products::list_roles(db, listed.product).await? {
                let is_new = found.iter().all(|(_, known)| known.id != role.id);
                if is_new && self.may_choose(db, &role, (self.organization, false)).await? {
                    found.push((product.clone(), role));
                }
            }
        }
        Ok(found)
    }
}
