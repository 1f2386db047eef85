use super::{Connection, connection::Row, sql};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, ConnectionId},
    store::{Db, Result, Tx},
};

/// What an OAuth client of a connection asks for, and its tokens carry.
pub const SCOPE: &str = "scim";

/// Makes a client one of the connection's: its tokens open this connection and nothing else.
///
/// # Errors
/// The database's, here and below.
pub async fn bind_client(tx: &mut Tx<'_>, connection: ConnectionId, client: ClientRowId, now: Timestamp) -> Result<()> {
    later!(tx, sql::BIND_CLIENT, client, connection, now)
}

/// Ends it at once, whatever tokens are out; `false` if it is none of the connection's.
pub async fn unbind_client(tx: &mut Tx<'_>, connection: ConnectionId, client: ClientRowId) -> Result<bool> {
    Ok(execute!(tx, sql::UNBIND_CLIENT, client, connection)? == 1)
}

/// The clients of a connection, the oldest first.
pub async fn clients_of(db: &mut Db<'_>, connection: ConnectionId) -> Result<Vec<ClientRowId>> {
    Ok(fetch_all!(db, (ClientRowId,), sql::CLIENTS, connection)?.into_iter().map(|(id,)| id).collect())
}

/// The connection whose client this is.
pub async fn of_client(db: &mut Db<'_>, client: ClientRowId) -> Result<Option<Connection>> {
    Ok(fetch_optional!(db, Row, sql::FIND_OF_CLIENT, client)?.map(Connection::from))
}
