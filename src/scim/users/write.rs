//! What changes of a user do, and DELETE: one transaction each, whole or not at all.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    TYPE, assignments,
    change::Change,
    endings, identity, joins,
    mapping::{self, Columns, UNIQUE_COLUMNS},
    taken_back,
};
use crate::{
    audit::{self, Event, SubjectKind},
    connections::unique,
    groups,
    id::UserId,
    provisioning::{self, Ending, HoldReason, guard},
    scim::{
        answer::Fault,
        call::Call,
        error::Refusal,
        event::{self, Kind, Subject},
        projection, provision, uniqueness, value,
    },
    store::Tx,
    users::{self, Status, User, life_cycle, provisioned},
};
use axum::http::StatusCode;

/// What came of a request to change or delete somebody.
pub(super) enum Changed {
    /// It wanted what is so already.
    Nothing(User),
    Written(User),
    Removed,
    /// The guard keeps it for an administrator; what it has written about that must commit.
    Held(Refusal),
}

/// Applies a change, and answers the user and whether it differs now.
///
/// On PostgreSQL another request may change the row between our reading and our conditional write;
/// then all is judged again on the new state. Each round somebody has won, so this ends.
pub(super) async fn change(tx: &mut Tx<'_>, call: &Call, id: UserId, change: &Change) -> Result<Changed, Fault> {
    let kind = call.resource_type(TYPE)?;
    let mut is_given = false;
    loop {
        let user = provisioned::find(tx, call.connection.id, id).await?.ok_or(Refusal::NotFound)?;
        call.check_version(user.version)?;
        let given = assignments::given(tx, call, &[id]).await?;
        let given = assignments::shown(tx, call, &given, id).await?;
        let mut before = mapping::canonical(&user);
        if assignments::is_declared(kind) {
            assignments::put(&mut before, given.clone());
        }
        let mut after = change.apply(call, kind, &before)?;
        let whole = after.clone();
        let named = assignments::take(&mut after);
        let mut columns = Columns::of(&after)?;
        let was_active = mapping::is_active(&user);
        columns.active = Some(columns.active.unwrap_or(was_active));
        joins::judge_name(tx, call, &user, &columns.login_name).await?;
        if was_active && columns.active == Some(false) {
            if let Some(refusal) = held(tx, call, &user, Ending::Deactivate).await? {
                return Ok(Changed::Held(refusal));
            }
        } else if change.says_active() {
            guard::changed_its_mind(tx, &call.connection, id, call.now).await?;
            joins::ask_again(tx, call, &user).await?;
        }
        if assignments::is_declared(kind) && named != given {
            let wanted = assignments::judge(tx, call, named.as_ref()).await?;
            is_given |= assignments::set(tx, call, id, &wanted).await?;
        }
        if !is_given && columns == Columns::of_user(&user) {
            return Ok(Changed::Nothing(user));
        }
        if let Some(user) = write(tx, call, &user, (columns, is_given), (&before, &whole)).await? {
            return Ok(Changed::Written(user));
        }
    }
}

/// Asks the guard about an ending, before anything of it is done (V3, V5).
async fn held(tx: &mut Tx<'_>, call: &Call, user: &User, ending: Ending) -> Result<Option<Refusal>, Fault> {
    let Some(held) = call.guarded().judge(tx, user, ending).await? else { return Ok(None) };
    taken_back::tell(tx, call, &held.taken_back).await?;
    let refusal = match held.reason {
        HoldReason::Run => Refusal::Held,
        HoldReason::Discarded => Refusal::HeldAgain,
        HoldReason::LastAdministrator => Refusal::LastAdministrator,
    };
    let details = json!({ "held": refusal.to_string(), "wanted": ending });
    call.log(tx, refusal.status(), (user.id.0, user.name()), details).await?;
    Ok(Some(refusal))
}

/// Writes the change and what it means; `None` if the row has moved meanwhile.
async fn write(
    tx: &mut Tx<'_>,
    call: &Call,
    user: &User,
    (columns, is_given): (Columns, bool),
    (before, after): (&Map<String, Value>, &Map<String, Value>),
) -> Result<Option<User>, Fault> {
    let was_active = mapping::is_active(user);
    let is_active = columns.active.unwrap_or(was_active);
    let mut next = user.clone();
    if is_given || (Columns { active: Some(was_active), ..columns.clone() }) != Columns::of_user(user) {
        columns.put_into(&mut next);
        identity::judge(tx, user, &next).await?;
        next = match users::update(tx, &next, call.now).await? {
            None => return Ok(None),
            Some(written) => written.map_err(|_| Refusal::Unique("userName".to_owned()))?,
        };
        identity::changed(tx, call, user, &next).await?;
        claim(tx, call, &next, after).await?;
        let event = Event::new(user.organization_id, "user.updated", call.by.clone())
            .on(SubjectKind::User, user.id.0)
            .with(json!({ "attributes": value::differences(before, after).keys().collect::<Vec<_>>() }));
        audit::record(tx, &call.app.master, event, call.now).await?;
    }
    let kind = call.resource_type(TYPE)?;
    let (before, after) = (projection::loggable(kind, before), projection::loggable(kind, after));
    let changed = value::differences(&before, &after);
    let mut beside_active = changed.clone();
    beside_active.shift_remove("active");
    if !beside_active.is_empty() {
        publish(tx, call, event::kind_of_change(call), &next, &beside_active).await?;
    }
    call.log(tx, StatusCode::OK, (user.id.0, next.name()), json!({ "changed": changed })).await?;
    let is_elsewhere = next.status == Status::Invited && next.email != user.email;
    let user = match (was_active, is_active) {
        (true, false) => end(tx, call, &next).await?,
        (false, true) => begin_again(tx, call, &next).await?,
        (true, true) if is_elsewhere => {
            // The link lies at the old address, and is void.
            provision::invite(tx, call, &next).await?;
            next
        }
        _ => next,
    };
    Ok(Some(user))
}

