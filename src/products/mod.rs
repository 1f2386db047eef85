//! Products: what the vendor sells, with modules, permissions and roles. The portal is one too.
//!
//! All of it is data (C1). Who holds which role is [`crate::access`]'s; who may sign in to a product's
//! clients follows from there.
//!
//! Invariants: a permission's name is `product:module:action` and belongs to that product alone; a role
//! holds permissions of its own product only.

mod cache;
pub mod portal;
mod sql;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{ModuleId, PermissionId, ProductId, RoleId},
    organizations::{Branding, Kind, MfaRule},
    store::{self, Tx},
};

pub use cache::Cache;
pub use sql::{
    STATEMENTS, find, find_by_slug, find_role, list, list_of_organization, list_permissions, list_roles,
    permissions_of_role, set_launch_url, switch_on,
};

/// The assurance a product demands of whoever signs in to it (C9).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// `Required`: a second factor, whatever the organization says.
    pub mfa: Option<MfaRule>,
    /// Only a passkey or security key will do.
    pub phishing_resistant: bool,
}

/// Something the vendor sells.
#[derive(Debug, Clone)]
pub struct Product {
    pub id: ProductId,
    /// Names it in tokens (`product`), permissions and addresses.
    pub slug: String,
    pub name: String,
    pub description: String,
    /// The `aud` of its access tokens, and of no other product's.
    pub audience: String,
    /// Where its tile leads.
    pub launch_url: Option<String>,
    /// Whom to ask for access, where the organization names nobody.
    pub support: Option<String>,
    pub branding: Branding,
    pub policy: Policy,
    /// Has no tile.
    pub hidden: bool,
}

text_enum! {
    /// Where in the tree a role is given.
    pub enum Level {
        /// To people of partners and of the provider.
        Partner = "partner",
        /// To people of client organizations.
        Client = "client",
    }
}

impl Level {
    /// The level of roles that people of such an organization get.
    pub fn of(kind: Kind) -> Self {
        if kind == Kind::Client { Self::Client } else { Self::Partner }
    }
}

/// A named set of permissions of one product.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Role {
    pub id: RoleId,
    pub product_id: ProductId,
    pub slug: String,
    pub name: String,
    pub description: String,
    #[sqlx(try_from = "String")]
    pub level: Level,
    /// Cannot be edited or deleted.
    pub built_in: bool,
}

/// What a role can allow: `product:module:action`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Permission {
    pub id: PermissionId,
    pub module_id: ModuleId,
    /// The module's name, for the matrix.
    pub module: String,
    pub name: String,
    pub title: String,
}

/// A product as a declaration has it: in code (the portal), in the demo, later in a file.
#[derive(Debug, Clone)]
pub struct Declaration {
    pub product: Product,
    pub modules: Vec<ModuleDeclaration>,
    pub roles: Vec<RoleDeclaration>,
}

/// A module of a [`Declaration`].
#[derive(Debug, Clone)]
pub struct ModuleDeclaration {
    pub slug: String,
    pub name: String,
    /// (action, title)
    pub actions: Vec<(String, String)>,
}

impl ModuleDeclaration {
    /// From constants.
    pub fn of(slug: &str, name: &str, actions: &[(&str, &str)]) -> Self {
        let actions = actions.iter().map(|(action, title)| ((*action).to_owned(), (*title).to_owned())).collect();
        Self { slug: slug.to_owned(), name: name.to_owned(), actions }
    }
}

/// A role of a [`Declaration`].
#[derive(Debug, Clone)]
pub struct RoleDeclaration {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub level: Level,
    pub built_in: bool,
    /// Names without the product: `restores:run`.
    pub permissions: Vec<String>,
}

/// Makes a product with all that it declares.
///
/// # Errors
/// The database's; a taken slug or audience is [`store::Error::Conflict`].
pub async fn declare(tx: &mut Tx<'_>, declaration: &Declaration, now: Timestamp) -> store::Result<()> {
    let product = &declaration.product;
    sql::insert(tx, product, now).await?;
    let mut permissions = Vec::new();
    for (module_position, declared) in declaration.modules.iter().enumerate() {
        let ModuleDeclaration { slug, name, actions } = declared;
        let module = ModuleId::new(now);
        sql::insert_module(tx, module, product.id, (slug, name), module_position).await?;
        for (action, title) in actions {
            let permission = PermissionId::new(now);
            let short = format!("{slug}:{action}");
            let name = format!("{}:{short}", product.slug);
            sql::insert_permission(tx, permission, (product.id, module), (&name, title), permissions.len()).await?;
            permissions.push((short, permission));
        }
    }
    for (position, role) in declaration.roles.iter().enumerate() {
        let id = RoleId::new(now);
        sql::insert_role(tx, id, product.id, role, position).await?;
        for (_, permission) in permissions.iter().filter(|(name, _)| role.permissions.contains(name)) {
            sql::insert_role_permission(tx, id, *permission).await?;
        }
    }
    Ok(())
}
