use super::{Permission, Policy, Product, Role, RoleDeclaration};
use crate::{
    clock::Timestamp,
    id::{ModuleId, OrganizationId, PermissionId, ProductId, RoleId},
    organizations::Branding,
    store::{Db, Json, Result, Tx},
};

statements! {
    INSERT = "
        INSERT INTO products (id, slug, name, description, audience, launch_url, support, branding, policy, hidden,
                              created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)";
    INSERT_MODULE = "INSERT INTO modules (id, product_id, slug, name, position) VALUES ($1, $2, $3, $4, $5)";
    INSERT_PERMISSION = "
        INSERT INTO permissions (id, product_id, module_id, name, title, position) VALUES ($1, $2, $3, $4, $5, $6)";
    INSERT_ROLE = "
        INSERT INTO roles (id, product_id, slug, name, description, level, built_in, position)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    INSERT_ROLE_PERMISSION = "INSERT INTO role_permissions (role_id, permission_id) VALUES ($1, $2)";
    FIND = "
        SELECT id, slug, name, description, audience, launch_url, support, branding, policy, hidden
          FROM products WHERE id = $1";
    FIND_BY_SLUG = "
        SELECT id, slug, name, description, audience, launch_url, support, branding, policy, hidden
          FROM products WHERE slug = $1";
    LIST = "
        SELECT id, slug, name, description, audience, launch_url, support, branding, policy, hidden
          FROM products ORDER BY name, id";
    LIST_OF_ORGANIZATION = "
        SELECT p.id, p.slug, p.name, p.description, p.audience, p.launch_url, p.support, p.branding, p.policy, p.hidden
          FROM organization_products o JOIN products p ON p.id = o.product_id
         WHERE o.organization_id = $1 ORDER BY p.name, p.id";
    LIST_ROLES = "
        SELECT id, product_id, slug, name, description, level, built_in
          FROM roles WHERE product_id = $1 ORDER BY position, slug";
    FIND_ROLE = "
        SELECT id, product_id, slug, name, description, level, built_in
          FROM roles WHERE product_id = $1 AND slug = $2";
    LIST_PERMISSIONS = "
        SELECT p.id, p.module_id, m.name AS module, p.name, p.title
          FROM permissions p JOIN modules m ON m.id = p.module_id
         WHERE p.product_id = $1 ORDER BY p.position";
    PERMISSIONS_OF_ROLE = "
        SELECT p.name FROM role_permissions r JOIN permissions p ON p.id = r.permission_id
         WHERE r.role_id = $1 ORDER BY p.position";
    SWITCH_ON = "
        INSERT INTO organization_products (organization_id, product_id, default_roles, created_at)
        VALUES ($1, $2, '[]', $3) ON CONFLICT DO NOTHING";
    SET_LAUNCH_URL = "UPDATE products SET launch_url = $2, updated_at = $3 WHERE id = $1";
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ProductId,
    slug: String,
    name: String,
    description: String,
    audience: String,
    launch_url: Option<String>,
    support: Option<String>,
    branding: Json<Branding>,
    policy: Json<Policy>,
    hidden: bool,
}

impl From<Row> for Product {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            description: row.description,
            audience: row.audience,
            launch_url: row.launch_url,
            support: row.support,
            branding: row.branding.0,
            policy: row.policy.0,
            hidden: row.hidden,
        }
    }
}

/// Positions are small; beyond the type's end the order no longer matters.
fn position(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

pub(super) async fn insert(tx: &mut Tx<'_>, product: &Product, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        INSERT,
        product.id,
        &product.slug,
        &product.name,
        &product.description,
        &product.audience,
        &product.launch_url,
        &product.support,
        Json(&product.branding),
        Json(&product.policy),
        product.hidden,
        now,
    )
    .map(|_| ())
}

pub(super) async fn insert_module(
    tx: &mut Tx<'_>,
    id: ModuleId,
    product: ProductId,
    (slug, name): (&str, &str),
    index: usize,
) -> Result<()> {
    execute!(tx, INSERT_MODULE, id, product, slug, name, position(index)).map(|_| ())
}

pub(super) async fn insert_permission(
    tx: &mut Tx<'_>,
    id: PermissionId,
    (product, module): (ProductId, ModuleId),
    (name, title): (&str, &str),
    index: usize,
) -> Result<()> {
    execute!(tx, INSERT_PERMISSION, id, product, module, name, title, position(index)).map(|_| ())
}

pub(super) async fn insert_role(
    tx: &mut Tx<'_>,
    id: RoleId,
    product: ProductId,
    role: &RoleDeclaration,
    index: usize,
) -> Result<()> {
    execute!(
        tx,
        INSERT_ROLE,
        id,
        product,
        &role.slug,
        &role.name,
        &role.description,
        role.level.as_str(),
        role.built_in,
        position(index),
    )
    .map(|_| ())
}

pub(super) async fn insert_role_permission(tx: &mut Tx<'_>, role: RoleId, permission: PermissionId) -> Result<()> {
    execute!(tx, INSERT_ROLE_PERMISSION, role, permission).map(|_| ())
}

/// The product of that id.
///
/// # Errors
/// The database's, here and below.
pub async fn find(db: &mut Db<'_>, id: ProductId) -> Result<Option<Product>> {
    Ok(fetch_optional!(db, Row, FIND, id)?.map(Product::from))
}

/// The product of that slug.
pub async fn find_by_slug(db: &mut Db<'_>, slug: &str) -> Result<Option<Product>> {
    Ok(fetch_optional!(db, Row, FIND_BY_SLUG, slug)?.map(Product::from))
}

/// All products, the portal among them, by name.
pub async fn list(db: &mut Db<'_>) -> Result<Vec<Product>> {
    Ok(fetch_all!(db, Row, LIST)?.into_iter().map(Product::from).collect())
}

/// The products that are switched on for an organization, by name.
pub async fn list_of_organization(db: &mut Db<'_>, organization: OrganizationId) -> Result<Vec<Product>> {
    Ok(fetch_all!(db, Row, LIST_OF_ORGANIZATION, organization)?.into_iter().map(Product::from).collect())
}

/// A product's roles, as the matrix orders them.
pub async fn list_roles(db: &mut Db<'_>, product: ProductId) -> Result<Vec<Role>> {
    fetch_all!(db, Role, LIST_ROLES, product)
}

/// The role of that slug in the product.
pub async fn find_role(db: &mut Db<'_>, product: ProductId, slug: &str) -> Result<Option<Role>> {
    fetch_optional!(db, Role, FIND_ROLE, product, slug)
}

/// A product's permissions, as the matrix orders them.
pub async fn list_permissions(db: &mut Db<'_>, product: ProductId) -> Result<Vec<Permission>> {
    fetch_all!(db, Permission, LIST_PERMISSIONS, product)
}

/// The names of the permissions that a role holds.
pub async fn permissions_of_role(db: &mut Db<'_>, role: RoleId) -> Result<Vec<String>> {
    Ok(fetch_all!(db, (String,), PERMISSIONS_OF_ROLE, role)?.into_iter().map(|(name,)| name).collect())
}

/// Gives an organization the product; nothing if it has it.
pub async fn switch_on(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    product: ProductId,
    now: Timestamp,
) -> Result<()> {
    execute!(tx, SWITCH_ON, organization, product, now).map(|_| ())
}

/// Moves the product's tile to another address.
pub async fn set_launch_url(tx: &mut Tx<'_>, id: ProductId, url: &str, now: Timestamp) -> Result<()> {
    execute!(tx, SET_LAUNCH_URL, id, url, now).map(|_| ())
}
