//! `/Users`: provisioning people (RFC 7644 §3).
//!
//! Reading and answering is here; what POST does is in [`create`], what other writes do in [`write`], how a resource
//! lies in a row in [`mapping`], what it means that a name or an address changes in [`identity`], and what becomes
//! of a name that lives in another organization in [`joins`].

pub mod assignments;
mod change;
mod create;
mod endings;
mod identity;
mod joins;
mod listed;
mod mapping;
mod state;
mod taken_back;
mod write;

pub(in crate::scim) use endings::{foresee, may_end};
pub(in crate::scim) use listed::Listed;

use axum::{http::StatusCode, response::Response};
use change::Change;
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
    groups::{self, Membership},
    id::UserId,
    store::Db,
    users::{User, provisioned},
};

/// The resource type's name.
const TYPE: &str = "User";

/// `GET /Users`
pub async fn list(call: Call) -> Response {
    let outcome = all::listed(&call, &[TYPE], all::Source::Query).await;
    call.finish(outcome).await
}

/// `POST /Users/.search`
pub async fn search(call: Call) -> Response {
    let outcome = all::listed(&call, &[TYPE], all::Source::Body).await;
    call.finish(outcome).await
}

/// `GET /Users/{id}`
pub async fn read(call: Call) -> Response {
    call.finish(read_user(&call).await).await
}

async fn read_user(call: &Call) -> Result<Answer, Fault> {
    let kind = call.resource_type(TYPE)?;
    let mut db = call.app.store.reader().await?;
    let user = provisioned::find(&mut db, call.connection.id, call.id()?).await?.ok_or(Refusal::NotFound)?;
    call.check_version(user.version)?;
    // What others decide moves no version.
    let selection = list::selection(call, kind);
    let is_versioned = !kind.located().any(|located| state::is_told(&located) && selection.keeps(&located));
    if is_versioned && call.has_version(user.version) {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED).about(user.id.0, user.version));
    }
    answer(&mut db, call, kind, user).await
}

/// `POST /Users`
pub async fn create(call: Call) -> Response {
    endpoint::answer(call, Act::Create).await
}

pub(super) async fn create_user(call: &Call) -> Result<Answer, Fault> {
    let resource = call.resource(call.resource_type(TYPE)?, call.json()?)?;
    let password = create::hash_password(call, &resource).await?;
    let owned = call.clone();
    call.app
        .store
        .write(async move |tx| {
            let owned = owned.renewed(tx).await?;
            let user = create::create(tx, &owned, &resource, password.as_ref()).await?;
            let location = location(&owned, &user);
            let answer = answer(tx, &owned, owned.resource_type(TYPE)?, user).await?;
            owned.settle(answer.created(location).logged())
        })
        .await
}

/// `PUT /Users/{id}`
pub async fn replace(call: Call) -> Response {
    endpoint::answer(call, Act::Replace).await
}

pub(super) async fn replace_user(call: &Call) -> Result<Answer, Fault> {
    let resource = call.resource(call.resource_type(TYPE)?, call.json()?)?;
    write_user(call, Change::Replace(resource)).await
}

/// `PATCH /Users/{id}`
pub async fn patch(call: Call) -> Response {
    endpoint::answer(call, Act::Patch).await
}

pub(super) async fn patch_user(call: &Call) -> Result<Answer, Fault> {
    let operations = call.operations(call.resource_type(TYPE)?, &call.json()?)?;
    write_user(call, Change::Patch(operations)).await
}

async fn write_user(call: &Call, change: Change) -> Result<Answer, Fault> {
    let id: UserId = call.id()?;
    let owned = call.clone();
    call.app
        .store
        .write(async move |tx| {
            let owned = owned.renewed(tx).await?;
            let (user, is_changed) = match write::change(tx, &owned, id, &change).await? {
                write::Changed::Nothing(user) => (user, false),
                write::Changed::Written(user) => (user, true),
                write::Changed::Removed => return Err(Refusal::NotFound.into()),
                write::Changed::Held(refusal) => return owned.settle(Answer::refused(refusal, id.0)),
            };
            let answer = answer(tx, &owned, owned.resource_type(TYPE)?, user).await?;
            owned.settle(if is_changed { answer.logged() } else { answer })
        })
        .await
}

