//! Users: a person's account, its login name, and its life from invitation to removal.
//!
//! Owns the account and its rows. Factors are [`crate::mfa`]'s, sessions [`crate::sessions`]'s, what a
//! user may do [`crate::access`]'s; [`life_cycle`] is where ending an account ends all of these at once.
//!
//! Invariants: a login name is unique in its realm in its prepared form, so that no two spellings of
//! one name are two people; nor is a new one the address that another person has proven. An id is never used again:
//! removal leaves a tombstone without personal data.
//! Rows of a connection's realm are [`stand_ins`], which are nobody's account: whoever looks for people by name
//! or address asks for the portal's realm or a product's.

pub mod address;
pub mod life_cycle;
mod login_name;
pub mod password;
pub mod provisioned;
mod search_text;
mod sql;
pub mod stand_ins;

use serde_json::Value;

use crate::{
    clock::Timestamp,
    id::{ConnectionId, OrganizationId, ProductId, UserId},
    secret,
    store::{self, Db, Tx},
};

pub use login_name::{LoginName, LoginNameError, prepare_email};
pub use sql::{
    Page, STATEMENTS, add_membership, count_by_status, find, find_by_email, find_by_login_name, find_in, list,
    note_login, search, verify_email,
};

text_enum! {
    /// Where an account stands in its life.
    pub enum Status {
        /// Made, but nobody has yet set its first credential.
        Invited = "invited",
        /// May sign in.
        Active = "active",
        /// May not; can be reactivated.
        Deactivated = "deactivated",
        /// A tombstone: no personal data, never comes back.
        Removed = "removed",
    }
}

/// Where a login name is unique and valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Realm {
    /// Users of organizations.
    Portal,
    /// Users of one product, who exist nowhere else (C5).
    Product(ProductId),
    /// What one connection has of people whose accounts live elsewhere ([`stand_ins`]): nobody signs in here.
    Connection(ConnectionId),
}

/// Begins the column of a connection's realm.
const OF_CONNECTION: &str = "connection:";

impl Realm {
    /// As the database has it: `portal`, the product's id, or the connection's after `connection:`.
    pub fn to_column(self) -> String {
        match self {
            Self::Portal => "portal".to_owned(),
            Self::Product(id) => id.to_string(),
            Self::Connection(id) => format!("{OF_CONNECTION}{id}"),
        }
    }
}

impl TryFrom<String> for Realm {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text == "portal" {
            return Ok(Self::Portal);
        }
        let parsed = match text.strip_prefix(OF_CONNECTION) {
            Some(id) => id.parse().map(Self::Connection),
            None => text.parse().map(Self::Product),
        };
        parsed.map_err(|_| format!("{text:?} is no realm"))
    }
}

/// A person's account.
#[derive(Debug, Clone)]
pub struct User {
    /// Also the `sub` of tokens.
    pub id: UserId,
    /// The home organization.
    pub organization_id: OrganizationId,
    pub realm: Realm,
    /// As it was given; compared in its prepared form.
    pub login_name: LoginName,
    pub email: Option<String>,
    /// Set only by our own mailed link.
    pub email_verified_at: Option<Timestamp>,
    pub given_name: String,
    pub family_name: String,
    pub display_name: String,
    pub status: Status,
    /// The connection that owns the account, if one does.
    pub connection_id: Option<ConnectionId>,
    /// The owning tool's own id, opaque to us (RFC 7643 §3.1).
    pub external_id: Option<String>,
    /// 32 random bytes: the WebAuthn user handle, which must hold nothing personal (WebAuthn §14.6.1).
    pub webauthn_handle: Vec<u8>,
    /// The SCIM attributes that no column holds.
    pub document: Value,
    /// Moves once with each effective change: SCIM's meta.version.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
    /// Of a [stand-in](stand_ins): whose account it is.
    pub stands_for: Option<UserId>,
    /// Of a stand-in: when that person joined, until they are invited anew.
    pub joined_at: Option<Timestamp>,
}

impl User {
    /// What a page calls the person.
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { self.login_name.as_given() } else { &self.display_name }
    }
}

