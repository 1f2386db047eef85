use crate::{
    id::{ConnectionId, UserId},
    store::{Db, Result},
    users::{User, sql::Row},
};

statements! {
    FIND = "SELECT * FROM users WHERE id = $1 AND connection_id = $2 AND status <> 'removed'";
    FIND_BY_EXTERNAL_ID = "
        SELECT * FROM users WHERE connection_id = $1 AND external_id = $2 AND status <> 'removed' ORDER BY id";
    PAGE = "
        SELECT * FROM users
         WHERE id IN (SELECT id FROM users WHERE connection_id = $1 ORDER BY id LIMIT $3 OFFSET $2)
         ORDER BY id";
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

/// How many users the connection owns.
pub async fn count(db: &mut Db<'_>, connection: ConnectionId) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), COUNT, connection)?.0)
}
