use serde_json::Value;

use super::Shown;
use crate::{
    clock::Timestamp,
    counters::{self, Counter},
    id::{ConnectionId, UserId},
    search::{Column, Relation, Search, Table},
    store::{Db, Json, Result, Store, Tx},
    users::{User, sql::Row},
};

/// Where a document says from which connection its user was taken. No attribute has such a name.
const DETACHED: &str = "$detached";

statements! {
    FIND = "SELECT * FROM users WHERE id = $1 AND connection_id = $2 AND status <> 'removed'";
    /// The list is padded by repeating an id.
    FIND_ALL = "
        SELECT * FROM users
         WHERE connection_id = $1
           AND id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)";
    EMAILS_OF = "SELECT value FROM user_emails WHERE user_id = $1";
    ADD_EMAIL = "INSERT INTO user_emails (user_id, connection_id, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    DELETE_EMAIL = "DELETE FROM user_emails WHERE user_id = $1 AND value = $2";
    NOT_INDEXED = "SELECT * FROM users WHERE connection_id IS NOT NULL AND NOT scim_indexed ORDER BY id LIMIT 500";
    /// Only what lists compare: no change of the account, and none of its version.
    INDEX = "
        UPDATE users SET scim_display_name = $3, scim_given_name = $4, scim_family_name = $5, scim_active = $6,
                         scim_indexed = TRUE
         WHERE id = $1 AND version = $2";
    DETACH = "
        UPDATE users SET connection_id = NULL, document = $3, version = version + 1, updated_at = $4
         WHERE id = $1 AND version = $2 AND status = 'deactivated'";
    ATTACH = "
        UPDATE users SET connection_id = $3
         WHERE id = $1 AND version = $2 AND connection_id IS NULL AND status = 'deactivated'";
}

/// How many ids [`FIND_ALL`] takes.
const CHUNK: usize = 50;

/// What lists of a connection's users read. A removed user belongs to no connection.
pub const TABLE: Table = Table { name: "users", scope: "connection_id", kind: None, index: "users_connection" };
/// Compared folded: what PRECIS allows in a name, it folds as `text::fold` does.
pub const USER_NAME: Column = Column::text("r.login_name_prepared").indexed("users_connection_name").never_null();
pub const EXTERNAL_ID: Column = Column::text("r.external_id").indexed("users_external");
pub const DISPLAY_NAME: Column = Column::text("r.scim_display_name").indexed("users_connection_display_name");
pub const GIVEN_NAME: Column = Column::text("r.scim_given_name");
pub const FAMILY_NAME: Column = Column::text("r.scim_family_name");
pub const ACTIVE: Column =
    Column::number("CASE WHEN r.scim_active THEN CASE WHEN r.status IN ('invited', 'active') THEN 1 ELSE 0 END END");
pub const CREATED: Column = Column::number("r.created_at").indexed("users_connection_created").never_null();
pub const UPDATED: Column = Column::number("r.updated_at").indexed("users_connection_updated").never_null();
/// Every address.
pub const EMAILS: Relation = Relation {
    table: "user_emails",
    owner: "user_id",
    value: "value",
    scope: Some("connection_id"),
    index: "user_emails_value",
};
/// Every group that the user belongs to directly; one that does not belongs to none.
pub const GROUPS: [Relation; 1] = [Relation {
    table: "group_members",
    owner: "user_id",
    value: "group_id",
    scope: None,
    index: "sqlite_autoindex_group_members_1",
}];

/// A user that the connection owns.
///
/// # Errors
/// The database's, here and below.
pub async fn find(db: &mut Db<'_>, connection: ConnectionId, id: UserId) -> Result<Option<User>> {
    Ok(fetch_optional!(db, Row, FIND, id, connection)?.map(User::from))
}

/// Those of the ids that the connection owns, in the order of the ids.
pub async fn find_all(db: &mut Db<'_>, connection: ConnectionId, ids: &[UserId]) -> Result<Vec<User>> {
    // What a lookup finds costs one lookup.
    if let [id] = ids {
        return Ok(Vec::from_iter(find(db, connection, *id).await?));
    }
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let padded = chunk.iter().chain(std::iter::repeat(&chunk[0])).take(CHUNK);
        let rows = on!(db, c => padded.clone()
            .fold(sqlx::query_as::<_, Row>(FIND_ALL).bind(connection), |query, id| query.bind(*id)).fetch_all(c))?;
        let mut users: Vec<Option<User>> = rows.into_iter().map(|row| Some(User::from(row))).collect();
        for id in chunk {
            let place = users.iter_mut().find(|user| user.as_ref().is_some_and(|user| user.id == *id));
            found.extend(place.and_then(Option::take));
        }
    }
    Ok(found)
}

