//! Resource types that configuration adds (RFC 7643 §6): an entry in `resource_types.json` and a schema,
//! no code. Whatever the type, its resources are validated, projected, patched and filtered by what the
//! schema says of them, as users and groups are.
//!
//! A resource is a document of one connection ([`crate::custom_resources`]); it means nothing to the rest
//! of the server, so a write is the row, its unique values, an audit event and the log.

mod listed;
mod write;

pub(in crate::scim) use listed::Listed;

use axum::{http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Fault, etag},
    call::Call,
    endpoint::{self, Act},
    error::Refusal,
    list,
    schema::ResourceType,
    search as all,
};
use crate::{
    custom_resources::{self, CustomResource, Place},
    id::CustomResourceId,
};

/// `GET /{endpoint}`
pub async fn list(call: Call) -> Response {
    call.finish(listed(&call, all::Source::Query).await).await
}

/// `POST /{endpoint}/.search`
pub async fn search(call: Call) -> Response {
    call.finish(listed(&call, all::Source::Body).await).await
}

async fn listed(call: &Call, source: all::Source) -> Result<Answer, Fault> {
    all::listed(call, &[&kind(call)?.name], source).await
}

/// `GET /{endpoint}/{id}`
pub async fn read(call: Call) -> Response {
    call.finish(read_resource(&call).await).await
}

async fn read_resource(call: &Call) -> Result<Answer, Fault> {
    let kind = kind(call)?;
    let mut db = call.app.store.reader().await?;
    let found = custom_resources::find(&mut db, place(call, kind), id(call)?).await?.ok_or(Refusal::NotFound)?;
    call.check_version(found.version)?;
    if call.has_version(found.version) {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED).about(found.id.0, found.version));
    }
    Ok(answer(call, kind, &found))
}

/// `POST /{endpoint}`
pub async fn create(call: Call) -> Response {
    endpoint::answer(call, Act::Create).await
}

pub(super) async fn create_resource(call: &Call) -> Result<Answer, Fault> {
    let resource = call.resource(kind(call)?, call.json()?)?;
    let owned = call.clone();
    let written = call.app.store.write(async move |tx| {
        let owned = owned.renewed(tx).await?;
        let made = write::create(tx, &owned, &resource).await?;
        let kind = kind(&owned)?;
        owned.settle(answer(&owned, kind, &made).created(location(&owned, kind, made.id)).logged())
    });
    written.await
}

/// `PUT /{endpoint}/{id}`
pub async fn replace(call: Call) -> Response {
    endpoint::answer(call, Act::Replace).await
}

pub(super) async fn replace_resource(call: &Call) -> Result<Answer, Fault> {
    let resource = call.resource(kind(call)?, call.json()?)?;
    change(call, write::Change::Replace(resource)).await
}

/// `PATCH /{endpoint}/{id}`
pub async fn patch(call: Call) -> Response {
    endpoint::answer(call, Act::Patch).await
}

pub(super) async fn patch_resource(call: &Call) -> Result<Answer, Fault> {
    let operations = call.operations(kind(call)?, &call.json()?)?;
    change(call, write::Change::Patch(operations)).await
}

async fn change(call: &Call, change: write::Change) -> Result<Answer, Fault> {
    let (id, owned) = (id(call)?, call.clone());
    let written = call.app.store.write(async move |tx| {
        let owned = owned.renewed(tx).await?;
        let (resource, is_changed) = write::change(tx, &owned, id, &change).await?;
        let answer = answer(&owned, kind(&owned)?, &resource);
        owned.settle(if is_changed { answer.logged() } else { answer })
    });
    written.await
}

/// `DELETE /{endpoint}/{id}`
pub async fn delete(call: Call) -> Response {
    endpoint::answer(call, Act::Delete).await
}

pub(super) async fn delete_resource(call: &Call) -> Result<Answer, Fault> {
    let (id, owned) = (id(call)?, call.clone());
    let written = call.app.store.write(async move |tx| {
        let owned = owned.renewed(tx).await?;
        write::delete(tx, &owned, id).await?;
        owned.settle(Answer::empty(StatusCode::NO_CONTENT).logged())
    });
    written.await
}

/// The resource type that the request is about.
fn kind(call: &Call) -> Result<&ResourceType, Refusal> {
    call.registry()?.endpoint(call.endpoint()).ok_or(Refusal::NotFound)
}

/// What is no id of ours, or is at no endpoint of a type, is 404.
fn id(call: &Call) -> Result<CustomResourceId, Refusal> {
    kind(call)?;
    call.id()
}

fn place<'k>(call: &Call, kind: &'k ResourceType) -> Place<'k> {
    Place { connection: call.connection.id, kind: &kind.name }
}

/// The resource as the request wants to see it.
fn answer(call: &Call, kind: &ResourceType, found: &CustomResource) -> Answer {
    let body = list::selection(call, kind).project(kind, resource(call, kind, found));
    Answer::of(body).about(found.id.0, found.version)
}

/// The full resource, not yet projected.
fn resource(call: &Call, kind: &ResourceType, found: &CustomResource) -> Value {
    let mut resource = found.document.as_object().cloned().unwrap_or_default();
    resource.insert("id".to_owned(), found.id.to_string().into());
    let meta = json!({
        "resourceType": kind.name,
        "created": found.created_at.to_rfc3339(),
        "lastModified": found.updated_at.to_rfc3339(),
        "location": location(call, kind, found.id),
        "version": etag(found.version),
    });
    resource.insert("meta".to_owned(), meta);
    Value::Object(kind.ordered(resource))
}

fn location(call: &Call, kind: &ResourceType, id: CustomResourceId) -> String {
    format!("{}{}/{id}", call.base_url(), kind.endpoint)
}
