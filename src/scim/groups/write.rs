//! What writes to a group do: one transaction each, whole or not at all.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{TYPE, canonical, guarded, members};
use crate::{
    audit::{self, Event, SubjectKind},
    connections::{self, unique},
    groups::{self, Group, NewGroup, NotWritten},
    id::{GroupId, UserId},
    provisioning::{self, Reach, mapping, memberships},
    scim::{
        answer::Fault,
        call::Call,
        error::Refusal,
        event::{self, Kind, Subject},
        patch, uniqueness,
        value::{self, Unknown},
    },
    store::Tx,
};

/// How many members may go at once before the log warns of it.
const MANY_REMOVED: i64 = 10;
/// Attributes that have a unique index, and need no row in `unique_values`.
pub(super) const UNIQUE_COLUMNS: [&str; 1] = ["displayName"];
/// How many of those left out the log names.
const STRANGERS_NAMED: usize = 20;

/// How a group shall change.
pub(super) enum Change {
    /// PUT: the whole resource, members and all.
    Replace(Map<String, Value>),
    /// PATCH.
    Patch(members::Split),
}

impl Change {
    /// What it says of the members, in its order.
    fn members(&self) -> Result<Vec<members::Change>, Refusal> {
        match self {
            Self::Replace(resource) => Ok(vec![members::Change::Set(members::take(&mut resource.clone())?)]),
            Self::Patch(split) => Ok(split.members.clone()),
        }
    }
}

/// What came of a request to change or delete a group.
pub(super) enum Changed {
    /// It wanted what is so already.
    Nothing(Group),
    Written(Group),
    Removed,
    /// The guard keeps it for an administrator; what it has written about that must commit.
    Held(Refusal),
}

/// Makes a group with its members.
pub(super) async fn create(tx: &mut Tx<'_>, call: &Call, resource: &Map<String, Value>) -> Result<Group, Fault> {
    let mut resource = resource.clone();
    let members = members::take(&mut resource)?;
    let claimed = resource.clone();
    let (display_name, external_id) = take_columns(&mut resource)?;
    let new = NewGroup {
        organization_id: call.connection.organization_id,
        connection_id: Some(call.connection.id),
        display_name,
        external_id,
        document: Value::Object(resource),
    };
    let written = groups::insert(tx, &new, call.now).await?;
    let group = written.map_err(|_| Refusal::Unique("displayName".to_owned()))?;
    claim(tx, call, &group, &claimed).await?;
    apply_rules(tx, call, &group).await?;
    let mut moved = Moved::default();
    add(tx, call, group.id, &members, &mut moved).await?;
    moved.warn(call);
    record(tx, call, &group, "group.created", json!({ "members": moved.added })).await?;
    publish(tx, call, Kind::Create, &group, &claimed).await?;
    let details = json!({ "created": canonical(&group), "members": moved.added });
    call.log(tx, StatusCode::CREATED, (group.id.0, &group.display_name), details).await?;
    Ok(group)
}

/// Applies a change, and answers the group and whether it differs now. Judged again on the new state
/// where another request has changed the row meanwhile.
pub(super) async fn change(tx: &mut Tx<'_>, call: &Call, id: GroupId, change: &Change) -> Result<Changed, Fault> {
    let ((rewritten, mut group), changes) = loop {
        let group = groups::find_provisioned(tx, call.connection.id, id).await?.ok_or(Refusal::NotFound)?;
        call.check_version(group.version)?;
        let (after, changes) = (after(call, &group, change)?, change.members()?);
        if let Some(refusal) = guarded::judge(tx, call, &group, &changes).await? {
            return Ok(Changed::Held(refusal));
        }
        match rewrite(tx, call, &group, after).await? {
            Some(written) => break (written, changes),
            None => continue,
        }
    };
    if rewritten.contains_key("displayName") {
        apply_rules(tx, call, &group).await?;
    }
    let mut moved = Moved::default();
    for change in &changes {
        apply(tx, call, id, change, &mut moved).await?;
    }
    moved.warn(call);
    std::mem::take(&mut moved.reach).settle(tx, &call.app.master, call.now).await?;
    if moved.is_none() && rewritten.is_empty() {
        return Ok(Changed::Nothing(group));
    }
    if rewritten.is_empty() {
        group = touch(tx, call, group).await?;
    }
    warn_of_shrinking(tx, call, id, moved.removed).await?;
    let counts = json!({ "added": moved.added, "removed": moved.removed });
    record(tx, call, &group, "group.updated", counts.clone()).await?;
    let mut changed = rewritten.clone();
    if !moved.is_none() {
        changed.insert("members".to_owned(), counts.clone());
    }
    publish(tx, call, event::kind_of_change(call), &group, &changed).await?;
    let details = json!({ "changed": rewritten, "members": counts });
    call.log(tx, StatusCode::OK, (id.0, &group.display_name), details).await?;
    Ok(Changed::Written(group))
}

