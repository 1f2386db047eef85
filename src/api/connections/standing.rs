//! What stands in a connection's rules: in words, who set it, and whether somebody may give it. Everything is read
//! once, for a connection may have hundreds of rules.

use std::collections::{HashMap, hash_map::Entry};

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    access::{Actor, Program},
    api::{
        Over, Refusal,
        users::{NamedSlug, grants},
    },
    api_tokens,
    clock::Timestamp,
    connections::{Gives, Origin, Setter},
    id::{ApiTokenId, OrganizationId, ProductId, RoleId, UserId},
    products::{self, Product, Role},
    store::Db,
    users,
};

/// Who set a rule, and when. The rule stays when they go.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleOrigin {
    /// `user` or `api_token`.
    pub kind: String,
    pub id: Uuid,
    /// Null of somebody whom the caller does not manage, and of whoever was removed.
    pub name: Option<String>,
    /// RFC 3339.
    pub at: String,
    /// Whether they could still set it today.
    pub still_may: bool,
}

/// The rules of an organization's connections, as one caller sees them.
pub struct Standing<'o> {
    over: &'o Over,
    now: Timestamp,
    products: HashMap<ProductId, Option<(Product, Vec<Role>)>>,
    setters: HashMap<Setter, Option<Known>>,
    may: HashMap<(Who, RoleId, bool), bool>,
}

/// Somebody who has set a rule, and is still there.
#[derive(Clone)]
struct Known {
    name: Option<String>,
    actor: Option<Actor>,
}

type Who = (Option<UserId>, Option<ApiTokenId>);

impl<'o> Standing<'o> {
    pub fn of(over: &'o Over, now: Timestamp) -> Self {
        Self { over, now, products: HashMap::new(), setters: HashMap::new(), may: HashMap::new() }
    }

    /// The caller, and the organization.
    pub fn over(&self) -> &'o Over {
        self.over
    }

    /// The product with those of its roles that are given; `None` if it is gone.
    pub async fn named(
        &mut self,
        db: &mut Db<'_>,
        gives: Gives<'_>,
    ) -> Result<Option<(NamedSlug, Vec<NamedSlug>)>, Refusal> {
        let Some((product, roles)) = self.product(db, gives.product).await? else { return Ok(None) };
        let meant = roles.iter().filter(|role| gives.roles.contains(&role.id));
        let meant = meant.map(|role| NamedSlug { slug: role.slug.clone(), name: role.name.clone() }).collect();
        Ok(Some((NamedSlug { slug: product.slug.clone(), name: product.name.clone() }, meant)))
    }

    /// The same as a sentence has it: `Recover: Operator, Viewer`.
    pub async fn words(&mut self, db: &mut Db<'_>, gives: Gives<'_>) -> Result<String, Refusal> {
        let Some((product, roles)) = self.named(db, gives).await? else { return Ok(String::new()) };
        let roles: Vec<String> = roles.into_iter().map(|role| role.name).collect();
        Ok(format!("{}: {}", product.name, roles.join(", ")))
    }

    /// Whether the caller may give all of it here, and so change it.
    pub async fn is_yours(&mut self, db: &mut Db<'_>, gives: Gives<'_>) -> Result<bool, Refusal> {
        let over = self.over;
        self.may_give(db, &over.actor, gives).await
    }

    /// Who set it, as the caller may know.
    pub async fn origin(
        &mut self,
        db: &mut Db<'_>,
        origin: Option<Origin>,
        gives: Gives<'_>,
    ) -> Result<Option<RuleOrigin>, Refusal> {
        let Some(Origin { by, at }) = origin else { return Ok(None) };
        let known = self.setter(db, by).await?;
        let (name, actor) = known.map_or((None, None), |known| (known.name, known.actor));
        let still_may = match actor {
            Some(actor) => self.may_give(db, &actor, gives).await?,
            None => false,
        };
        let (kind, id) = match by {
            Setter::User(id) => ("user", id.0),
            Setter::ApiToken { id, .. } => ("api_token", id.0),
        };
        Ok(Some(RuleOrigin { kind: kind.to_owned(), id, name, at: at.to_rfc3339(), still_may }))
    }

    async fn product(&mut self, db: &mut Db<'_>, id: ProductId) -> Result<Option<&(Product, Vec<Role>)>, Refusal> {
        if let Entry::Vacant(place) = self.products.entry(id) {
            place.insert(match products::find(db, id).await? {
                Some(product) => Some((product, products::list_roles(db, id).await?)),
                None => None,
            });
        }
        Ok(self.products.get(&id).and_then(Option::as_ref))
    }

    async fn may_give(&mut self, db: &mut Db<'_>, actor: &Actor, gives: Gives<'_>) -> Result<bool, Refusal> {
        let organization = self.over.organization.id;
        let roles: Vec<Role> = match self.product(db, gives.product).await? {
            Some((_, roles)) => roles.iter().filter(|role| gives.roles.contains(&role.id)).cloned().collect(),
            None => Vec::new(),
        };
        for role in roles {
            let key = ((actor.user, actor.api_token), role.id, gives.subtree);
            let may = match self.may.get(&key) {
                Some(may) => *may,
                None => grants::may_give(db, actor, (&role, organization, gives.subtree)).await?,
            };
            self.may.insert(key, may);
            if !may {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn setter(&mut self, db: &mut Db<'_>, setter: Setter) -> Result<Option<Known>, Refusal> {
        if let Some(known) = self.setters.get(&setter) {
            return Ok(known.clone());
        }
        let known = match setter {
            Setter::User(id) => self.user(db, id).await?,
            Setter::ApiToken { id, organization } => self.api_token(db, organization, id).await?,
        };
        self.setters.insert(setter, known.clone());
        Ok(known)
    }

    async fn user(&self, db: &mut Db<'_>, id: UserId) -> Result<Option<Known>, Refusal> {
        let found = users::find(db, id).await?.filter(|user| user.status != users::Status::Removed);
        let Some(user) = found else { return Ok(None) };
        let is_seen = self.over.actor.may(db, "portal:users:read", user.organization_id).await?;
        let actor = match user.status {
            users::Status::Active => Some(Actor::user(db, id, self.now).await?),
            _ => None,
        };
        Ok(Some(Known { name: is_seen.then(|| user.name().to_owned()), actor }))
    }

    async fn api_token(
        &self,
        db: &mut Db<'_>,
        organization: OrganizationId,
        id: ApiTokenId,
    ) -> Result<Option<Known>, Refusal> {
        let Some(token) = api_tokens::find_in(db, organization, id).await? else { return Ok(None) };
        let is_seen = self.over.actor.may(db, "portal:tokens:manage", organization).await?;
        let actor = if token.is_live(self.now) {
            let (permissions, given_by) = (token.permissions.clone(), token.created_by);
            let program = Program { id, organization, permissions, given_by };
            Some(Actor::program(db, program, self.now).await?)
        } else {
            None
        };
        Ok(Some(Known { name: is_seen.then_some(token.name), actor }))
    }
}