/// What makes an account.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub organization_id: OrganizationId,
    pub realm: Realm,
    pub login_name: LoginName,
    pub email: Option<String>,
    pub given_name: String,
    pub family_name: String,
    /// Empty: given and family name.
    pub display_name: String,
    /// [`Status::Invited`] or [`Status::Active`].
    pub status: Status,
    pub connection_id: Option<ConnectionId>,
    pub external_id: Option<String>,
    pub document: Value,
}

/// The login name belongs to somebody already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this login name is taken")]
pub struct Taken;

/// The unique index of login names.
const LOGIN_NAME_INDEX: &str = "users_realm_login_name_prepared";

/// Makes an account.
///
/// # Errors
/// The database's. A taken login name is data, so that the caller's transaction can go on.
pub async fn insert(tx: &mut Tx<'_>, new: &NewUser, now: Timestamp) -> store::Result<Result<User, Taken>> {
    insert_with_id(tx, UserId::new(now), new, now).await
}

/// The same under an id chosen before, as the demo's declared world has it.
///
/// # Errors
/// The database's.
pub async fn insert_with_id(
    tx: &mut Tx<'_>,
    id: UserId,
    new: &NewUser,
    now: Timestamp,
) -> store::Result<Result<User, Taken>> {
    insert_row(tx, (id, None), new, now).await
}

/// An account, or the stand-in of `stands_for`.
async fn insert_row(
    tx: &mut Tx<'_>,
    (id, stands_for): (UserId, Option<UserId>),
    new: &NewUser,
    now: Timestamp,
) -> store::Result<Result<User, Taken>> {
    // Asked first, since a failed insert would end a PostgreSQL transaction; the index decides the race.
    let name = &new.login_name;
    let is_taken = match new.realm {
        Realm::Portal if name.as_given().contains('@') => sql::is_taken_or_proven(tx, new.realm, name).await?,
        realm => sql::is_taken(tx, realm, name).await?,
    };
    if is_taken {
        return Ok(Err(Taken));
    }
    let mut webauthn_handle = vec![0; 32];
    secret::fill(&mut webauthn_handle);
    let display_name = match new.display_name.as_str() {
        "" => format!("{} {}", new.given_name, new.family_name).trim().to_owned(),
        name => name.to_owned(),
    };
    let user = User {
        id,
        organization_id: new.organization_id,
        realm: new.realm,
        login_name: new.login_name.clone(),
        email: new.email.clone(),
        email_verified_at: None,
        given_name: new.given_name.clone(),
        family_name: new.family_name.clone(),
        display_name,
        status: new.status,
        connection_id: new.connection_id,
        external_id: new.external_id.clone(),
        webauthn_handle,
        document: new.document.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
        last_login_at: None,
        stands_for,
        joined_at: None,
    };
    match sql::insert(tx, &user).await {
        Ok(()) => Ok(Ok(user)),
        // Two at once: the other has committed meanwhile, and the second run sees the name taken.
        Err(error) => {
            if error.conflict().is_some_and(|unique| unique.is(LOGIN_NAME_INDEX)) {
                tx.run_again();
            }
            Err(error)
        }
    }
}

/// Who of the portal's realm has proven that address, and signs in with it: as another's login name it would
/// lead them to that account.
///
/// # Errors
/// The database's.
pub async fn find_by_proven_address(db: &mut Db<'_>, name: &LoginName) -> store::Result<Option<User>> {
    if !name.as_given().contains('@') {
        return Ok(None);
    }
    let holders = find_by_email(db, Realm::Portal, name.as_given()).await?;
    Ok(holders.into_iter().find(|holder| holder.email_verified_at.is_some()))
}

/// Writes the changed account back if nobody has changed it since it was read (its `version`), and
/// moves the version. `None` if somebody has.
///
/// # Errors
/// The database's.
pub async fn update(tx: &mut Tx<'_>, user: &User, now: Timestamp) -> store::Result<Option<Result<User, Taken>>> {
    if sql::is_taken_by_another(tx, user).await? {
        return Ok(Some(Err(Taken)));
    }
    if !sql::update(tx, user, now).await? {
        return Ok(None);
    }
    Ok(Some(Ok(User { version: user.version + 1, updated_at: now, ..user.clone() })))
}
