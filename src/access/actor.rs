use super::sql::{self, HeldPermission};
use crate::{
    clock::Timestamp,
    id::{ApiTokenId, OrganizationId, RoleId, UserId},
    organizations, products,
    store::{Db, Result},
};

/// The permissions whose reach is the whole server, so that they count at the provider only.
const OF_THE_PROVIDER: &[&str] = &["portal:products:manage", "portal:clients:manage"];

/// Somebody who manages: a user by their roles, or an API token by its list.
#[derive(Debug, Clone)]
pub struct Actor {
    /// None for an API token.
    pub user: Option<UserId>,
    pub api_token: Option<ApiTokenId>,
    held: Vec<HeldPermission>,
}

/// What an API token says of itself.
#[derive(Debug, Clone)]
pub struct Program {
    pub id: ApiTokenId,
    pub organization: OrganizationId,
    /// Names of permissions.
    pub permissions: Vec<String>,
    /// None: the operator.
    pub given_by: Option<UserId>,
}

impl Actor {
    /// The user, with what they hold now.
    ///
    /// # Errors
    /// The database's.
    pub async fn user(db: &mut Db<'_>, user: UserId, now: Timestamp) -> Result<Self> {
        let held = sql::permissions_by_organization(db, user, now).await?;
        Ok(Self { user: Some(user), api_token: None, held })
    }

    /// A program that an organization lets in: these permissions over it and all below, as far as whoever
    /// gave them still holds them. What the operator gave stays.
    ///
    /// # Errors
    /// The database's.
    pub async fn program(db: &mut Db<'_>, program: Program, now: Timestamp) -> Result<Self> {
        let Program { id, organization, permissions, given_by } = program;
        let giver = match given_by {
            Some(giver) => Some(Self::user(db, giver, now).await?),
            None => None,
        };
        let mut held = Vec::with_capacity(permissions.len());
        for name in permissions {
            let still_held = match &giver {
                Some(giver) => giver.may_throughout(db, &name, organization).await?,
                None => true,
            };
            if still_held {
                held.push(HeldPermission { name, organization_id: organization, subtree: true });
            }
        }
        Ok(Self { user: None, api_token: Some(id), held })
    }

    /// Whether the actor holds the permission over the organization.
    ///
    /// # Errors
    /// The database's.
    pub async fn may(&self, db: &mut Db<'_>, permission: &str, organization: OrganizationId) -> Result<bool> {
        let lineage = organizations::lineage(db, organization).await?;
        let is_provider = lineage.first().is_some_and(|organization| organization.parent_id.is_none());
        if OF_THE_PROVIDER.contains(&permission) && !is_provider {
            return Ok(false);
        }
        Ok(self.held.iter().filter(|held| held.name == permission).any(|held| {
            held.organization_id == organization
                || (held.subtree && lineage.iter().any(|above| above.id == held.organization_id))
        }))
    }

    /// The organizations over which the actor holds the permission, each with whether those below are covered.
    pub fn organizations(&self, permission: &str) -> Vec<(OrganizationId, bool)> {
        let mut covered: Vec<(OrganizationId, bool)> = Vec::new();
        for held in self.held.iter().filter(|held| held.name == permission) {
            match covered.iter_mut().find(|(id, _)| *id == held.organization_id) {
                Some((_, subtree)) => *subtree |= held.subtree,
                None => covered.push((held.organization_id, held.subtree)),
            }
        }
        covered
    }

    /// Whether the actor holds the permission over the organization and all below it.
    ///
    /// # Errors
    /// The database's.
    pub async fn may_throughout(
        &self,
        db: &mut Db<'_>,
        permission: &str,
        organization: OrganizationId,
    ) -> Result<bool> {
        let lineage = organizations::lineage(db, organization).await?;
        let is_provider = lineage.first().is_some_and(|organization| organization.parent_id.is_none());
        if OF_THE_PROVIDER.contains(&permission) && !is_provider {
            return Ok(false);
        }
        let mut held = self.held.iter().filter(|held| held.subtree && held.name == permission);
        Ok(held.any(|held| lineage.iter().any(|above| above.id == held.organization_id)))
    }

    /// The portal permissions that the actor holds over the organization. None: it is not theirs to see.
    ///
    /// # Errors
    /// The database's.
    pub async fn permissions_over(&self, db: &mut Db<'_>, organization: OrganizationId) -> Result<Vec<String>> {
        let lineage = organizations::lineage(db, organization).await?;
        let is_provider = lineage.first().is_some_and(|organization| organization.parent_id.is_none());
        let mut names: Vec<String> = Vec::new();
        for held in self.held.iter().filter(|held| held.name.starts_with("portal:")) {
            let covers = held.organization_id == organization && !lineage.is_empty()
                || (held.subtree && lineage.iter().any(|above| above.id == held.organization_id));
            let counts = is_provider || !OF_THE_PROVIDER.contains(&held.name.as_str());
            if covers && counts && !names.contains(&held.name) {
                names.push(held.name.clone());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Whether the actor may give the role over the organization: nobody grants what they do not hold
    /// there themselves. For products other than the portal, managing users of an organization that has
    /// the product is enough for its roles there.
    ///
    /// # Errors
    /// The database's.
    pub async fn may_grant(
        &self,
        db: &mut Db<'_>,
        role: &products::Role,
        organization: OrganizationId,
    ) -> Result<bool> {
        if !self.may(db, "portal:users:update", organization).await? {
            return Ok(false);
        }
        let product = products::find(db, role.product_id).await?;
        if product.is_none_or(|product| product.slug != products::portal::SLUG) {
            return Ok(true);
        }
        self.holds_all_of(db, role.id, organization).await
    }

    /// Whether the actor may act on that person (reset, deactivate, remove): holds the permission over
    /// the person's home, and every portal right that the person holds, wherever and as far down as they
    /// hold it.
    ///
    /// # Errors
    /// The database's.
    pub async fn may_act_on(
        &self,
        db: &mut Db<'_>,
        permission: &str,
        (home, person): (OrganizationId, UserId),
        now: Timestamp,
    ) -> Result<bool> {
        if !self.may(db, permission, home).await? {
            return Ok(false);
        }
        for held in sql::permissions_by_organization(db, person, now).await? {
            if !held.name.starts_with("portal:") || OF_THE_PROVIDER.contains(&held.name.as_str()) {
                continue;
            }
            let (name, place) = (held.name.as_str(), held.organization_id);
            let as_much = if held.subtree {
                self.may_throughout(db, name, place).await?
            } else {
                self.may(db, name, place).await?
            };
            if !as_much {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the actor may give the role over the organization and all below it.
    ///
    /// # Errors
    /// The database's.
    pub async fn may_grant_throughout(
        &self,
        db: &mut Db<'_>,
        role: &products::Role,
        organization: OrganizationId,
    ) -> Result<bool> {
        if !self.may_grant(db, role, organization).await?
            || !self.may_throughout(db, "portal:users:update", organization).await?
        {
            return Ok(false);
        }
        for permission in products::permissions_of_role(db, role.id).await? {
            let of_portal = permission.starts_with("portal:") && !OF_THE_PROVIDER.contains(&permission.as_str());
            if of_portal && !self.may_throughout(db, &permission, organization).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn holds_all_of(&self, db: &mut Db<'_>, role: RoleId, organization: OrganizationId) -> Result<bool> {
        for permission in products::permissions_of_role(db, role).await? {
            if !OF_THE_PROVIDER.contains(&permission.as_str()) && !self.may(db, &permission, organization).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
