//! `/Groups`: groups of a connection's people (RFC 7644 §3).
//!
//! Members are rows: [`members`] turns what a request says of them into additions and removals, so
//! that one more member of a large group costs what it costs in a small one, and a read that leaves
//! them out does not touch them. What a group gives its members is an assignment to it: a change by which too many
//! would lose that at once is held ([`guarded`]).

mod guarded;
mod listed;
mod members;
mod write;

pub(in crate::scim) use listed::Listed;

use axum::{http::StatusCode, response::Response};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Fault, etag},
    call::Call,
    endpoint::{self, Act},
    error::Refusal,
    list,
    projection::Selection,
    schema::ResourceType,
    search as all,
};
use crate::{
    groups::{self, Group},
    id::GroupId,
    store::Db,
};

/// The resource type's name.
const TYPE: &str = "Group";
/// A PATCH of a larger group is answered without a body (RFC 7644 §3.5.2 allows 204).
const MOST_MEMBERS_SHOWN: i64 = 1000;

/// `GET /Groups`
pub async fn list(call: Call) -> Response {
    let outcome = all::listed(&call, &[TYPE], all::Source::Query).await;
    call.finish(outcome).await
}

/// `POST /Groups/.search`
pub async fn search(call: Call) -> Response {
    let outcome = all::listed(&call, &[TYPE], all::Source::Body).await;
    call.finish(outcome).await
}

/// `GET /Groups/{id}`
pub async fn read(call: Call) -> Response {
    call.finish(read_group(&call).await).await
}

async fn read_group(call: &Call) -> Result<Answer, Fault> {
    let mut db = call.app.store.reader().await?;
    let group = groups::find_provisioned(&mut db, call.connection.id, call.id()?).await?.ok_or(Refusal::NotFound)?;
    call.check_version(group.version)?;
    if call.has_version(group.version) {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED).about(group.id.0, group.version));
    }
    answer(&mut db, call, &group).await
}

/// `POST /Groups`
pub async fn create(call: Call) -> Response {
    endpoint::answer(call, Act::Create).await
}

pub(super) async fn create_group(call: &Call) -> Result<Answer, Fault> {
    let resource = call.resource(call.resource_type(TYPE)?, call.json()?)?;
    let owned = call.clone();
    call.app
        .store
        .write(async move |tx| {
            let owned = owned.renewed(tx).await?;
            let group = write::create(tx, &owned, &resource).await?;
            let location = location(&owned, &group);
            owned.settle(answer(tx, &owned, &group).await?.created(location).logged())
        })
        .await
}

/// `PUT /Groups/{id}`
pub async fn replace(call: Call) -> Response {
    endpoint::answer(call, Act::Replace).await
}

pub(super) async fn replace_group(call: &Call) -> Result<Answer, Fault> {
    let resource = call.resource(call.resource_type(TYPE)?, call.json()?)?;
    change_group(call, write::Change::Replace(resource)).await
}

/// `PATCH /Groups/{id}`
pub async fn patch(call: Call) -> Response {
    endpoint::answer(call, Act::Patch).await
}

pub(super) async fn patch_group(call: &Call) -> Result<Answer, Fault> {
    let kind = call.resource_type(TYPE)?;
    let split = members::split(kind, call.operations(kind, &call.json()?)?)?;
    change_group(call, write::Change::Patch(split)).await
}

async fn change_group(call: &Call, change: write::Change) -> Result<Answer, Fault> {
    let id: GroupId = call.id()?;
    let owned = call.clone();
    let is_patch = matches!(change, write::Change::Patch(_));
    let told = call
        .app
        .store
        .write(async move |tx| {
            let owned = owned.renewed(tx).await?;
            let (group, is_changed) = match write::change(tx, &owned, id, &change).await? {
                write::Changed::Nothing(group) => (group, false),
                write::Changed::Written(group) => (group, true),
                write::Changed::Removed => return Err(Refusal::NotFound.into()),
                write::Changed::Held(refusal) => {
                    let answer = owned.settle(Answer::refused(refusal, id.0))?;
                    return Ok(Told::Now(Box::new(answer)));
                }
            };
            let many = has_many_members(tx, &owned, &group).await?;
            let answer = if many && is_patch && owned.parameter("attributes").is_none() {
                // A long list that nobody has asked for.
                nothing(&group)
            } else if many && !owned.connection.settings.dry_run {
                return Ok::<_, Fault>(Told::Afterwards { group, is_changed });
            } else {
                answer(tx, &owned, &group).await?
            };
            let answer = owned.settle(if is_changed { answer.logged() } else { answer })?;
            Ok(Told::Now(Box::new(answer)))
        })
        .await?;
    let (group, is_changed) = match told {
        Told::Now(answer) => return Ok(*answer),
        Told::Afterwards { group, is_changed } => (group, is_changed),
    };
    let mut db = call.app.store.reader().await?;
    let answer = match groups::find_provisioned(&mut db, call.connection.id, id).await? {
        Some(group) => answer(&mut db, call, &group).await?,
        // Somebody has deleted it meanwhile.
        None => nothing(&group),
    };
    Ok(if is_changed { answer.logged() } else { answer })
}

