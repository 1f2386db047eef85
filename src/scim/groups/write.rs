//! What writes to a group do: one transaction each, whole or not at all.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{TYPE, canonical, members};
use crate::{
    access,
    audit::{self, Event, SubjectKind},
    connections::{log, unique},
    groups::{self, Group, NewGroup, NotWritten},
    id::{GroupId, UserId},
    scim::{answer::Fault, call::Call, error::Refusal, patch, uniqueness, value},
    store::Tx,
};

/// Attributes that have a unique index, and need no row in `unique_values`.
const UNIQUE_COLUMNS: [&str; 1] = ["displayName"];

/// How a group shall change.
pub(super) enum Change {
    /// PUT: the whole resource, members and all.
    Replace(Map<String, Value>),
    /// PATCH.
    Patch(members::Split),
}

/// Makes a group with its members.
pub(super) async fn create(tx: &mut Tx<'_>, call: &Call, resource: &Map<String, Value>) -> Result<Group, Fault> {
    let mut resource = resource.clone();
    let members = members::take(&mut resource)?;
    let claimed = resource.clone();
    let new = NewGroup {
        organization_id: call.connection.organization_id,
        connection_id: Some(call.connection.id),
        display_name: take_text(&mut resource, "displayName").unwrap_or_default(),
        external_id: take_text(&mut resource, "externalId"),
        document: Value::Object(resource),
    };
    let written = groups::insert(tx, &new, call.now).await?;
    let group = written.map_err(|_| Refusal::Unique("displayName".to_owned()))?;
    claim(tx, call, &group, &claimed).await?;
    add(tx, call, group.id, &members).await?;
    record(tx, call, &group, "group.created", json!({ "members": members.len() })).await?;
    let details = json!({ "created": canonical(&group), "members": members.len() });
    log::insert(tx, &call.entry(StatusCode::CREATED, Some(group.id.0), details)).await?;
    Ok(group)
}

/// Applies a change, and answers the group and whether it differs now. Judged again on the new state
/// where another request has changed the row meanwhile.
pub(super) async fn change(tx: &mut Tx<'_>, call: &Call, id: GroupId, change: &Change) -> Result<(Group, bool), Fault> {
    let (rewritten, mut group) = loop {
        let group = groups::find_provisioned(tx, call.connection.id, id).await?.ok_or(Refusal::NotFound)?;
        call.check_version(group.version)?;
        match rewrite(tx, call, &group, change).await? {
            Some(written) => break written,
            None => continue,
        }
    };
    let moved = match change {
        Change::Replace(resource) => {
            let members = members::take(&mut resource.clone())?;
            apply(tx, call, id, &members::Change::Set(members)).await?
        }
        Change::Patch(split) => {
            let mut moved = Moved::default();
            for change in &split.members {
                moved += apply(tx, call, id, change).await?;
            }
            moved
        }
    };
    if moved.is_none() && rewritten.is_empty() {
        return Ok((group, false));
    }
    if rewritten.is_empty() {
        group = touch(tx, call, group).await?;
    }
    let counts = json!({ "added": moved.added, "removed": moved.removed });
    record(tx, call, &group, "group.updated", counts.clone()).await?;
    let details = json!({ "changed": rewritten, "members": counts });
    log::insert(tx, &call.entry(StatusCode::OK, Some(id.0), details)).await?;
    Ok((group, true))
}

/// Writes what is no member. Answers the differences and the group; `None` if the row has moved.
async fn rewrite(
    tx: &mut Tx<'_>,
    call: &Call,
    group: &Group,
    change: &Change,
) -> Result<Option<(Map<String, Value>, Group)>, Fault> {
    let before = canonical(group);
    let mut after = match change {
        Change::Replace(resource) => {
            let mut resource = resource.clone();
            resource.shift_remove("members");
            resource
        }
        Change::Patch(split) => patch::apply(call.resource_type(TYPE)?, &before, &split.rest, call.quirks().unknown())?,
    };
    let differences = value::differences(&before, &after);
    if differences.is_empty() {
        return Ok(Some((differences, group.clone())));
    }
    let claimed = after.clone();
    let next = Group {
        display_name: take_text(&mut after, "displayName").unwrap_or_default(),
        external_id: take_text(&mut after, "externalId"),
        document: Value::Object(after),
        ..group.clone()
    };
    match groups::update(tx, &next, call.now).await? {
        Ok(group) => {
            claim(tx, call, &group, &claimed).await?;
            Ok(Some((differences, group)))
        }
        Err(NotWritten::Taken) => Err(Refusal::Unique("displayName".to_owned()).into()),
        Err(NotWritten::Stale) => Ok(None),
    }
}

