//! Ending what a connection has of a person, be it their account or a stand-in by which they may have joined from
//! another organization: then they lose what that gave, are signed out of it, and keep all that is their own.

use super::Reach;
use crate::{
    access,
    clock::Timestamp,
    connections::Connection,
    groups,
    store::{Result, Tx},
    users::{
        self, User,
        life_cycle::{self, Act, Refusal},
        stand_ins,
    },
};

/// As [`life_cycle::deactivate`]; of a stand-in only the membership ends.
///
/// # Errors
/// The database's, here and below.
pub async fn deactivate(
    tx: &mut Tx<'_>,
    act: Act<'_>,
    user: &User,
    now: Timestamp,
) -> Result<std::result::Result<(), Refusal>> {
    let reach = of_stand_in(tx, user).await?;
    let outcome = life_cycle::deactivate(tx, act, user, now).await?;
    reach.settle(tx, act.master, now).await?;
    Ok(outcome)
}

/// As [`life_cycle::remove`], out of every group; of a stand-in only the membership ends, and the resource is gone.
pub async fn remove(
    tx: &mut Tx<'_>,
    act: Act<'_>,
    user: &User,
    now: Timestamp,
) -> Result<std::result::Result<(), Refusal>> {
    // Whoever may not go keeps their groups.
    if access::is_last_administrator(tx, user.organization_id, user.id, now).await? {
        return Ok(Err(Refusal::LastAdministrator));
    }
    let reach = of_stand_in(tx, user).await?;
    groups::leave_all(tx, user.id, now).await?;
    let outcome = life_cycle::remove(tx, act, user, now).await?;
    reach.settle(tx, act.master, now).await?;
    Ok(outcome)
}

/// Removes every stand-in of a connection that is about to be deleted.
pub async fn end_joins(tx: &mut Tx<'_>, act: Act<'_>, connection: &Connection, now: Timestamp) -> Result<()> {
    for stand_in in stand_ins::of_connection(tx, connection.id).await? {
        // A stand-in is no organization's last administrator, and is here.
        let _ = remove(tx, act, &stand_in, now).await?;
    }
    Ok(())
}

/// Undoes a deactivation: whoever had joined has joined. `false` if the account has left that state.
pub(super) async fn take_back(tx: &mut Tx<'_>, act: Act<'_>, user: &User, now: Timestamp) -> Result<bool> {
    if life_cycle::reactivate(tx, act, user, now).await?.is_err() {
        return Ok(false);
    }
    if let Some(joined_at) = user.joined_at
        && let Some(user) = users::find(tx, user.id).await?
    {
        stand_ins::join(tx, &user, joined_at).await?;
    }
    Ok(true)
}

/// What the person of a stand-in may lose. Whoever's own account ends is signed out of all anyway.
async fn of_stand_in(tx: &mut Tx<'_>, user: &User) -> Result<Reach> {
    if user.stands_for.is_some() { Reach::of_user(tx, user.id).await } else { Ok(Reach::default()) }
}