/// Gives the group what the connection's rules say of its name. The rules are those that stand now: a request that
/// came before they were changed waits for the change.
async fn apply_rules(tx: &mut Tx<'_>, call: &Call, group: &Group) -> Result<(), Fault> {
    connections::lock(tx, call.connection.id).await?;
    let connection = connections::find(tx, call.connection.id).await?.ok_or(Refusal::Unauthorized)?;
    let reach = mapping::apply(tx, &connection, group, call.now).await?;
    Ok(reach.settle(tx, &call.app.master, call.now).await?)
}

/// What a change makes of all that is no member.
fn after(call: &Call, group: &Group, change: &Change) -> Result<Map<String, Value>, Refusal> {
    let after = match change {
        Change::Replace(resource) => {
            let mut resource = resource.clone();
            resource.shift_remove("members");
            resource
        }
        Change::Patch(split) => {
            let unknown = call.quirks().unknown();
            patch::apply(call.resource_type(TYPE)?, &canonical(group), &split.rest, unknown)?
        }
    };
    take_columns(&mut after.clone())?;
    Ok(after)
}

/// Writes what is no member. Answers the differences and the group; `None` if the row has moved.
async fn rewrite(
    tx: &mut Tx<'_>,
    call: &Call,
    group: &Group,
    mut after: Map<String, Value>,
) -> Result<Option<(Map<String, Value>, Group)>, Fault> {
    let before = canonical(group);
    let differences = value::differences(&before, &after);
    if differences.is_empty() {
        return Ok(Some((differences, group.clone())));
    }
    let claimed = after.clone();
    let (display_name, external_id) = take_columns(&mut after)?;
    let next = Group { display_name, external_id, document: Value::Object(after), ..group.clone() };
    match groups::update(tx, &next, call.now).await? {
        Ok(group) => {
            claim(tx, call, &group, &claimed).await?;
            Ok(Some((differences, group)))
        }
        Err(NotWritten::Taken) => Err(Refusal::Unique("displayName".to_owned()).into()),
        Err(NotWritten::Stale) => Ok(None),
    }
}

/// A tool that means to add one member and sends `replace` empties the group: it is obeyed, since a full
/// push looks the same, but the administrator is told.
async fn warn_of_shrinking(tx: &mut Tx<'_>, call: &Call, id: GroupId, removed: u64) -> Result<(), Fault> {
    let limit = i64::try_from(removed).unwrap_or(i64::MAX);
    if limit >= MANY_REMOVED && groups::members_count(tx, id, limit).await? < limit {
        call.warn(format!("members: {removed} were removed by one request, more than are left"));
    }
    Ok(())
}

/// Moves the version after members have. Who sent `If-Match` is refused if somebody was faster.
async fn touch(tx: &mut Tx<'_>, call: &Call, group: Group) -> Result<Group, Fault> {
    let version = groups::touch(tx, group.id, call.now).await?.ok_or(Refusal::NotFound)?;
    if call.has_precondition() && version != group.version + 1 {
        return Err(Refusal::Stale.into());
    }
    Ok(Group { version, updated_at: call.now, ..group })
}

/// How many members came and went, and who was named but is no user of the connection.
#[derive(Debug, Default)]
struct Moved {
    added: u64,
    removed: u64,
    strangers: Vec<String>,
    /// Who may lose a product by it.
    reach: Reach,
}

impl Moved {
    fn is_none(&self) -> bool {
        self.added + self.removed == 0
    }

    /// Has the log say who was left out.
    fn warn(&self, call: &Call) {
        if self.strangers.is_empty() {
            return;
        }
        let shown: Vec<String> =
            self.strangers.iter().take(STRANGERS_NAMED).map(|id| id.chars().take(80).collect()).collect();
        let more = match self.strangers.len() - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = shown.join(", ");
        call.warn(format!(
            "left out, since they are no users of this connection, nor other groups of it: {shown}{more}"
        ));
    }
}

