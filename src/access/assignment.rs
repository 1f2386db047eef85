use super::{Subject, sql};
use crate::{
    clock::Timestamp,
    id::{AssignmentId, ConnectionId, GroupId, OrganizationId, ProductId, RoleId, UserId},
    products::portal,
    store::{Db, Result, Tx},
};

text_enum! {
    /// Where an assignment comes from, for the claims preview (C7).
    pub enum Source {
        /// An administrator gave it.
        Direct = "direct",
        /// A connection's default, or a group it maps.
        Connection = "connection",
        /// The organization's default for new users.
        Default = "default",
        /// An invitation's promise.
        Invitation = "invitation",
    }
}

/// What gives a subject roles of a product over an organization.
#[derive(Debug, Clone)]
pub struct NewAssignment {
    pub subject: Subject,
    pub product: ProductId,
    /// At least one, all of that product.
    pub roles: Vec<RoleId>,
    pub organization: OrganizationId,
    /// Covers the organizations below it too.
    pub subtree: bool,
    pub source: Source,
    pub connection: Option<ConnectionId>,
    pub created_by: Option<UserId>,
}

/// An assignment of a user or of a group the user is in.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Assignment {
    pub id: AssignmentId,
    /// Set where it comes by a group.
    pub group_id: Option<GroupId>,
    pub product_id: ProductId,
    pub organization_id: OrganizationId,
    pub subtree: bool,
    #[sqlx(try_from = "String")]
    pub source: Source,
    pub connection_id: Option<ConnectionId>,
    pub created_at: Timestamp,
}

impl Assignment {
    /// The connection that gave it, and whose it is to change.
    pub fn owner(&self) -> Option<ConnectionId> {
        self.connection_id.filter(|_| self.source == Source::Connection)
    }
}

/// A role that a user holds, where, and whence.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct RoleOfUser {
    pub assignment_id: AssignmentId,
    pub product_id: ProductId,
    pub product_slug: String,
    pub product_name: String,
    pub role_id: RoleId,
    pub role_slug: String,
    pub role_name: String,
    pub organization_id: OrganizationId,
    pub organization_name: String,
    pub subtree: bool,
    /// The group it comes by, if it does.
    pub group_name: Option<String>,
    #[sqlx(try_from = "String")]
    pub source: Source,
    /// The connection that gave it, to the user or to the group.
    pub connection_id: Option<ConnectionId>,
    pub connection_name: Option<String>,
}

impl RoleOfUser {
    /// The connection that gave it, and whose it is to change.
    pub fn owner(&self) -> Option<ConnectionId> {
        self.connection_id.filter(|_| self.source == Source::Connection)
    }
}

/// A role that a connection has given a user, and where.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Given {
    pub assignment_id: AssignmentId,
    pub user_id: UserId,
    pub product_id: ProductId,
    /// The product's slug.
    pub product: String,
    pub role_id: RoleId,
    /// The role's slug.
    pub role: String,
    pub organization_id: OrganizationId,
    pub subtree: bool,
}

/// What the connection has given these users themselves, one row a role, in the products' order.
///
/// # Errors
/// The database's.
pub async fn given_by_connection(db: &mut Db<'_>, connection: ConnectionId, users: &[UserId]) -> Result<Vec<Given>> {
    let mut given = Vec::new();
    for chunk in users.chunks(sql::CHUNK) {
        given.extend(sql::given(db, connection, chunk).await?);
    }
    Ok(given)
}

/// What a connection gives by a group.
#[derive(Debug, Clone)]
pub struct GivenToGroup {
    pub id: AssignmentId,
    pub product_id: ProductId,
    pub subtree: bool,
    pub roles: Vec<RoleId>,
}

/// Gives access. Whether the actor may is asked before ([`super::Actor::may_grant`]).
///
/// # Errors
/// The database's.
pub async fn assign(tx: &mut Tx<'_>, new: &NewAssignment, now: Timestamp) -> Result<AssignmentId> {
    let id = AssignmentId::new(now);
    sql::insert(tx, id, new, now).await?;
    for role in &new.roles {
        sql::insert_role(tx, id, *role).await?;
    }
    Ok(id)
}

/// Takes one assignment away.
///
/// # Errors
/// The database's.
pub async fn unassign(tx: &mut Tx<'_>, id: AssignmentId) -> Result<()> {
    sql::delete_roles(tx, id).await?;
    sql::delete(tx, id).await
}

/// Takes away the user's direct assignments to one product, or to all.
///
/// # Errors
/// The database's.
pub async fn end_of_user(tx: &mut Tx<'_>, user: UserId, product: Option<ProductId>) -> Result<()> {
    for assignment in sql::list_of_user(tx, user).await? {
        if assignment.group_id.is_none() && product.is_none_or(|product| product == assignment.product_id) {
            unassign(tx, assignment.id).await?;
        }
    }
    Ok(())
}

/// Takes away what a group gives.
///
/// # Errors
/// The database's.
pub async fn end_of_group(tx: &mut Tx<'_>, group: GroupId) -> Result<()> {
    for id in sql::list_of_group(tx, group).await? {
        unassign(tx, id).await?;
    }
    Ok(())
}

/// The user's assignments, direct and by group.
///
/// # Errors
/// The database's.
pub async fn list_of_user(db: &mut Db<'_>, user: UserId) -> Result<Vec<Assignment>> {
    sql::list_of_user(db, user).await
}

/// The roles a user holds now, one row for each role, place and way it comes: for pages that show why.
///
/// # Errors
/// The database's.
pub async fn roles_of_user(db: &mut Db<'_>, user: UserId, now: Timestamp) -> Result<Vec<RoleOfUser>> {
    sql::roles_of_user(db, user, now).await
}

/// Whether the organization's administration rests on this user alone (P13): active, administrator of
/// the portal at their home organization, and nobody else is. Bump the organization's revision first.
///
/// # Errors
/// The database's.
pub async fn is_last_administrator(
    db: &mut Db<'_>,
    organization: OrganizationId,
    user: UserId,
    now: Timestamp,
) -> Result<bool> {
    let administrators = sql::administrators(db, organization, portal::ADMINISTRATOR, now).await?;
    Ok(administrators.contains(&user) && administrators.iter().all(|id| *id == user))
}

/// The active administrators of the portal whose home the organization is.
///
/// # Errors
/// The database's.
pub async fn administrators(db: &mut Db<'_>, organization: OrganizationId, now: Timestamp) -> Result<Vec<UserId>> {
    sql::administrators(db, organization, portal::ADMINISTRATOR, now).await
}

/// The groups by which a connection gives anything.
///
/// # Errors
/// The database's.
pub async fn groups_given_by_connection(db: &mut Db<'_>, connection: ConnectionId) -> Result<Vec<GroupId>> {
    sql::groups_given(db, connection).await
}

/// What the connection gives to the members of a group.
///
/// # Errors
/// The database's.
pub async fn given_to_group(db: &mut Db<'_>, group: GroupId, connection: ConnectionId) -> Result<Vec<GivenToGroup>> {
    let mut given: Vec<GivenToGroup> = Vec::new();
    for (id, product_id, subtree, role) in sql::given_to_group(db, group, connection).await? {
        match given.last_mut().filter(|last| last.id == id) {
            Some(last) => last.roles.push(role),
            None => given.push(GivenToGroup { id, product_id, subtree, roles: vec![role] }),
        }
    }
    Ok(given)
}
