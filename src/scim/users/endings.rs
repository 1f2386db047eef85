//! Whom a request would end, asked before it is done: for the guard, that it may judge a bulk request whole.

use serde_json::Value;

use super::{
    TYPE,
    change::Change,
    mapping::{self, Columns},
    taken_back,
};
use crate::{
    connections::OnDelete,
    id::UserId,
    provisioning::Ending,
    scim::{
        answer::Fault,
        call::{Call, Single},
        endpoint::Act,
    },
    store::{Db, Tx},
    users::{User, provisioned},
};

/// What DELETE of a person means, as the connection is set. Of a stand-in nothing is worth keeping.
pub(super) fn of_delete(call: &Call, user: &User) -> Ending {
    match call.connection.settings.on_delete {
        OnDelete::Deactivate if user.stands_for.is_none() => Ending::Detach,
        _ => Ending::Remove,
    }
}

/// Whether a request could end anybody, as far as its words tell.
pub(in crate::scim) fn may_end(call: &Call, single: &Single) -> bool {
    let kind = call.registry().ok().and_then(|registry| registry.endpoint(&single.endpoint));
    let says_active = || single.body.to_string().to_ascii_lowercase().contains("active");
    kind.is_some_and(|kind| kind.name == TYPE)
        && match Act::of(&single.method) {
            Some(Act::Delete) => true,
            Some(Act::Replace | Act::Patch) => says_active(),
            Some(Act::Create) | None => false,
        }
}

/// Tells the guard of all that these requests would end, before any of them is done (V3).
pub(in crate::scim) async fn foresee(call: &Call, requests: impl Iterator<Item = Single>) -> Result<(), Fault> {
    let settings = &call.connection.settings;
    // A dry run changes nothing that could be too much.
    if settings.guard.is_none() || settings.dry_run {
        return Ok(());
    }
    let requests = requests.filter(|single| may_end(call, single));
    let calls: Vec<(Call, Act)> =
        requests.filter_map(|single| Some((call.single(&single, None), Act::of(&single.method)?))).collect();
    let owned = call.clone();
    let unit = async move |tx: &mut Tx<'_>| -> Result<(), Fault> {
        let mut endings = Vec::new();
        for (call, act) in &calls {
            match ending(tx, call, *act).await {
                Ok(ending) => endings.extend(ending),
                // It will be refused when its turn comes, and ends nobody.
                Err(Fault::Refused(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        let back = owned.guarded().foresee(tx, &endings).await?;
        taken_back::tell(tx, &owned, &back).await
    };
    call.app.store.write(unit).await
}

/// The person whose access the request would end; `None` if it would not.
async fn ending(db: &mut Db<'_>, call: &Call, act: Act) -> Result<Option<(UserId, Ending)>, Fault> {
    let Some(user) = provisioned::find(db, call.connection.id, call.id()?).await? else { return Ok(None) };
    call.check_version(user.version)?;
    if act == Act::Delete {
        return Ok(Some((user.id, of_delete(call, &user))));
    }
    if !mapping::is_active(&user) {
        return Ok(None);
    }
    let kind = call.resource_type(TYPE)?;
    let change = match act {
        Act::Replace => Change::Replace(call.resource(kind, call.json()?)?),
        _ => Change::Patch(call.operations(kind, &call.json()?)?),
    };
    let after = change.apply(call, kind, &mapping::canonical(&user))?;
    let ends = after.get("active").and_then(Value::as_bool) == Some(false) && Columns::of(&after).is_ok();
    Ok(ends.then_some((user.id, Ending::Deactivate)))
}
