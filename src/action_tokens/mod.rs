//! Mailed links: one act, for one user, once, and not for ever.
//!
//! Owns the tokens' rows. What a link does is done by the room whose page it opens, in the
//! transaction that [`consume`]s it.
//!
//! Invariants: only the hash is stored. Looking ([`peek`]) spends nothing, so a scanner that visits
//! a link breaks nothing (security.md row 59). A new link, a used one and a changed password void
//! the user's older ones (row 58). No purpose passes for another (row 14).

mod sql;

use serde_json::Value;

use crate::{
    clock::Timestamp,
    id::UserId,
    secret::Secret,
    store::{Db, Error, Json, Result, Tx},
};

pub use sql::STATEMENTS;

text_enum! {
    /// What a mailed link is for.
    pub enum Purpose {
        /// Set the first password and activate the account.
        Activate = "activate",
        /// Set a new password.
        ResetPassword = "reset_password",
        /// Join an organization with an account that lives in another; the link is the stand-in's.
        Join = "join",
    }
}

/// A link that is live, or was until just now.
#[derive(Debug, Clone)]
pub struct ActionToken {
    pub user_id: UserId,
    pub purpose: Purpose,
    /// Who asked for it; `None` for the user.
    pub created_by: Option<UserId>,
    pub data: Value,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What a new link is to be.
#[derive(Debug, Clone)]
pub struct NewActionToken {
    pub user_id: UserId,
    pub purpose: Purpose,
    pub created_by: Option<UserId>,
    pub data: Value,
    pub expires_at: Timestamp,
}

/// Makes a link's secret and voids the user's older links of that purpose.
///
/// # Errors
/// The database failed.
pub async fn issue(tx: &mut Tx<'_>, new: &NewActionToken, now: Timestamp) -> Result<Secret> {
    let secret = Secret::random();
    sql::void_purpose(tx, new.user_id, new.purpose.as_str(), now).await?;
    sql::insert(tx, &secret.hash(), new, now).await?;
    Ok(secret)
}

/// Looks at a link without spending it: `None` if it is unknown, used, voided or too old.
///
/// # Errors
/// The database failed.
pub async fn peek(db: &mut Db<'_>, secret: &Secret, now: Timestamp) -> Result<Option<ActionToken>> {
    sql::find_live(db, &secret.hash(), now).await?.map(ActionToken::try_from).transpose()
}

/// Spends a link. One conditional update: of any number of racing requests one gets it. The
/// user's other links die with it.
///
/// # Errors
/// The database failed.
pub async fn consume(
    tx: &mut Tx<'_>,
    secret: &Secret,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<ActionToken>> {
    let Some(row) = sql::consume(tx, &secret.hash(), purpose.as_str(), now).await? else { return Ok(None) };
    let token = ActionToken::try_from(row)?;
    void(tx, token.user_id, now).await?;
    Ok(Some(token))
}

/// Whether the user was sent a link of that purpose, used or not, whose time is not over.
///
/// # Errors
/// The database failed.
pub async fn was_sent(db: &mut Db<'_>, user: UserId, purpose: Purpose, now: Timestamp) -> Result<bool> {
    sql::was_sent(db, user, purpose.as_str(), now).await
}

/// Voids every link of the user: the password has changed, or the account has ended.
///
/// # Errors
/// The database failed.
pub async fn void(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    sql::void(tx, user, now).await
}

impl TryFrom<sql::Row> for ActionToken {
    type Error = Error;

    fn try_from(row: sql::Row) -> Result<Self> {
        let Json(data) = row.data;
        Ok(Self {
            user_id: row.user_id,
            purpose: row.purpose.parse().map_err(Error::Damaged)?,
            created_by: row.created_by,
            data,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}
