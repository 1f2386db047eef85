use serde_json::Value;

use super::{
    LoginName, Realm, Status, User, prepare_email,
    provisioned::{self, Shown},
    search_text,
};
use crate::{
    clock::Timestamp,
    counters::{self, Counter},
    id::{ConnectionId, OrganizationId, UserId},
    store::{Db, Json, Result, Tx},
};

statements! {
    INSERT = "
        INSERT INTO users (id, organization_id, realm, login_name, login_name_prepared, email, email_prepared,
                           given_name, family_name, display_name, status, connection_id, external_id,
                           webauthn_handle, document, version, created_at, updated_at, search,
                           scim_display_name, scim_given_name, scim_family_name, scim_active, scim_indexed,
                           stands_for)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1, $16, $16, $17,
                $18, $19, $20, $21, TRUE, $22)";
    FIND = "SELECT * FROM users WHERE id = $1 AND status <> 'removed'";
    FIND_IN = "
        SELECT * FROM users WHERE id = $1 AND status <> 'removed'
           AND (organization_id = $2
                OR id IN (SELECT user_id FROM memberships WHERE organization_id = $2 AND user_id = $1))";
    FIND_BY_LOGIN_NAME = "SELECT * FROM users WHERE realm = $1 AND login_name_prepared = $2 AND status <> 'removed'";
    FIND_BY_EMAIL = "
        SELECT * FROM users WHERE email_prepared = $1 AND realm = $2 AND status <> 'removed' ORDER BY id";
    /// Whoever has the name, or has proven it as their address.
    TAKEN = "
        SELECT id FROM users WHERE realm = $1 AND login_name_prepared = $2
         UNION ALL
        SELECT id FROM users
         WHERE email_prepared = $3 AND realm = $1 AND status <> 'removed' AND email_verified_at IS NOT NULL
         LIMIT 1";
    ID_OF_LOGIN_NAME = "SELECT id FROM users WHERE realm = $1 AND login_name_prepared = $2";
    UPDATE = "
        UPDATE users SET login_name = $3, login_name_prepared = $4, email = $5, email_prepared = $6,
                         email_verified_at = $7, given_name = $8, family_name = $9, display_name = $10,
                         external_id = $11, document = $12, version = version + 1, updated_at = $13, search = $14,
                         scim_display_name = $15, scim_given_name = $16, scim_family_name = $17, scim_active = $18,
                         scim_indexed = TRUE
         WHERE id = $1 AND version = $2 AND status <> 'removed'";
    /// Whoever is invited anew has not joined.
    SET_STATUS = "
        UPDATE users SET status = $3, version = version + 1, updated_at = $4, deactivated_at = $5,
                         joined_at = CASE WHEN $3 = 'invited' THEN NULL ELSE joined_at END
         WHERE id = $1 AND status = $2";
    ERASE = "
        UPDATE users SET status = 'removed', login_name = '', login_name_prepared = $2, email = NULL,
                         email_prepared = NULL, email_verified_at = NULL, given_name = '', family_name = '',
                         display_name = '', search = '', scim_display_name = NULL, scim_given_name = NULL,
                         scim_family_name = NULL, connection_id = NULL, external_id = NULL, document = '{}', webauthn_handle = $3,
                         stands_for = NULL, joined_at = NULL, version = version + 1, updated_at = $4
         WHERE id = $1 AND status <> 'removed'";
    DELETE_PASSWORD = "DELETE FROM passwords WHERE user_id = $1";
    DELETE_FACTORS = "DELETE FROM factors WHERE user_id = $1";
    DELETE_RECOVERY_CODES = "DELETE FROM recovery_codes WHERE user_id = $1";
    DELETE_CONSENTS = "DELETE FROM consents WHERE user_id = $1";
    DELETE_TRUSTED_DEVICES = "DELETE FROM trusted_devices WHERE user_id = $1";
    DELETE_MEMBERSHIPS = "DELETE FROM memberships WHERE user_id = $1";
    DELETE_GROUP_MEMBERSHIPS = "DELETE FROM group_members WHERE user_id = $1";
    DELETE_EMAILS = "DELETE FROM user_emails WHERE user_id = $1";
    DELETE_UNIQUE_VALUES = "DELETE FROM unique_values WHERE resource_id = $1";
    /// What provisioning logs tell of the person.
    REDACT_LOGS = "UPDATE connection_log SET subject = '', search = '', details = '{}' WHERE resource_id = $1";
    VERIFY_EMAIL = "UPDATE users SET email_verified_at = $2 WHERE id = $1 AND email IS NOT NULL";
    NOTE_LOGIN = "UPDATE users SET last_login_at = $2 WHERE id = $1";
    /// People of an organization, members from elsewhere included, by keyset. Stand-ins are no people.
    LIST = "
        SELECT * FROM users
         WHERE status = $2 AND id > $3 AND stands_for IS NULL
           AND (organization_id = $1 OR id IN (SELECT user_id FROM memberships WHERE organization_id = $1))
         ORDER BY id LIMIT $4";
    /// The same by name, of those whose folded text has the words looked for; and whom connections have asked to
    /// join. Whoever has joined is a member, and their stand-in is left out.
    SEARCH = "
        SELECT * FROM users
         WHERE status = $2 AND search LIKE $3 ESCAPE '!' AND (stands_for IS NULL OR status <> 'active')
           AND (search > COALESCE((SELECT u.search FROM users u WHERE u.id = $4), '')
                OR (id > $4 AND search = COALESCE((SELECT u.search FROM users u WHERE u.id = $4), '')))
           AND (organization_id = $1 OR id IN (SELECT user_id FROM memberships WHERE organization_id = $1))
         ORDER BY search, id LIMIT $5";
    /// Of those that SEARCH finds.
    COUNT_BY_STATUS = "
        SELECT status, COUNT(*) FROM users
         WHERE (organization_id = $1 OR id IN (SELECT user_id FROM memberships WHERE organization_id = $1))
           AND (stands_for IS NULL OR status <> 'active')
         GROUP BY status";
    ADD_MEMBERSHIP = "
        INSERT INTO memberships (user_id, organization_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

    /// Moves neither version nor time of change: to its connection a joined stand-in is as a pending one.
    JOIN = "
        UPDATE users SET status = 'active', joined_at = $2
         WHERE id = $1 AND status = 'invited' AND stands_for IS NOT NULL";
    /// A membership that the person has in another way stays as it is.
    ADD_JOINED = "
        INSERT INTO memberships (user_id, organization_id, by_join, created_at) VALUES ($1, $2, TRUE, $3)
        ON CONFLICT DO NOTHING";
    /// Two connections of one organization may have asked the same person.
    END_JOINED = "
        DELETE FROM memberships
         WHERE user_id = $1 AND organization_id = $2 AND by_join
           AND NOT EXISTS (SELECT 1 FROM users
                            WHERE stands_for = $1 AND organization_id = $2 AND status = 'active')";
    /// The person is gone: nobody has joined by these any more, which their connections are not told.
    ORPHAN = "UPDATE users SET status = 'invited', joined_at = NULL WHERE stands_for = $1 AND status = 'active'";
    STAND_INS = "
        SELECT * FROM users WHERE connection_id = $1 AND stands_for IS NOT NULL AND status <> 'removed' ORDER BY id";
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: UserId,
    organization_id: OrganizationId,
    #[sqlx(try_from = "String")]
    realm: Realm,
    login_name: String,
    login_name_prepared: String,
    email: Option<String>,
    email_verified_at: Option<Timestamp>,
    given_name: String,
    family_name: String,
    display_name: String,
    #[sqlx(try_from = "String")]
    status: Status,
    connection_id: Option<ConnectionId>,
    external_id: Option<String>,
    webauthn_handle: Vec<u8>,
    document: Json<Value>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_login_at: Option<Timestamp>,
    stands_for: Option<UserId>,
    joined_at: Option<Timestamp>,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            realm: row.realm,
            login_name: LoginName::from_row(row.login_name, row.login_name_prepared),
            email: row.email,
            email_verified_at: row.email_verified_at,
            given_name: row.given_name,
            family_name: row.family_name,
            display_name: row.display_name,
            status: row.status,
            connection_id: row.connection_id,
            external_id: row.external_id,
            webauthn_handle: row.webauthn_handle,
            document: row.document.0,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_login_at: row.last_login_at,
            stands_for: row.stands_for,
            joined_at: row.joined_at,
        }
    }
}