/// `DELETE /Users/{id}`
pub async fn delete(call: Call) -> Response {
    endpoint::answer(call, Act::Delete).await
}

pub(super) async fn delete_user(call: &Call) -> Result<Answer, Fault> {
    let id: UserId = call.id()?;
    let owned = call.clone();
    call.app
        .store
        .write(async move |tx| {
            let owned = owned.renewed(tx).await?;
            let answer = match write::delete(tx, &owned, id).await? {
                write::Changed::Held(refusal) => Answer::refused(refusal, id.0),
                write::Changed::Nothing(_) => Answer::empty(StatusCode::NO_CONTENT),
                write::Changed::Written(_) | write::Changed::Removed => Answer::empty(StatusCode::NO_CONTENT).logged(),
            };
            owned.settle(answer)
        })
        .await
}

/// The user as the request wants to see it. Groups are read only if they are shown.
async fn answer(db: &mut Db<'_>, call: &Call, kind: &ResourceType, user: User) -> Result<Answer, Fault> {
    let selection = list::selection(call, kind);
    let (id, version) = (user.id, user.version);
    let resources = resources(db, call, kind, &selection, vec![user]).await?;
    let body = resources.into_iter().next().unwrap_or_default();
    Ok(Answer::of(selection.project(kind, body)).about(id.0, version))
}

/// The full resources of users, with their groups if `selection` shows them; not yet projected.
async fn resources(
    db: &mut Db<'_>,
    call: &Call,
    kind: &ResourceType,
    selection: &Selection<'_>,
    users: Vec<User>,
) -> Result<Vec<Value>, Fault> {
    let ids: Vec<_> = users.iter().map(|user| user.id).collect();
    let memberships = if selection.shows(kind, "groups") {
        groups::memberships(db, call.connection.id, &ids).await?
    } else {
        Vec::new()
    };
    let given = if selection.shows(kind, &format!("{}:{}", assignments::EXTENSION, assignments::NAME)) {
        assignments::given(db, call, &ids).await?
    } else {
        Vec::new()
    };
    let told = state::read(db, call, (kind, selection), &ids).await?;
    let mut shown = Vec::with_capacity(users.len());
    for user in &users {
        let mut resource = resource(call, kind, user, &memberships);
        assignments::put(&mut resource, assignments::shown(db, call, &given, user.id).await?);
        state::put(db, &told, (kind, selection), (&mut resource, user)).await?;
        shown.push(Value::Object(kind.ordered(resource)));
    }
    Ok(shown)
}

/// What a resource says, in no order yet.
fn resource(call: &Call, kind: &ResourceType, user: &User, memberships: &[Membership]) -> Map<String, Value> {
    let mut resource = mapping::canonical(user);
    let base_url = call.base_url();
    let groups: Vec<Value> = memberships
        .iter()
        .filter(|membership| membership.user_id == user.id)
        .map(|membership| {
            json!({
                "value": membership.group_id,
                "$ref": format!("{base_url}/Groups/{}", membership.group_id),
                "display": membership.display_name,
                "type": if membership.is_direct { "direct" } else { "indirect" },
            })
        })
        .collect();
    if !groups.is_empty() {
        resource.insert("groups".to_owned(), Value::Array(groups));
    }
    resource.insert("id".to_owned(), user.id.to_string().into());
    let meta = json!({
        "resourceType": kind.name,
        "created": user.created_at.to_rfc3339(),
        "lastModified": user.updated_at.to_rfc3339(),
        "location": location(call, user),
        "version": etag(user.version),
    });
    resource.insert("meta".to_owned(), meta);
    resource
}

fn location(call: &Call, user: &User) -> String {
    format!("{}/Users/{}", call.base_url(), user.id)
}
