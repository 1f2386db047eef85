use super::{Assignment, Given, NewAssignment, RoleOfUser, Subject, Told};
use crate::{
    clock::Timestamp,
    id::{AssignmentId, ConnectionId, GroupId, OrganizationId, ProductId, RoleId, UserId},
    products::portal,
    store::{Db, Result, Tx},
};

/// Whether an assignment `a` holds: its organization and all above it are active, and it is its time (`$now`).
macro_rules! holds {
    ($now:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM organization_ancestors x JOIN organizations y ON y.id = x.ancestor_id
                              WHERE x.organization_id = a.organization_id AND y.status <> 'active')
               AND (a.starts_at IS NULL OR a.starts_at <= ",
            $now,
            ") AND (a.ends_at IS NULL OR a.ends_at > ",
            $now,
            ")"
        )
    };
}

/// The groups a user is in, directly or by groups within groups; UNION ends where a circle closes. `$joined`
/// begins with more groups.
macro_rules! groups_of_user {
    ($joined:literal) => {
        concat!(
            "WITH RECURSIVE within (group_id) AS (
             SELECT group_id FROM group_members WHERE user_id = $1",
            $joined,
            "
              UNION
             SELECT c.group_id FROM within w JOIN group_children c ON c.child_id = w.group_id)
         SELECT group_id FROM within"
        )
    };
}

