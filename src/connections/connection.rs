use sqlx::FromRow;

use super::{Settings, sql};
use crate::{
    clock::Timestamp,
    id::{ConnectionId, OrganizationId, UserId},
    store::{Db, Json, Result, Tx},
};

/// One external tool's SCIM access to one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub id: ConnectionId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub vendor: Vendor,
    pub status: Status,
    pub settings: Settings,
    pub created_by: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

impl Connection {
    /// Where its tool sends SCIM requests: the path below the public URL.
    pub fn path(&self) -> String {
        format!("/scim/v2/{}", self.id)
    }
}

/// What a new connection is made of.
#[derive(Debug, Clone)]
pub struct NewConnection {
    pub organization_id: OrganizationId,
    pub name: String,
    pub vendor: Vendor,
    pub settings: Settings,
    pub created_by: Option<UserId>,
}

text_enum! {
    /// Whose habits to expect; it chooses set-up texts and how requests are read, never rights.
    pub enum Vendor {
        Entra = "entra",
        Okta = "okta",
        OneLogin = "onelogin",
        JumpCloud = "jumpcloud",
        Generic = "generic",
    }
}
text_enum! {
    /// A paused connection refuses every request.
    pub enum Status {
        Active = "active",
        Paused = "paused",
    }
}

#[derive(FromRow)]
pub(super) struct Row {
    id: ConnectionId,
    organization_id: OrganizationId,
    name: String,
    #[sqlx(try_from = "String")]
    vendor: Vendor,
    #[sqlx(try_from = "String")]
    status: Status,
    settings: Json<Settings>,
    created_by: Option<UserId>,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl From<Row> for Connection {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            name: row.name,
            vendor: row.vendor,
            status: row.status,
            settings: row.settings.0,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The connection of that id, whoever's it is: for jobs and for what authenticated by its token.
///
/// # Errors
/// The database failed.
pub async fn find(db: &mut Db<'_>, id: ConnectionId) -> Result<Option<Connection>> {
    Ok(fetch_optional!(db, Row, sql::FIND, id)?.map(Connection::from))
}

/// The connection of that id if it is active, and whether a webhook is told of its changes: for the beginning of a write.
///
/// # Errors
/// The database failed.
pub async fn find_active(db: &mut Db<'_>, id: ConnectionId) -> Result<Option<(Connection, bool)>> {
    let found = fetch_optional!(db, Told, sql::FIND_ACTIVE, id)?;
    Ok(found.map(|found| (found.connection.into(), found.has_webhooks)))
}

#[derive(FromRow)]
struct Told {
    has_webhooks: bool,
    #[sqlx(flatten)]
    connection: Row,
}

/// The connection of that id if it belongs to `organization`.
///
/// # Errors
/// The database failed.
pub async fn find_in(db: &mut Db<'_>, organization: OrganizationId, id: ConnectionId) -> Result<Option<Connection>> {
    Ok(find(db, id).await?.filter(|connection| connection.organization_id == organization))
}

/// The connections of one organization, oldest first.
///
/// # Errors
/// The database failed.
pub async fn list(db: &mut Db<'_>, organization: OrganizationId) -> Result<Vec<Connection>> {
    Ok(fetch_all!(db, Row, sql::LIST, organization)?.into_iter().map(Connection::from).collect())
}

/// Makes a connection; it has no token yet. The caller has judged the actor's right and audits.
///
/// # Errors
/// The database failed.
pub async fn insert(tx: &mut Tx<'_>, new: &NewConnection, now: Timestamp) -> Result<Connection> {
    let connection = Connection {
        id: ConnectionId::new(now),
        organization_id: new.organization_id,
        name: new.name.clone(),
        vendor: new.vendor,
        status: Status::Active,
        settings: new.settings.clone(),
        created_by: new.created_by,
        created_at: now,
        updated_at: now,
        last_used_at: None,
    };
    execute!(
        tx,
        sql::INSERT,
        connection.id,
        connection.organization_id,
        &connection.name,
        connection.vendor.as_str(),
        connection.status.as_str(),
        Json(&connection.settings),
        connection.created_by,
        now,
    )?;
    Ok(connection)
}

/// Writes name, status and settings back.
///
/// # Errors
/// The database failed.
pub async fn update(tx: &mut Tx<'_>, connection: &Connection, now: Timestamp) -> Result<()> {
    let settings = Json(&connection.settings);
    execute!(tx, sql::UPDATE, connection.id, &connection.name, connection.status.as_str(), settings, now)?;
    Ok(())
}

/// Deletes a connection with its tokens, its log, what is held of it and what it had still to do. Its people and
/// groups stay with what they have, and are managed by hand from here on. What its rules gave by groups, and its
/// stand-ins, must have ended before (`provisioning::mapping::end`, `provisioning::end_joins`).
///
/// # Errors
/// The database failed.
pub async fn delete(tx: &mut Tx<'_>, id: ConnectionId, now: Timestamp) -> Result<()> {
    execute!(tx, sql::RELEASE_USERS, id, now)?;
    execute!(tx, sql::RELEASE_GROUPS, id, now)?;
    execute!(tx, sql::RELEASE_ASSIGNMENTS, id)?;
    for belonging in [
        sql::DELETE_CLIENTS,
        sql::DELETE_RESOURCES,
        sql::DELETE_TOKENS,
        sql::DELETE_VALUES,
        sql::DELETE_LOG,
        sql::DELETE_HELD,
        sql::DELETE_ENDINGS,
        sql::DELETE_ASYNCHRONOUS_OPERATIONS,
        sql::DELETE_ASYNCHRONOUS_REQUESTS,
        sql::DELETE,
    ] {
        execute!(tx, belonging, id)?;
    }
    Ok(())
}