pub(super) async fn insert(tx: &mut Tx<'_>, user: &User) -> Result<()> {
    let shown = Shown::of(user);
    // On SQLite, whose one writer has just asked whether the name is free, it cannot break a rule.
    later!(
        tx,
        INSERT,
        user.id,
        user.organization_id,
        user.realm.to_column(),
        user.login_name.as_given(),
        user.login_name.prepared(),
        &user.email,
        user.email.as_deref().map(prepare_email),
        &user.given_name,
        &user.family_name,
        &user.display_name,
        user.status.as_str(),
        user.connection_id,
        &user.external_id,
        &user.webauthn_handle,
        Json(&user.document),
        user.created_at,
        search_text::of(user),
        shown.display_name,
        shown.given_name,
        shown.family_name,
        shown.active,
        user.stands_for,
    )?;
    if let Some(connection) = user.connection_id {
        counters::add(tx, connection.0, Counter::Users, user.id.0, 1).await?;
        provisioned::add_emails(tx, connection, user.id, &shown.emails).await?;
    }
    Ok(())
}

pub(super) async fn is_taken(db: &mut Db<'_>, realm: Realm, name: &LoginName) -> Result<bool> {
    Ok(fetch_optional!(db, (UserId,), ID_OF_LOGIN_NAME, realm.to_column(), name.prepared())?.is_some())
}

