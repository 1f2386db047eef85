//! Whom a request would put out of a group, asked before it is done: for the guard (V3).

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::members::{self, Change};
use crate::{
    groups::{self, Group},
    id::GroupId,
    provisioning::{HoldReason, Leaving},
    scim::{answer::Fault, call::Call, error::Refusal},
    store::{Db, Tx},
};

/// Asks the guard about changes of a group's members, before anything of them is done.
pub(super) async fn judge(
    tx: &mut Tx<'_>,
    call: &Call,
    group: &Group,
    changes: &[Change],
) -> Result<Option<Refusal>, Fault> {
    let Some(guard) = call.connection.settings.guard else { return Ok(None) };
    if let Some(leaving) = leaving(tx, call, group, (changes, guard.minimum)).await?
        && let Some(refusal) = held(tx, call, group, leaving).await?
    {
        return Ok(Some(refusal));
    }
    call.guarded().names_members(tx, group.id, &named(changes)).await?;
    Ok(None)
}

/// Asks the guard about the end of a group.
pub(super) async fn judge_end(tx: &mut Tx<'_>, call: &Call, group: &Group) -> Result<Option<Refusal>, Fault> {
    if !call.guarded().watches(tx, group.id).await? {
        return Ok(None);
    }
    held(tx, call, group, Leaving::Everybody).await
}

async fn held(tx: &mut Tx<'_>, call: &Call, group: &Group, leaving: Leaving) -> Result<Option<Refusal>, Fault> {
    let Some(reason) = call.guarded().judge_group(tx, group, leaving).await? else { return Ok(None) };
    let refusal = if reason == HoldReason::Discarded { Refusal::HeldAgain } else { Refusal::GroupHeld };
    let details = json!({ "held": refusal.to_string() });
    call.log(tx, StatusCode::CONFLICT, (group.id.0, &group.display_name), details).await?;
    Ok(Some(refusal))
}

/// Whom the changes together take out, and who is a member after them. `None` where they cannot be too many: fewer
/// are named than the guard lets go in any case, and no group is among them; or the group gives nothing.
async fn leaving(
    db: &mut Db<'_>,
    call: &Call,
    group: &Group,
    (changes, minimum): (&[Change], u32),
) -> Result<Option<Leaving>, Fault> {
    let removed = || {
        changes.iter().filter_map(|change| if let Change::Remove(ids) = change { Some(ids) } else { None }).flatten()
    };
    let is_set = changes.iter().any(|change| matches!(change, Change::Set(_)));
    if !is_set && removed().next().is_none() {
        return Ok(None);
    }
    let children = groups::children(db, group.id).await?;
    let is_child = |id: &Uuid| children.iter().any(|child| child.group_id.0 == *id);
    if !is_set && removed().count() < minimum as usize && !removed().any(|id| is_child(&id.0)) {
        return Ok(None);
    }
    if !call.guarded().watches(db, group.id).await? {
        return Ok(None);
    }
    let mut before: BTreeSet<Uuid> = groups::member_ids(db, group.id).await?.into_iter().map(|id| id.0).collect();
    before.extend(children.iter().map(|child| child.group_id.0));
    let mut rest = before.clone();
    for change in changes {
        match change {
            Change::Add(named) => rest.extend(ids(named)),
            Change::Remove(ids) => ids.iter().for_each(|id| _ = rest.remove(&id.0)),
            Change::Set(named) => rest = ids(named).collect(),
        }
    }
    let gone: BTreeSet<Uuid> = before.difference(&rest).copied().collect();
    if gone.is_empty() {
        return Ok(None);
    }
    let new: Vec<GroupId> = rest.difference(&before).copied().map(GroupId).collect();
    let mut within: Vec<GroupId> =
        children.iter().map(|child| child.group_id).filter(|child| rest.contains(&child.0)).collect();
    within.extend(groups::find_all(db, call.connection.id, &new).await?.into_iter().map(|group| group.id));
    Ok(Some(Leaving::Members { gone, rest, within }))
}

/// Whom the changes say to be members when they are done.
fn named(changes: &[Change]) -> BTreeSet<Uuid> {
    let mut said = BTreeSet::new();
    for change in changes {
        match change {
            Change::Add(named) => said.extend(ids(named)),
            Change::Remove(ids) => ids.iter().for_each(|id| _ = said.remove(&id.0)),
            Change::Set(named) => said = ids(named).collect(),
        }
    }
    said
}

fn ids(named: &members::Named) -> impl Iterator<Item = Uuid> + '_ {
    named.ids.iter().map(|id| id.0)
}
