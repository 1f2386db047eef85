use std::collections::BTreeSet;

use super::{Membership, group::Row};
use crate::{
    clock::Timestamp,
    id::{ConnectionId, GroupId, UserId},
    search::{Column, Relation, Table},
    store::{Connection, Db, Result, Tx},
};

/// What lists of a connection's groups read.
pub const TABLE: Table = Table { name: "groups", scope: "connection_id", kind: None, index: "groups_connection" };
pub const DISPLAY_NAME: Column = Column::text("r.display_name_prepared").indexed("groups_connection_name").never_null();
pub const EXTERNAL_ID: Column = Column::text("r.external_id").indexed("groups_external");
pub const CREATED: Column = Column::number("r.created_at").indexed("groups_connection_created").never_null();
pub const UPDATED: Column = Column::number("r.updated_at").indexed("groups_connection_updated").never_null();
/// Every member, people and groups.
pub const MEMBER_IDS: [Relation; 2] = [
    Relation { table: "group_members", owner: "group_id", value: "user_id", scope: None, index: "group_members_user" },
    Relation {
        table: "group_children",
        owner: "group_id",
        value: "child_id",
        scope: None,
        index: "group_children_child",
    },
];

/// How many ids the statements over several users take.
pub const CHUNK: usize = 50;

statements! {
    FIND = "SELECT * FROM groups WHERE id = $1 AND organization_id = $2";
    FIND_PROVISIONED = "SELECT * FROM groups WHERE id = $1 AND connection_id = $2";
    FIND_BY_NAME = "SELECT * FROM groups WHERE connection_id = $1 AND display_name_prepared = $2";
    /// The list is padded by repeating an id.
    FIND_ALL = "
        SELECT * FROM groups
         WHERE connection_id = $1
           AND id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)";
    HOLDER = "SELECT id FROM groups WHERE organization_id = $1 AND display_name_prepared = $2";
    /// Writes nothing where the name is taken.
    INSERT = "
        INSERT INTO groups (id, organization_id, connection_id, display_name, display_name_prepared, external_id,
                            document, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)
        ON CONFLICT (organization_id, display_name_prepared) DO NOTHING";
    UPDATE = "
        UPDATE groups SET display_name = $3, display_name_prepared = $4, external_id = $5, document = $6,
                          version = version + 1, updated_at = $7
         WHERE id = $1 AND version = $2";
    TOUCH = "UPDATE groups SET version = version + 1, updated_at = $2 WHERE id = $1 RETURNING version";
    DELETE = "DELETE FROM groups WHERE id = $1 RETURNING connection_id";

    CLEAR_MEMBERS = "DELETE FROM group_members WHERE group_id = $1";
    TOUCH_GROUPS_OF = "
        UPDATE groups SET version = version + 1, updated_at = $2
         WHERE id IN (SELECT group_id FROM group_members WHERE user_id = $1)";
    LEAVE_ALL = "DELETE FROM group_members WHERE user_id = $1";
    MEMBERS = "
        SELECT group_members.user_id, users.display_name FROM group_members
          JOIN users ON users.id = group_members.user_id
         WHERE group_members.group_id = $1 ORDER BY group_members.user_id";
    MEMBERS_ONLY = "SELECT user_id FROM group_members WHERE group_id = $1 ORDER BY user_id";
    COUNT_MEMBERS = "
        SELECT COUNT(*) FROM (SELECT user_id FROM group_members WHERE group_id = $1 LIMIT $2) AS counted";

    /// Which of these are users of the connection. The list is padded by repeating an id.
    KNOWN_USERS = "
        SELECT id FROM users WHERE connection_id = $1 AND status <> 'removed'
           AND id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)";
    INSERT_MEMBERS = "
        INSERT INTO group_members (group_id, user_id, created_at)
        SELECT $2, id, $3 FROM users WHERE connection_id = $1 AND status <> 'removed'
           AND id IN ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53)
        ON CONFLICT DO NOTHING";
    DELETE_MEMBERS = "
        DELETE FROM group_members WHERE group_id = $1
           AND user_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)";
    /// Up from the groups that a user is in to those that these are in; UNION ends at what was there already.
    MEMBERSHIPS = "
        WITH RECURSIVE held (user_id, group_id) AS (
            SELECT user_id, group_id FROM group_members
             WHERE user_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)
             UNION
            SELECT held.user_id, group_children.group_id FROM held
              JOIN group_children ON group_children.child_id = held.group_id)
        SELECT held.user_id, held.group_id, groups.display_name,
               EXISTS (SELECT 1 FROM group_members
                        WHERE group_members.user_id = held.user_id AND group_members.group_id = held.group_id) AS is_direct
          FROM held JOIN groups ON groups.id = held.group_id
         WHERE groups.connection_id = $1
         ORDER BY held.user_id, held.group_id";
    /// The same of one user.
    MEMBERSHIPS_OF_ONE = "
        WITH RECURSIVE held (group_id) AS (
            SELECT group_id FROM group_members WHERE user_id = $2
             UNION
            SELECT group_children.group_id FROM held JOIN group_children ON group_children.child_id = held.group_id)
        SELECT $2 AS user_id, held.group_id, groups.display_name,
               EXISTS (SELECT 1 FROM group_members
                        WHERE group_members.user_id = $2 AND group_members.group_id = held.group_id) AS is_direct
          FROM held JOIN groups ON groups.id = held.group_id
         WHERE groups.connection_id = $1
         ORDER BY held.group_id";

    /// Down from a group; UNION ends at what was there already.
    DESCENDANTS = "
        WITH RECURSIVE below (id) AS (
            SELECT child_id FROM group_children WHERE group_id = $1
             UNION
            SELECT group_children.child_id FROM below JOIN group_children ON group_children.group_id = below.id)
        SELECT id FROM below";
    /// Whoever is in a group, directly or by groups within it.
    PEOPLE = "
        WITH RECURSIVE below (id) AS (
            SELECT id FROM groups WHERE id = $1
             UNION
            SELECT group_children.child_id FROM below JOIN group_children ON group_children.group_id = below.id)
        SELECT DISTINCT group_members.user_id FROM below JOIN group_members ON group_members.group_id = below.id";
    CHILDREN = "
        SELECT group_children.child_id AS group_id, groups.display_name FROM group_children
          JOIN groups ON groups.id = group_children.child_id
         WHERE group_children.group_id = $1 ORDER BY group_children.child_id";
    TOUCH_PARENTS = "
        UPDATE groups SET version = version + 1, updated_at = $2
         WHERE id IN (SELECT group_id FROM group_children WHERE child_id = $1)";
    LEAVE_PARENTS = "DELETE FROM group_children WHERE child_id = $1";
    CLEAR_CHILDREN = "DELETE FROM group_children WHERE group_id = $1";
    KNOWN_GROUPS = "
        SELECT id FROM groups WHERE connection_id = $1
           AND id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)";
    /// No group is a member of itself.
    INSERT_CHILDREN = "
        INSERT INTO group_children (group_id, child_id, created_at)
        SELECT $2, id, $3 FROM groups WHERE connection_id = $1 AND id <> $2
           AND id IN ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53)
        ON CONFLICT DO NOTHING";
    DELETE_CHILDREN = "
        DELETE FROM group_children WHERE group_id = $1
           AND child_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)";
}