/// The same, and whether somebody has proven an address that reads like the name.
pub(super) async fn is_taken_or_proven(db: &mut Db<'_>, realm: Realm, name: &LoginName) -> Result<bool> {
    let address = prepare_email(name.as_given());
    Ok(fetch_optional!(db, (UserId,), TAKEN, realm.to_column(), name.prepared(), address)?.is_some())
}

pub(super) async fn is_taken_by_another(db: &mut Db<'_>, user: &User) -> Result<bool> {
    let found = fetch_optional!(db, (UserId,), ID_OF_LOGIN_NAME, user.realm.to_column(), user.login_name.prepared())?;
    Ok(found.is_some_and(|(id,)| id != user.id))
}

/// Writes all but id, home, realm and status, if the version is still the one that was read.
pub(super) async fn update(tx: &mut Tx<'_>, user: &User, now: Timestamp) -> Result<bool> {
    let shown = Shown::of(user);
    let written = execute!(
        tx,
        UPDATE,
        user.id,
        user.version,
        user.login_name.as_given(),
        user.login_name.prepared(),
        &user.email,
        user.email.as_deref().map(prepare_email),
        user.email_verified_at,
        &user.given_name,
        &user.family_name,
        &user.display_name,
        &user.external_id,
        Json(&user.document),
        now,
        search_text::of(user),
        shown.display_name,
        shown.given_name,
        shown.family_name,
        shown.active,
    )?;
    if let Some(connection) = user.connection_id.filter(|_| written == 1) {
        provisioned::write_emails(tx, connection, user.id, &shown.emails).await?;
    }
    Ok(written == 1)
}

/// Moves the account from one status to another; `false` if it was no longer in the first.
pub(super) async fn set_status(tx: &mut Tx<'_>, id: UserId, from: Status, to: Status, now: Timestamp) -> Result<bool> {
    let deactivated_at = (to == Status::Deactivated).then_some(now);
    Ok(execute!(tx, SET_STATUS, id, from.as_str(), to.as_str(), now, deactivated_at)? == 1)
}

/// Leaves a tombstone: the login name is free again, the id is not.
pub(super) async fn erase(tx: &mut Tx<'_>, user: &User, now: Timestamp) -> Result<bool> {
    // A prepared login name has no space, so nobody can take the tombstone's.
    let tombstone = format!("removed {}", user.id);
    let erased = execute!(tx, ERASE, user.id, tombstone, Vec::<u8>::new(), now)? == 1;
    if let Some(connection) = user.connection_id.filter(|_| erased) {
        counters::add(tx, connection.0, Counter::Users, user.id.0, -1).await?;
    }
    Ok(erased)
}

/// What a removed person leaves behind in other tables, credentials above all: nothing of it may serve
/// whoever gets the login name next.
pub(super) async fn delete_belongings(tx: &mut Tx<'_>, id: UserId) -> Result<()> {
    later!(tx, DELETE_PASSWORD, id)?;
    later!(tx, DELETE_FACTORS, id)?;
    later!(tx, DELETE_RECOVERY_CODES, id)?;
    later!(tx, DELETE_CONSENTS, id)?;
    later!(tx, DELETE_TRUSTED_DEVICES, id)?;
    later!(tx, DELETE_MEMBERSHIPS, id)?;
    later!(tx, DELETE_GROUP_MEMBERSHIPS, id)?;
    later!(tx, DELETE_EMAILS, id)?;
    later!(tx, REDACT_LOGS, id.0)?;
    later!(tx, DELETE_UNIQUE_VALUES, id)
}