/// Moves the version after members have. Who sent `If-Match` is refused if somebody was faster.
async fn touch(tx: &mut Tx<'_>, call: &Call, group: Group) -> Result<Group, Fault> {
    let version = groups::touch(tx, group.id, call.now).await?.ok_or(Refusal::NotFound)?;
    if call.has_precondition() && version != group.version + 1 {
        return Err(Refusal::Stale.into());
    }
    Ok(Group { version, updated_at: call.now, ..group })
}

/// How many members came and went.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    added: u64,
    removed: u64,
}

impl Moved {
    fn is_none(self) -> bool {
        self.added + self.removed == 0
    }
}

impl std::ops::AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.removed += other.removed;
    }
}

async fn apply(tx: &mut Tx<'_>, call: &Call, group: GroupId, change: &members::Change) -> Result<Moved, Fault> {
    match change {
        members::Change::Add(users) => Ok(Moved { added: add(tx, call, group, users).await?, removed: 0 }),
        members::Change::Remove(users) => {
            Ok(Moved { added: 0, removed: groups::remove_members(tx, group, users).await? })
        }
        members::Change::Set(users) => {
            let present: BTreeSet<UserId> =
                groups::members(tx, group).await?.into_iter().map(|member| member.user_id).collect();
            let wanted: BTreeSet<UserId> = users.iter().copied().collect();
            let gone: Vec<UserId> = present.difference(&wanted).copied().collect();
            let new: Vec<UserId> = wanted.difference(&present).copied().collect();
            let removed = groups::remove_members(tx, group, &gone).await?;
            Ok(Moved { added: add(tx, call, group, &new).await?, removed })
        }
    }
}

/// Adds users of the connection. A foreign id is as unknown as one that never was.
async fn add(tx: &mut Tx<'_>, call: &Call, group: GroupId, users: &[UserId]) -> Result<u64, Fault> {
    if users.is_empty() {
        return Ok(0);
    }
    let added = groups::add_members(tx, call.connection.id, group, users, call.now).await?;
    added.map_err(|unknown| {
        let id = users.first().filter(|_| users.len() == 1).map(ToString::to_string);
        Refusal::NoMember(id.unwrap_or_else(|| format!("list: {unknown} of {}", users.len()))).into()
    })
}

/// Deletes a group, its memberships, and what it gave.
pub(super) async fn delete(tx: &mut Tx<'_>, call: &Call, id: GroupId) -> Result<(), Fault> {
    let group = groups::find_provisioned(tx, call.connection.id, id).await?.ok_or(Refusal::NotFound)?;
    call.check_version(group.version)?;
    access::end_of_group(tx, id).await?;
    unique::release(tx, id.0).await?;
    if !groups::delete(tx, id).await? {
        return Err(Refusal::NotFound.into());
    }
    record(tx, call, &group, "group.removed", json!({})).await?;
    log::insert(tx, &call.entry(StatusCode::NO_CONTENT, Some(id.0), json!({ "removed": true }))).await?;
    Ok(())
}

async fn claim(tx: &mut Tx<'_>, call: &Call, group: &Group, resource: &Map<String, Value>) -> Result<(), Fault> {
    let claims = uniqueness::claims(call.resource_type(TYPE)?, resource, &UNIQUE_COLUMNS);
    let held = unique::hold(tx, call.connection.id, group.id.0, &claims).await?;
    held.map_err(|attribute| Fault::from(Refusal::Unique(uniqueness::short_name(&attribute).to_owned())))
}

async fn record(tx: &mut Tx<'_>, call: &Call, group: &Group, kind: &'static str, details: Value) -> Result<(), Fault> {
    let event =
        Event::new(group.organization_id, kind, call.by.clone()).on(SubjectKind::Group, group.id.0).with(details);
    Ok(audit::record(tx, &call.app.master, event, call.now).await?)
}

fn take_text(resource: &mut Map<String, Value>, name: &str) -> Option<String> {
    match resource.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
