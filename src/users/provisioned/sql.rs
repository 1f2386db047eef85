use serde_json::Value;

use crate::{
    clock::Timestamp,
    id::{ConnectionId, UserId},
    store::{Db, Json, Result, Tx},
    users::{User, sql::Row},
};

/// Where a document says from which connection its user was taken. No attribute has such a name.
const DETACHED: &str = "$detached";

statements! {
    FIND = "SELECT * FROM users WHERE id = $1 AND connection_id = $2 AND status <> 'removed'";
    FIND_BY_EXTERNAL_ID = "
        SELECT * FROM users WHERE connection_id = $1 AND external_id = $2 AND status <> 'removed' ORDER BY id";
    PAGE = "
        SELECT * FROM users
         WHERE id IN (SELECT id FROM users WHERE connection_id = $1 ORDER BY id LIMIT $3 OFFSET $2)
         ORDER BY id";
    DETACH = "
        UPDATE users SET connection_id = NULL, document = $3, version = version + 1, updated_at = $4
         WHERE id = $1 AND version = $2 AND status = 'deactivated'";
    ATTACH = "
        UPDATE users SET connection_id = $3
         WHERE id = $1 AND version = $2 AND connection_id IS NULL AND status = 'deactivated'";
    COUNT = "SELECT COUNT(*) FROM users WHERE connection_id = $1";
}

/// A user that the connection owns.
///
/// # Errors
/// The database's, here and below.
pub async fn find(db: &mut Db<'_>, connection: ConnectionId, id: UserId) -> Result<Option<User>> {
    Ok(fetch_optional!(db, Row, FIND, id, connection)?.map(User::from))
}

/// The connection's users with that external id, exactly. It never is one of our ids (security.md row 91).
pub async fn find_by_external_id(db: &mut Db<'_>, connection: ConnectionId, external_id: &str) -> Result<Vec<User>> {
    Ok(fetch_all!(db, Row, FIND_BY_EXTERNAL_ID, connection, external_id)?.into_iter().map(User::from).collect())
}

/// The connection's users in the order they were made; the offset walks an index, not the rows.
pub async fn page(db: &mut Db<'_>, connection: ConnectionId, offset: i64, limit: i64) -> Result<Vec<User>> {
    Ok(fetch_all!(db, Row, PAGE, connection, offset, limit)?.into_iter().map(User::from).collect())
}

/// Takes a deactivated user from its connection, whose name stays in the document: an account that the
/// administrators keep. `false` if it has changed since it was read.
pub async fn detach(tx: &mut Tx<'_>, user: &User, connection: ConnectionId, now: Timestamp) -> Result<bool> {
    let mut document = user.document.clone();
    if let Some(members) = document.as_object_mut() {
        members.insert(DETACHED.to_owned(), connection.to_string().into());
    }
    Ok(execute!(tx, DETACH, user.id, user.version, Json(document), now)? == 1)
}

/// Gives a user back to the connection that it was taken from; `false` if it was not, or has changed.
pub async fn attach(tx: &mut Tx<'_>, user: &User, connection: ConnectionId) -> Result<bool> {
    let from = user.document.get(DETACHED).and_then(Value::as_str);
    if from != Some(connection.to_string().as_str()) {
        return Ok(false);
    }
    Ok(execute!(tx, ATTACH, user.id, user.version, connection)? == 1)
}

/// How many users the connection owns.
pub async fn count(db: &mut Db<'_>, connection: ConnectionId) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), COUNT, connection)?.0)
}