/// The account of that id, unless it was removed. For what a token or session names; pages and APIs
/// on behalf of an organization use [`find_in`].
///
/// # Errors
/// The database's, here and below.
pub async fn find(db: &mut Db<'_>, id: UserId) -> Result<Option<User>> {
    Ok(fetch_optional!(db, Row, FIND, id)?.map(User::from))
}

/// The account of that id if it is at home in, or a member of, the organization.
pub async fn find_in(db: &mut Db<'_>, organization: OrganizationId, id: UserId) -> Result<Option<User>> {
    Ok(fetch_optional!(db, Row, FIND_IN, id, organization)?.map(User::from))
}

/// The account with that login name in the realm; of a connection's realm, the stand-in.
pub async fn find_by_login_name(db: &mut Db<'_>, realm: Realm, name: &LoginName) -> Result<Option<User>> {
    Ok(fetch_optional!(db, Row, FIND_BY_LOGIN_NAME, realm.to_column(), name.prepared())?.map(User::from))
}

/// Those with that address in the realm: more than one person may share a mailbox.
pub async fn find_by_email(db: &mut Db<'_>, realm: Realm, email: &str) -> Result<Vec<User>> {
    let rows = fetch_all!(db, Row, FIND_BY_EMAIL, prepare_email(email), realm.to_column())?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Which part of a list to read.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Those after this id; the nil UUID begins.
    pub after: UserId,
    /// How many at most.
    pub limit: i64,
}

/// People of one status in an organization, members from elsewhere included, in the order they came.
pub async fn list(db: &mut Db<'_>, organization: OrganizationId, status: Status, page: Page) -> Result<Vec<User>> {
    let rows = fetch_all!(db, Row, LIST, organization, status.as_str(), page.after, page.limit)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// People of one status whose name, login name or address has `text` in it, by name. `page.after` is the
/// last of the page before.
pub async fn search(
    db: &mut Db<'_>,
    organization: OrganizationId,
    status: Status,
    text: &str,
    page: Page,
) -> Result<Vec<User>> {
    let rows =
        fetch_all!(db, Row, SEARCH, organization, status.as_str(), search_text::pattern(text), page.after, page.limit)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// How many people of each status an organization has; statuses without any are absent.
pub async fn count_by_status(db: &mut Db<'_>, organization: OrganizationId) -> Result<Vec<(Status, i64)>> {
    let rows = fetch_all!(db, (String, i64), COUNT_BY_STATUS, organization)?;
    Ok(rows.into_iter().filter_map(|(status, count)| Some((status.parse().ok()?, count))).collect())
}

/// The address was proven by our own mailed link.
pub async fn verify_email(tx: &mut Tx<'_>, id: UserId, now: Timestamp) -> Result<()> {
    later!(tx, VERIFY_EMAIL, id, now)
}

/// When the person last signed in; no change of the account's version.
pub async fn note_login(tx: &mut Tx<'_>, id: UserId, now: Timestamp) -> Result<()> {
    later!(tx, NOTE_LOGIN, id, now)
}

/// Makes the user a member of another organization; nothing if they are one.
pub async fn add_membership(tx: &mut Tx<'_>, organization: OrganizationId, id: UserId, now: Timestamp) -> Result<()> {
    later!(tx, ADD_MEMBERSHIP, id, organization, now)
}

/// `false` if the stand-in was no longer pending.
pub(super) async fn join(tx: &mut Tx<'_>, stand_in: UserId, now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, JOIN, stand_in, now)? == 1)
}

pub(super) async fn add_joined(
    tx: &mut Tx<'_>,
    (person, organization): (UserId, OrganizationId),
    now: Timestamp,
) -> Result<()> {
    later!(tx, ADD_JOINED, person, organization, now)
}

pub(super) async fn end_joined(tx: &mut Tx<'_>, person: UserId, organization: OrganizationId) -> Result<()> {
    later!(tx, END_JOINED, person, organization)
}

pub(super) async fn orphan(tx: &mut Tx<'_>, person: UserId) -> Result<()> {
    later!(tx, ORPHAN, person)
}

pub(super) async fn stand_ins(db: &mut Db<'_>, connection: ConnectionId) -> Result<Vec<User>> {
    Ok(fetch_all!(db, Row, STAND_INS, connection)?.into_iter().map(User::from).collect())
}
