//! A login name that lives in another organization (V6): the tool gets a resource of its own, a stand-in, which
//! reads like that of a person who has not yet set a password, and the person is asked to join.
//!
//! Invariants: nothing of the other account is read for an answer, a list or the log, and a stand-in whose person has
//! joined reads like one that is pending.

use crate::{
    action_tokens::{self, Purpose},
    scim::{answer::Fault, call::Call, error::Refusal, provision},
    store::{Db, Tx},
    users::{self, LoginName, NewUser, Status, Taken, User, stand_ins},
};

/// Makes the account; or the stand-in of whoever has the name in another organization. `Err` if it is somebody's of
/// this organization, or a stand-in of this connection.
pub async fn insert(tx: &mut Tx<'_>, call: &Call, new: &NewUser) -> Result<Result<User, Taken>, Fault> {
    // The account it stands for may have gone, and its name be free again: one name is one resource of a connection.
    if stand_ins::is_taken(tx, call.connection.id, &new.login_name).await? {
        return Ok(Err(Taken));
    }
    if let Ok(user) = users::insert(tx, new, call.now).await? {
        return Ok(Ok(user));
    }
    let person = users::find_by_login_name(tx, new.realm, &new.login_name).await?;
    match person.filter(|person| person.organization_id != call.connection.organization_id) {
        Some(person) => Ok(stand_ins::insert(tx, (call.connection.id, person.id), new, call.now).await?),
        None => Ok(Err(Taken)),
    }
}

/// Whether the resource may have that name: a stand-in keeps its own, and no account takes a stand-in's. Whether the
/// name is another account's, wherever that lives, is asked when it is written.
pub async fn judge_name(db: &mut Db<'_>, call: &Call, user: &User, name: &LoginName) -> Result<(), Fault> {
    if user.login_name.prepared() == name.prepared() {
        return Ok(());
    }
    if user.stands_for.is_some() {
        let why = "its account lives in another organization; delete the resource and make another";
        return Err(Refusal::Mutability("userName".to_owned(), why).into());
    }
    if stand_ins::is_taken(db, call.connection.id, name).await? {
        return Err(Refusal::Unique("userName".to_owned()).into());
    }
    Ok(())
}

/// The tool says once more that the person is active. Whoever has not answered is asked again, but not before the
/// last invitation would have ended: tools say so with every run, and a decision stands for a while.
pub async fn ask_again(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<(), Fault> {
    let is_pending = user.stands_for.is_some() && user.status == Status::Invited;
    if is_pending && !action_tokens::was_sent(tx, user.id, Purpose::Join, call.now).await? {
        provision::invite(tx, call, user).await?;
    }
    Ok(())
}

/// What a tool is told of where the account stands: of a stand-in never whether the person has joined.
pub fn status(user: &User) -> Status {
    match (user.stands_for, user.status) {
        (Some(_), Status::Active) => Status::Invited,
        (_, status) => status,
    }
}