/// `active: false` (P11, V5): everything ends with this commit.
pub(super) async fn end(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<User, Fault> {
    let act = life_cycle::Act { master: &call.app.master, by: &call.by };
    provisioning::deactivate(tx, act, user, call.now).await?.map_err(refusal)?;
    publish(tx, call, Kind::Deactivate, user, &Map::new()).await?;
    reread(tx, call, user).await
}

/// `active: true`: the person may sign in again. Who has never had a password is invited.
pub(super) async fn begin_again(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<User, Fault> {
    let act = life_cycle::Act { master: &call.app.master, by: &call.by };
    life_cycle::reactivate(tx, act, user, call.now).await?.map_err(refusal)?;
    publish(tx, call, Kind::Activate, user, &Map::new()).await?;
    let user = reread(tx, call, user).await?;
    if user.status == Status::Invited {
        provision::invite(tx, call, &user).await?;
    }
    Ok(user)
}

async fn reread(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<User, Fault> {
    Ok(provisioned::find(tx, call.connection.id, user.id).await?.ok_or(Refusal::NotFound)?)
}

/// Removes a person for good (P12), or from this connection only, as it is set. Of a stand-in nothing is worth
/// keeping.
pub(super) async fn delete(tx: &mut Tx<'_>, call: &Call, id: UserId) -> Result<Changed, Fault> {
    let user = provisioned::find(tx, call.connection.id, id).await?.ok_or(Refusal::NotFound)?;
    call.check_version(user.version)?;
    let ending = endings::of_delete(call, &user);
    if let Some(refusal) = held(tx, call, &user, ending).await? {
        return Ok(Changed::Held(refusal));
    }
    let details = match ending {
        Ending::Detach => {
            groups::leave_all(tx, id, call.now).await?;
            let user = if user.status == Status::Deactivated { user.clone() } else { end(tx, call, &user).await? };
            unique::release(tx, id.0).await?;
            if !provisioned::detach(tx, &user, call.connection.id, call.now).await? {
                return Err(Refusal::Stale.into());
            }
            json!({ "removed": true, "deactivated": true })
        }
        _ => {
            let act = life_cycle::Act { master: &call.app.master, by: &call.by };
            provisioning::remove(tx, act, &user, call.now).await?.map_err(refusal)?;
            json!({ "removed": true })
        }
    };
    publish(tx, call, Kind::Delete, &user, &Map::new()).await?;
    // The name of somebody who is erased has gone with them.
    let name = if ending == Ending::Remove { "" } else { user.name() };
    call.log(tx, StatusCode::NO_CONTENT, (id.0, name), details).await?;
    Ok(Changed::Removed)
}

/// Tells the organization's webhooks.
pub(super) async fn publish(
    tx: &mut Tx<'_>,
    call: &Call,
    kind: Kind,
    user: &User,
    changed: &Map<String, Value>,
) -> Result<(), Fault> {
    event::publish(tx, call, kind, &Subject::user(user), changed).await
}

/// Takes the values that nobody else of the connection may have.
pub(super) async fn claim(
    tx: &mut Tx<'_>,
    call: &Call,
    user: &User,
    resource: &Map<String, Value>,
) -> Result<(), Fault> {
    unique::hold(tx, call.connection.id, user.id.0, &claims(call, resource)?).await?.map_err(taken)
}

/// The same for somebody new, who has none yet.
pub(super) async fn claim_first(
    tx: &mut Tx<'_>,
    call: &Call,
    user: &User,
    resource: &Map<String, Value>,
) -> Result<(), Fault> {
    unique::take(tx, call.connection.id, user.id.0, &claims(call, resource)?).await?.map_err(taken)
}

fn claims(call: &Call, resource: &Map<String, Value>) -> Result<BTreeSet<unique::Claim>, Refusal> {
    Ok(uniqueness::claims(call.resource_type(TYPE)?, resource, &UNIQUE_COLUMNS))
}

fn taken(attribute: String) -> Fault {
    Refusal::Unique(uniqueness::short_name(&attribute).to_owned()).into()
}

fn refusal(refusal: life_cycle::Refusal) -> Refusal {
    match refusal {
        life_cycle::Refusal::LastAdministrator => Refusal::LastAdministrator,
        // Somebody was faster; the client reads again.
        life_cycle::Refusal::State => Refusal::Stale,
    }
}