/// Whom a lookup finds, where they are `most` at most.
pub async fn few(db: &mut Db<'_>, search: &Search, most: i64) -> Result<Option<Vec<User>>> {
    let rows: Option<Vec<Row>> = search.few(db, most).await?;
    Ok(rows.map(|rows| rows.into_iter().map(User::from).collect()))
}

/// Takes a deactivated user from its connection, whose name stays in the document: an account that the
/// administrators keep. `false` if it has changed since it was read.
pub async fn detach(tx: &mut Tx<'_>, user: &User, connection: ConnectionId, now: Timestamp) -> Result<bool> {
    let mut document = user.document.clone();
    if let Some(members) = document.as_object_mut() {
        members.insert(DETACHED.to_owned(), connection.to_string().into());
    }
    let detached = execute!(tx, DETACH, user.id, user.version, Json(document), now)? == 1;
    if detached {
        counters::add(tx, connection.0, Counter::Users, user.id.0, -1).await?;
        write_emails(tx, connection, user.id, &[]).await?;
    }
    Ok(detached)
}

/// Gives a user back to the connection that it was taken from; `false` if it was not, or has changed.
pub async fn attach(tx: &mut Tx<'_>, user: &User, connection: ConnectionId) -> Result<bool> {
    if detached_from(user) != Some(connection) {
        return Ok(false);
    }
    let attached = execute!(tx, ATTACH, user.id, user.version, connection)? == 1;
    if attached {
        counters::add(tx, connection.0, Counter::Users, user.id.0, 1).await?;
        write_emails(tx, connection, user.id, &Shown::of(user).emails).await?;
    }
    Ok(attached)
}

/// The connection that the account was taken from, if it belongs to the administrators since.
pub fn detached_from(user: &User) -> Option<ConnectionId> {
    let from = user.document.get(DETACHED).and_then(Value::as_str)?;
    from.parse().ok().filter(|_| user.connection_id.is_none())
}

/// How many users the connection owns.
pub async fn total(db: &mut Db<'_>, connection: ConnectionId) -> Result<i64> {
    counters::total(db, connection.0, Counter::Users).await
}

/// Notes the addresses of an account that is new.
pub(in crate::users) async fn add_emails(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    user: UserId,
    values: &[String],
) -> Result<()> {
    for value in values {
        later!(tx, ADD_EMAIL, user, connection, value)?;
    }
    Ok(())
}

/// Makes `values` the whole of what is found by address.
pub(in crate::users) async fn write_emails(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    user: UserId,
    values: &[String],
) -> Result<()> {
    let held: Vec<String> = fetch_all!(tx, (String,), EMAILS_OF, user)?.into_iter().map(|(value,)| value).collect();
    for gone in held.iter().filter(|value| !values.contains(value)) {
        later!(tx, DELETE_EMAIL, user, gone)?;
    }
    for new in values.iter().filter(|value| !held.contains(value)) {
        later!(tx, ADD_EMAIL, user, connection, new)?;
    }
    Ok(())
}

/// Fills what lists compare for accounts that are older than its columns: once, at the first start after
/// the upgrade, before anything is answered.
pub async fn catch_up(store: &Store) -> Result<()> {
    loop {
        let done = store
            .write(async |tx| {
                let users: Vec<User> = fetch_all!(tx, Row, NOT_INDEXED)?.into_iter().map(User::from).collect();
                for user in &users {
                    let shown = Shown::of(user);
                    let (id, version) = (user.id, user.version);
                    let names = [shown.display_name, shown.given_name, shown.family_name];
                    let [display_name, given_name, family_name] = names;
                    let active = shown.active;
                    later!(tx, INDEX, id, version, display_name, given_name, family_name, active)?;
                    if let Some(connection) = user.connection_id {
                        write_emails(tx, connection, user.id, &shown.emails).await?;
                    }
                }
                Ok::<_, crate::store::Error>(users.is_empty())
            })
            .await?;
        if done {
            return Ok(());
        }
    }
}