async fn apply(
    tx: &mut Tx<'_>,
    call: &Call,
    group: GroupId,
    change: &members::Change,
    moved: &mut Moved,
) -> Result<(), Fault> {
    match change {
        members::Change::Add(named) => add(tx, call, group, named, moved).await,
        members::Change::Remove(ids) => remove(tx, group, ids, moved).await,
        members::Change::Set(named) => {
            let mut present: BTreeSet<UserId> = groups::member_ids(tx, group).await?.into_iter().collect();
            present.extend(groups::children(tx, group).await?.into_iter().map(|child| UserId(child.group_id.0)));
            let wanted: BTreeSet<UserId> = named.ids.iter().copied().collect();
            let gone: Vec<UserId> = present.difference(&wanted).copied().collect();
            let new = members::Named {
                ids: wanted.difference(&present).copied().collect(),
                strangers: named.strangers.clone(),
            };
            remove(tx, group, &gone, moved).await?;
            add(tx, call, group, &new, moved).await
        }
    }
}

/// Removes users, and whoever is none and therefore may be a group.
async fn remove(tx: &mut Tx<'_>, group: GroupId, ids: &[UserId], moved: &mut Moved) -> Result<(), Fault> {
    let members: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let (left, reach) = memberships::leave(tx, group, &members).await?;
    moved.removed += left;
    moved.reach.add(reach);
    Ok(())
}

/// A request names members by ids alone: whether one is a user or a group, the rows say.
fn as_groups(ids: &[UserId]) -> Vec<GroupId> {
    ids.iter().map(|id| GroupId(id.0)).collect()
}

/// Adds users and groups of the connection. A foreign id is as unknown as one that never was: a strict connection
/// is refused the whole, another goes on without them, and its log says so.
async fn add(
    tx: &mut Tx<'_>,
    call: &Call,
    group: GroupId,
    named: &members::Named,
    moved: &mut Moved,
) -> Result<(), Fault> {
    let added = groups::add_members(tx, call.connection.id, group, &named.ids, call.now).await?;
    let nested = as_groups(&added.strangers);
    let nested = groups::add_children(tx, call.connection.id, group, &nested, call.now).await?;
    moved.added += added.new + nested.new;
    let strangers = named.strangers.iter().cloned().chain(nested.strangers.iter().map(ToString::to_string));
    moved.strangers.extend(strangers);
    match moved.strangers.first() {
        Some(stranger) if call.quirks().unknown() == Unknown::Refuse => Err(Refusal::NoMember(stranger.clone()).into()),
        _ => Ok(()),
    }
}

/// Deletes a group, its memberships, and what it gave.
pub(super) async fn delete(tx: &mut Tx<'_>, call: &Call, id: GroupId) -> Result<Changed, Fault> {
    let group = groups::find_provisioned(tx, call.connection.id, id).await?.ok_or(Refusal::NotFound)?;
    call.check_version(group.version)?;
    if let Some(refusal) = guarded::judge_end(tx, call, &group).await? {
        return Ok(Changed::Held(refusal));
    }
    if !memberships::delete(tx, &call.app.master, id, call.now).await? {
        return Err(Refusal::NotFound.into());
    }
    provisioning::forget_group(tx, &call.connection, id, call.now).await?;
    record(tx, call, &group, "group.removed", json!({})).await?;
    publish(tx, call, Kind::Delete, &group, &Map::new()).await?;
    call.log(tx, StatusCode::NO_CONTENT, (id.0, &group.display_name), json!({ "removed": true })).await?;
    Ok(Changed::Removed)
}

/// Tells the organization's webhooks.
async fn publish(
    tx: &mut Tx<'_>,
    call: &Call,
    kind: Kind,
    group: &Group,
    changed: &Map<String, Value>,
) -> Result<(), Fault> {
    event::publish(tx, call, kind, &Subject::group(group), changed).await
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

/// Name and external id, which have columns.
fn take_columns(resource: &mut Map<String, Value>) -> Result<(String, Option<String>), Refusal> {
    let (name, external_id) = (take_text(resource, "displayName"), take_text(resource, "externalId"));
    value::check_length("displayName", name.as_deref())?;
    value::check_length("externalId", external_id.as_deref())?;
    Ok((name.unwrap_or_default(), external_id))
}

fn take_text(resource: &mut Map<String, Value>, name: &str) -> Option<String> {
    match resource.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