/// The ids, filled up to [`CHUNK`] with the first. Never called with none.
fn ids<Id: Copy>(ids: &[Id]) -> impl Iterator<Item = Id> + '_ {
    ids.iter().chain(std::iter::repeat(&ids[0])).take(CHUNK).copied()
}

/// Binds what stands before the ids, then the ids.
macro_rules! with_ids {
    ($sql:ident, $users:expr $(, $bind:expr)*) => {
        ids($users).fold(sqlx::query($sql)$(.bind($bind))*, |query, id| query.bind(id))
    };
    ($sql:ident as $row:ty, $users:expr $(, $bind:expr)*) => {
        ids($users).fold(sqlx::query_as::<_, $row>($sql)$(.bind($bind))*, |query, id| query.bind(id))
    };
}

pub(super) async fn known_users(
    db: &mut Db<'_>,
    connection: ConnectionId,
    users: &[UserId],
) -> Result<BTreeSet<UserId>> {
    let rows = on!(db, c => with_ids!(KNOWN_USERS as (UserId,), users, connection).fetch_all(c))?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn find_all(db: &mut Db<'_>, connection: ConnectionId, groups: &[GroupId]) -> Result<Vec<Row>> {
    on!(db, c => with_ids!(FIND_ALL as Row, groups, connection).fetch_all(c))
}

pub(super) async fn memberships(
    db: &mut Db<'_>,
    connection: ConnectionId,
    users: &[UserId],
) -> Result<Vec<Membership>> {
    if let [user] = users {
        return fetch_all!(db, Membership, MEMBERSHIPS_OF_ONE, connection, *user);
    }
    on!(db, c => with_ids!(MEMBERSHIPS as Membership, users, connection).fetch_all(c))
}

/// Writes with ids bound, and answers how many rows.
macro_rules! execute_with_ids {
    ($tx:expr, $sql:ident, $ids:expr $(, $bind:expr)*) => {{
        let done = match $tx.connection().await {
            Ok(Connection::Sqlite(c)) => with_ids!($sql, $ids $(, $bind)*).execute(c).await.map(|done| done.rows_affected()),
            Ok(Connection::Postgres(c)) => with_ids!($sql, $ids $(, $bind)*).execute(c).await.map(|done| done.rows_affected()),
            Err(error) => Err(error),
        };
        done.map_err(|error| $tx.note(error))
    }};
}

pub(super) async fn insert_members(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    group: GroupId,
    users: &[UserId],
    now: Timestamp,
) -> Result<u64> {
    execute_with_ids!(tx, INSERT_MEMBERS, users, connection, group, now)
}

pub(super) async fn delete_members(tx: &mut Tx<'_>, group: GroupId, users: &[UserId]) -> Result<u64> {
    execute_with_ids!(tx, DELETE_MEMBERS, users, group)
}

pub(super) async fn known_groups(
    db: &mut Db<'_>,
    connection: ConnectionId,
    groups: &[GroupId],
) -> Result<BTreeSet<GroupId>> {
    let rows = on!(db, c => with_ids!(KNOWN_GROUPS as (GroupId,), groups, connection).fetch_all(c))?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn insert_children(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    group: GroupId,
    children: &[GroupId],
    now: Timestamp,
) -> Result<u64> {
    execute_with_ids!(tx, INSERT_CHILDREN, children, connection, group, now)
}

pub(super) async fn delete_children(tx: &mut Tx<'_>, group: GroupId, children: &[GroupId]) -> Result<u64> {
    execute_with_ids!(tx, DELETE_CHILDREN, children, group)
}