/// 204.
fn nothing(group: &Group) -> Answer {
    Answer::empty(StatusCode::NO_CONTENT).about(group.id.0, group.version)
}

/// How a change is answered.
enum Told {
    Now(Box<Answer>),
    /// A long list that was asked for; it is read behind the commit, so that no other write waits for it.
    Afterwards {
        group: Group,
        is_changed: bool,
    },
}

/// Whether the answer has more members than are shown by the way.
async fn has_many_members(db: &mut Db<'_>, call: &Call, group: &Group) -> Result<bool, Fault> {
    let kind = call.resource_type(TYPE)?;
    if !list::selection(call, kind).shows(kind, "members") {
        return Ok(false);
    }
    Ok(groups::members_count(db, group.id, MOST_MEMBERS_SHOWN + 1).await? > MOST_MEMBERS_SHOWN)
}

/// `DELETE /Groups/{id}`
pub async fn delete(call: Call) -> Response {
    endpoint::answer(call, Act::Delete).await
}

pub(super) async fn delete_group(call: &Call) -> Result<Answer, Fault> {
    let id: GroupId = call.id()?;
    let owned = call.clone();
    call.app
        .store
        .write(async move |tx| {
            let owned = owned.renewed(tx).await?;
            owned.settle(match write::delete(tx, &owned, id).await? {
                write::Changed::Held(refusal) => Answer::refused(refusal, id.0),
                _ => Answer::empty(StatusCode::NO_CONTENT).logged(),
            })
        })
        .await
}

/// The group as the request wants to see it.
async fn answer(db: &mut Db<'_>, call: &Call, group: &Group) -> Result<Answer, Fault> {
    let kind = call.resource_type(TYPE)?;
    let selection = list::selection(call, kind);
    let resource = resource(db, call, kind, &selection, group).await?;
    Ok(Answer::of(selection.project(kind, resource)).about(group.id.0, group.version))
}

/// The full resource, with its members if `selection` shows them; not yet projected.
async fn resource(
    db: &mut Db<'_>,
    call: &Call,
    kind: &ResourceType,
    selection: &Selection<'_>,
    group: &Group,
) -> Result<Value, Fault> {
    let mut resource = canonical(group);
    if selection.shows(kind, "members") {
        let base_url = call.base_url();
        let shown = |id: String, kind: &str, display: String| {
            let mut shown = json!({ "value": id, "$ref": format!("{base_url}/{kind}s/{id}"), "type": kind });
            if !display.is_empty() {
                shown["display"] = display.into();
            }
            shown
        };
        let users = groups::members(db, group.id).await?;
        let children = groups::children(db, group.id).await?;
        let users = users.into_iter().map(|member| shown(member.user_id.to_string(), "User", member.display_name));
        let children = children.into_iter().map(|child| shown(child.group_id.to_string(), "Group", child.display_name));
        let members: Vec<Value> = users.chain(children).collect();
        if !members.is_empty() {
            resource.insert("members".to_owned(), Value::Array(members));
        }
    }
    resource.insert("id".to_owned(), group.id.to_string().into());
    let meta = json!({
        "resourceType": kind.name,
        "created": group.created_at.to_rfc3339(),
        "lastModified": group.updated_at.to_rfc3339(),
        "location": location(call, group),
        "version": etag(group.version),
    });
    resource.insert("meta".to_owned(), meta);
    Ok(Value::Object(kind.ordered(resource)))
}

/// The canonical resource of a group, without its members.
fn canonical(group: &Group) -> Map<String, Value> {
    let mut resource = group.document.as_object().cloned().unwrap_or_default();
    resource.insert("displayName".to_owned(), group.display_name.as_str().into());
    if let Some(external_id) = &group.external_id {
        resource.insert("externalId".to_owned(), external_id.as_str().into());
    }
    resource
}

fn location(call: &Call, group: &Group) -> String {
    format!("{}/Groups/{}", call.base_url(), group.id)
}