/// Whether an assignment `a` is a user's: their own, that of a stand-in by which they have joined another
/// organization, or that of a group in which either is.
macro_rules! of_user {
    () => {
        concat!(
            "(a.user_id = $1
               OR a.user_id IN (SELECT s.id FROM users s WHERE s.stands_for = $1 AND s.status = 'active')
               OR a.group_id IN (",
            groups_of_user!(
                "
              UNION
             SELECT m.group_id FROM users s JOIN group_members m ON m.user_id = s.id
              WHERE s.stands_for = $1 AND s.status = 'active'"
            ),
            "))"
        )
    };
}

/// $3 to $52: as many ids as a statement over several users takes.
macro_rules! fifty {
    () => {
        "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52"
    };
}

/// What live assignments of one subject give in one product: first each role over each organization, in the
/// product's order, then each permission once. One statement, since every token asks for both.
macro_rules! held {
    ($($subject:tt)+) => {
        concat!(
            "
        WITH held AS (
            SELECT a.id, a.organization_id, o.kind, a.subtree
              FROM assignments a JOIN organizations o ON o.id = a.organization_id
             WHERE ",
            $($subject)+,
            " AND a.product_id = $2 AND ",
            holds!("$3"),
            ")
        SELECT 1 AS part, r.position, r.slug AS name, h.organization_id, h.kind, h.subtree
          FROM held h JOIN assignment_roles ar ON ar.assignment_id = h.id JOIN roles r ON r.id = ar.role_id
         UNION
        SELECT 2, p.position, p.name, NULL, NULL, NULL
          FROM held h JOIN assignment_roles ar ON ar.assignment_id = h.id
          JOIN role_permissions rp ON rp.role_id = ar.role_id JOIN permissions p ON p.id = rp.permission_id
         ORDER BY 1, 2, 3, 4, 6"
        )
    };
}

statements! {
    INSERT = "
        INSERT INTO assignments (id, user_id, group_id, client_id, product_id, organization_id, subtree, source,
                                 connection_id, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    INSERT_ROLE = "INSERT INTO assignment_roles (assignment_id, role_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    DELETE_ROLES = "DELETE FROM assignment_roles WHERE assignment_id = $1";
    DELETE = "DELETE FROM assignments WHERE id = $1";
    /// Those of the account itself: what its stand-ins hold is their connections'.
    LIST_OF_USER = concat!("
        SELECT id, group_id, product_id, organization_id, subtree, source, connection_id, created_at FROM assignments
         WHERE user_id = $1 OR group_id IN (", groups_of_user!(""), ")
         ORDER BY id");
    LIST_OF_GROUP = "SELECT id FROM assignments WHERE group_id = $1";
    /// What a connection gives by a group, one row a role.
    GIVEN_TO_GROUP = "
        SELECT a.id, a.product_id, a.subtree, ar.role_id FROM assignments a
          JOIN assignment_roles ar ON ar.assignment_id = a.id
         WHERE a.group_id = $1 AND a.connection_id = $2 AND a.source = 'connection' ORDER BY a.id, ar.role_id";
    GROUPS_GIVEN = "
        SELECT DISTINCT group_id FROM assignments
         WHERE connection_id = $1 AND source = 'connection' AND group_id IS NOT NULL";
    /// Who of these has a live assignment of a product, in any of the ways of `of_user!`. The list is padded by
    /// repeating an id.
    HOLDERS = concat!("
        WITH RECURSIVE who (user_id, id) AS (
            SELECT id, id FROM users WHERE id IN (", fifty!(), ")
             UNION
            SELECT stands_for, id FROM users WHERE status = 'active' AND stands_for IN (", fifty!(), ")),
        within (user_id, group_id) AS (
            SELECT w.user_id, m.group_id FROM who w JOIN group_members m ON m.user_id = w.id
             UNION
            SELECT w.user_id, c.group_id FROM within w JOIN group_children c ON c.child_id = w.group_id)
        SELECT w.user_id FROM who w JOIN assignments a ON a.user_id = w.id WHERE a.product_id = $1 AND ", holds!("$2"), "
         UNION
        SELECT w.user_id FROM within w JOIN assignments a ON a.group_id = w.group_id
         WHERE a.product_id = $1 AND ", holds!("$2"));
    /// Which of these, who leave a group, then lack a role over an organization that it gives, or a group that it is
    /// in. The list is padded by repeating an id.
    LOSING = concat!("
        WITH RECURSIVE above (id) AS (
            SELECT id FROM groups WHERE id = $1
             UNION
            SELECT c.group_id FROM above JOIN group_children c ON c.child_id = above.id),
        within (user_id, group_id) AS (
            SELECT user_id, group_id FROM group_members WHERE group_id <> $1 AND user_id IN (", fifty!(), ")
             UNION
            SELECT w.user_id, c.group_id FROM within w JOIN group_children c ON c.child_id = w.group_id
             WHERE c.group_id <> $1),
        given (role_id, organization_id, subtree) AS (
            SELECT ar.role_id, a.organization_id, a.subtree FROM above JOIN assignments a ON a.group_id = above.id
              JOIN assignment_roles ar ON ar.assignment_id = a.id
             WHERE ", holds!("$2"), "),
        kept (user_id, role_id, organization_id, subtree) AS (
            SELECT a.user_id, ar.role_id, a.organization_id, a.subtree FROM assignments a
              JOIN assignment_roles ar ON ar.assignment_id = a.id
             WHERE a.user_id IN (", fifty!(), ") AND ", holds!("$2"), "
             UNION
            SELECT w.user_id, ar.role_id, a.organization_id, a.subtree FROM within w
              JOIN assignments a ON a.group_id = w.group_id
              JOIN assignment_roles ar ON ar.assignment_id = a.id
             WHERE ", holds!("$2"), ")
        SELECT u.id FROM users u
         WHERE u.id IN (", fifty!(), ") AND u.status IN ('active', 'invited')
           AND EXISTS (SELECT 1 FROM given g
                        WHERE NOT EXISTS (SELECT 1 FROM kept k
                                           WHERE k.user_id = u.id AND k.role_id = g.role_id
                                             AND k.organization_id = g.organization_id
                                             AND (k.subtree OR NOT g.subtree)))");
    /// What these hold over an organization and those below it, themselves and by groups: first roles, then
    /// permissions. The list is padded by repeating an id.
    HELD_WITHIN = concat!("
        WITH RECURSIVE within (user_id, group_id) AS (
            SELECT user_id, group_id FROM group_members WHERE user_id IN (", fifty!(), ")
             UNION
            SELECT w.user_id, c.group_id FROM within w JOIN group_children c ON c.child_id = w.group_id),
        here (id) AS (SELECT organization_id FROM organization_ancestors WHERE ancestor_id = $1),
        held (user_id, id, product_id) AS (
            SELECT a.user_id, a.id, a.product_id FROM assignments a JOIN here ON here.id = a.organization_id
             WHERE a.user_id IN (", fifty!(), ") AND ", holds!("$2"), "
             UNION
            SELECT w.user_id, a.id, a.product_id FROM within w
              JOIN assignments a ON a.group_id = w.group_id JOIN here ON here.id = a.organization_id
             WHERE ", holds!("$2"), ")
        SELECT h.user_id, p.slug AS product, 1 AS part, r.position, r.slug AS name FROM held h
          JOIN products p ON p.id = h.product_id
          JOIN assignment_roles ar ON ar.assignment_id = h.id JOIN roles r ON r.id = ar.role_id
         UNION
        SELECT h.user_id, p.slug, 2, q.position, q.name FROM held h
          JOIN products p ON p.id = h.product_id
          JOIN assignment_roles ar ON ar.assignment_id = h.id
          JOIN role_permissions rp ON rp.role_id = ar.role_id JOIN permissions q ON q.id = rp.permission_id
         ORDER BY 1, 2, 3, 4, 5");
    /// What a user holds in a product.
    HELD_BY_USER = held!(of_user!());
    HELD_BY_CLIENT = held!("a.client_id = $1");
    /// Where a user holds which permission of any product: for the question whether one may grant it.
    PERMISSIONS_BY_ORGANIZATION = concat!("
        SELECT DISTINCT p.name, a.organization_id, a.subtree
          FROM assignments a
          JOIN organizations o ON o.id = a.organization_id
          JOIN assignment_roles ar ON ar.assignment_id = a.id
          JOIN role_permissions rp ON rp.role_id = ar.role_id
          JOIN permissions p ON p.id = rp.permission_id
         WHERE ", of_user!(), "
           AND ", holds!("$2"), "");
    ROLES_OF_USER = concat!("
        SELECT a.id AS assignment_id, p.id AS product_id, p.slug AS product_slug, p.name AS product_name,
               r.id AS role_id, r.slug AS role_slug, r.name AS role_name,
               o.id AS organization_id, o.name AS organization_name, a.subtree, g.display_name AS group_name, a.source,
               a.connection_id, c.name AS connection_name
          FROM assignments a
          JOIN organizations o ON o.id = a.organization_id
          JOIN assignment_roles ar ON ar.assignment_id = a.id
          JOIN roles r ON r.id = ar.role_id
          JOIN products p ON p.id = a.product_id
          LEFT JOIN groups g ON g.id = a.group_id
          LEFT JOIN connections c ON c.id = a.connection_id
         WHERE ", of_user!(), "
           AND ", holds!("$2"), "
         ORDER BY p.name, a.id, r.position, r.slug");
    /// The list of users is padded by repeating an id.
    GIVEN = "
        SELECT a.id AS assignment_id, a.user_id, a.product_id, p.slug AS product, r.id AS role_id, r.slug AS role,
               a.organization_id, a.subtree
          FROM assignments a
          JOIN assignment_roles ar ON ar.assignment_id = a.id
          JOIN roles r ON r.id = ar.role_id
          JOIN products p ON p.id = a.product_id
         WHERE a.connection_id = $1 AND a.user_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)
         ORDER BY p.slug, r.position, r.slug, a.id";
    ADMINISTRATORS = "
        SELECT DISTINCT u.id
          FROM users u
          JOIN assignments a ON a.user_id = u.id
          JOIN assignment_roles ar ON ar.assignment_id = a.id
          JOIN roles r ON r.id = ar.role_id
          JOIN products p ON p.id = r.product_id
         WHERE u.organization_id = $1 AND a.organization_id = $1 AND u.status = 'active' AND u.stands_for IS NULL
           AND p.slug = $2 AND r.slug = $3
           AND (a.starts_at IS NULL OR a.starts_at <= $4) AND (a.ends_at IS NULL OR a.ends_at > $4)";
}

/// A role over one organization, or a permission.
#[derive(sqlx::FromRow)]
pub(super) struct Held {
    pub name: String,
    /// Of a role; a permission is told once, wherever it holds.
    pub organization_id: Option<OrganizationId>,
    pub kind: Option<String>,
    pub subtree: Option<bool>,
}

/// One permission over one organization.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct HeldPermission {
    pub name: String,
    pub organization_id: OrganizationId,
    pub subtree: bool,
}

pub(super) async fn insert(tx: &mut Tx<'_>, id: AssignmentId, new: &NewAssignment, now: Timestamp) -> Result<()> {
    let (user, group, client) = match new.subject {
        Subject::User(id) => (Some(id), None, None),
        Subject::Group(id) => (None, Some(id), None),
        Subject::Client(id) => (None, None, Some(id)),
    };
    later!(
        tx,
        INSERT,
        id,
        user,
        group,
        client,
        new.product,
        new.organization,
        new.subtree,
        new.source.as_str(),
        new.connection,
        new.created_by,
        now,
    )
}

pub(super) async fn insert_role(tx: &mut Tx<'_>, assignment: AssignmentId, role: RoleId) -> Result<()> {
    later!(tx, INSERT_ROLE, assignment, role)
}

pub(super) async fn delete_roles(tx: &mut Tx<'_>, assignment: AssignmentId) -> Result<()> {
    later!(tx, DELETE_ROLES, assignment)
}

pub(super) async fn delete(tx: &mut Tx<'_>, assignment: AssignmentId) -> Result<()> {
    later!(tx, DELETE, assignment)
}

pub(super) async fn list_of_user(db: &mut Db<'_>, user: UserId) -> Result<Vec<Assignment>> {
    fetch_all!(db, Assignment, LIST_OF_USER, user)
}

/// How many users [`given`] takes.
pub(super) const CHUNK: usize = 50;

pub(super) async fn given(db: &mut Db<'_>, connection: ConnectionId, users: &[UserId]) -> Result<Vec<Given>> {
    let ids = || users.iter().chain(std::iter::repeat(&users[0])).take(CHUNK).copied();
    on!(db, c => ids().fold(sqlx::query_as::<_, Given>(GIVEN).bind(connection), |query, id| query.bind(id)).fetch_all(c))
}

pub(super) async fn holders(
    db: &mut Db<'_>,
    product: ProductId,
    users: &[UserId],
    now: Timestamp,
) -> Result<Vec<(UserId,)>> {
    let ids = || users.iter().chain(std::iter::repeat(&users[0])).take(CHUNK).copied();
    on!(db, c => {
        let query = sqlx::query_as::<_, (UserId,)>(HOLDERS).bind(product).bind(now);
        ids().fold(query, |query, id| query.bind(id)).fetch_all(c)
    })
}

pub(super) async fn losing(
    db: &mut Db<'_>,
    group: GroupId,
    users: &[UserId],
    now: Timestamp,
) -> Result<Vec<(UserId,)>> {
    let ids = || users.iter().chain(std::iter::repeat(&users[0])).take(CHUNK).copied();
    on!(db, c => {
        let query = sqlx::query_as::<_, (UserId,)>(LOSING).bind(group).bind(now);
        ids().fold(query, |query, id| query.bind(id)).fetch_all(c)
    })
}

pub(super) async fn held_within(
    db: &mut Db<'_>,
    organization: OrganizationId,
    users: &[UserId],
    now: Timestamp,
) -> Result<Vec<Told>> {
    let ids = || users.iter().chain(std::iter::repeat(&users[0])).take(CHUNK).copied();
    on!(db, c => {
        let query = sqlx::query_as::<_, Told>(HELD_WITHIN).bind(organization).bind(now);
        ids().fold(query, |query, id| query.bind(id)).fetch_all(c)
    })
}

pub(super) async fn list_of_group(db: &mut Db<'_>, group: GroupId) -> Result<Vec<AssignmentId>> {
    Ok(fetch_all!(db, (AssignmentId,), LIST_OF_GROUP, group)?.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn held(db: &mut Db<'_>, subject: Subject, product: ProductId, now: Timestamp) -> Result<Vec<Held>> {
    match subject {
        Subject::User(user) => fetch_all!(db, Held, HELD_BY_USER, user, product, now),
        Subject::Client(client) => fetch_all!(db, Held, HELD_BY_CLIENT, client, product, now),
        // A group holds nothing itself: its members do.
        Subject::Group(_) => Ok(Vec::new()),
    }
}

pub(super) async fn permissions_by_organization(
    db: &mut Db<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<HeldPermission>> {
    fetch_all!(db, HeldPermission, PERMISSIONS_BY_ORGANIZATION, user, now)
}

pub(super) async fn roles_of_user(db: &mut Db<'_>, user: UserId, now: Timestamp) -> Result<Vec<RoleOfUser>> {
    fetch_all!(db, RoleOfUser, ROLES_OF_USER, user, now)
}

pub(super) async fn administrators(
    db: &mut Db<'_>,
    organization: OrganizationId,
    role: &str,
    now: Timestamp,
) -> Result<Vec<UserId>> {
    let rows = fetch_all!(db, (UserId,), ADMINISTRATORS, organization, portal::SLUG, role, now)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn groups_given(db: &mut Db<'_>, connection: ConnectionId) -> Result<Vec<GroupId>> {
    Ok(fetch_all!(db, (GroupId,), GROUPS_GIVEN, connection)?.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn given_to_group(
    db: &mut Db<'_>,
    group: GroupId,
    connection: ConnectionId,
) -> Result<Vec<(AssignmentId, ProductId, bool, RoleId)>> {
    fetch_all!(db, (AssignmentId, ProductId, bool, RoleId), GIVEN_TO_GROUP, group, connection)
}
