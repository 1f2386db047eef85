use super::{AuthMethod, Client, GrantType, Settings, Status};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, ProductId},
    secret::SecretHash,
    store::{Db, Json, Result, Tx},
};

statements! {
    INSERT = "
        INSERT INTO clients (id, client_id, product_id, name, auth_method, secret_hash, redirect_uris,
                             post_logout_redirect_uris, grant_types, scopes, settings, status, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)";
    FIND = "SELECT * FROM clients WHERE id = $1";
    FIND_BY_CLIENT_ID = "SELECT * FROM clients WHERE client_id = $1";
    LIST = "SELECT * FROM clients ORDER BY name, id";
    SET_STATUS = "UPDATE clients SET status = $2, updated_at = $3 WHERE id = $1";
    SET_REGISTRATION = "
        UPDATE clients SET secret_hash = $2, previous_secret_hash = $3, previous_secret_ends_at = $4,
                           redirect_uris = $5, post_logout_redirect_uris = $6, scopes = $7, settings = $8,
                           updated_at = $9
         WHERE id = $1";
    SET_SETTINGS = "UPDATE clients SET settings = $2, updated_at = $3 WHERE id = $1";
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ClientRowId,
    client_id: String,
    product_id: ProductId,
    name: String,
    #[sqlx(try_from = "String")]
    auth_method: AuthMethod,
    secret_hash: Option<SecretHash>,
    previous_secret_hash: Option<SecretHash>,
    previous_secret_ends_at: Option<Timestamp>,
    redirect_uris: Json<Vec<String>>,
    post_logout_redirect_uris: Json<Vec<String>>,
    grant_types: Json<Vec<GrantType>>,
    scopes: Json<Vec<String>>,
    settings: Json<Settings>,
    #[sqlx(try_from = "String")]
    status: Status,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for Client {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            client_id: row.client_id,
            product_id: row.product_id,
            name: row.name,
            auth_method: row.auth_method,
            secret_hash: row.secret_hash,
            previous_secret: row.previous_secret_hash.zip(row.previous_secret_ends_at),
            redirect_uris: row.redirect_uris.0,
            post_logout_redirect_uris: row.post_logout_redirect_uris.0,
            grant_types: row.grant_types.0,
            scopes: row.scopes.0,
            settings: row.settings.0,
            status: row.status,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn insert(tx: &mut Tx<'_>, client: &Client) -> Result<()> {
    execute!(
        tx,
        INSERT,
        client.id,
        &client.client_id,
        client.product_id,
        &client.name,
        client.auth_method.as_str(),
        &client.secret_hash,
        Json(&client.redirect_uris),
        Json(&client.post_logout_redirect_uris),
        Json(&client.grant_types),
        Json(&client.scopes),
        Json(&client.settings),
        client.status.as_str(),
        client.created_at,
    )
    .map(|_| ())
}

/// Writes secret, addresses and settings back.
pub(super) async fn set_registration(tx: &mut Tx<'_>, client: &Client, now: Timestamp) -> Result<()> {
    let (previous, ends_at) = client.previous_secret.clone().unzip();
    execute!(
        tx,
        SET_REGISTRATION,
        client.id,
        &client.secret_hash,
        previous,
        ends_at,
        Json(&client.redirect_uris),
        Json(&client.post_logout_redirect_uris),
        Json(&client.scopes),
        Json(&client.settings),
        now,
    )
    .map(|_| ())
}

/// The client of that row, active or not.
///
/// # Errors
/// The database's, here and below.
pub async fn find(db: &mut Db<'_>, id: ClientRowId) -> Result<Option<Client>> {
    Ok(fetch_optional!(db, Row, FIND, id)?.map(Client::from))
}

/// The client that sends this `client_id`, active or not. The token path asks [`super::Cache`].
pub async fn find_by_client_id(db: &mut Db<'_>, client_id: &str) -> Result<Option<Client>> {
    Ok(fetch_optional!(db, Row, FIND_BY_CLIENT_ID, client_id)?.map(Client::from))
}

/// All of them, by name.
pub async fn list(db: &mut Db<'_>) -> Result<Vec<Client>> {
    Ok(fetch_all!(db, Row, LIST)?.into_iter().map(Client::from).collect())
}

/// Enables or disables a client. A disabled one's tokens are dead at once.
pub async fn set_status(tx: &mut Tx<'_>, id: ClientRowId, status: Status, now: Timestamp) -> Result<()> {
    execute!(tx, SET_STATUS, id, status.as_str(), now).map(|_| ())
}

/// Replaces what an administrator can set.
pub async fn set_settings(tx: &mut Tx<'_>, id: ClientRowId, settings: &Settings, now: Timestamp) -> Result<()> {
    execute!(tx, SET_SETTINGS, id, Json(settings), now).map(|_| ())
}
