//! What writes to a resource do: one transaction each, whole or not at all.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{kind, place};
use crate::{
    audit::{self, Event, SubjectKind},
    connections::unique,
    custom_resources::{self, CustomResource},
    id::CustomResourceId,
    scim::{
        answer::Fault,
        call::Call,
        error::Refusal,
        event::{self, Kind, Subject},
        patch::{self, Operation},
        projection, replace, uniqueness, value,
    },
    store::Tx,
};

/// How a resource shall change.
pub(super) enum Change {
    /// PUT: the whole resource.
    Replace(Map<String, Value>),
    /// PATCH.
    Patch(Vec<Operation>),
}

pub(super) async fn create(
    tx: &mut Tx<'_>,
    call: &Call,
    resource: &Map<String, Value>,
) -> Result<CustomResource, Fault> {
    let kind = kind(call)?;
    let made = custom_resources::insert(tx, place(call, kind), Value::Object(resource.clone()), call.now).await?;
    claim(tx, call, &made, resource).await?;
    record(tx, call, made.id, "resource.created").await?;
    publish(tx, call, Kind::Create, &made, &projection::loggable(kind, resource)).await?;
    let details = json!({ "created": projection::loggable(kind, resource) });
    call.log(tx, StatusCode::CREATED, (made.id.0, ""), details).await?;
    Ok(made)
}

/// Applies a change, and answers the resource and whether it differs now. Judged again on the new state
/// where another request has changed the row meanwhile.
pub(super) async fn change(
    tx: &mut Tx<'_>,
    call: &Call,
    id: CustomResourceId,
    change: &Change,
) -> Result<(CustomResource, bool), Fault> {
    let kind = kind(call)?;
    loop {
        let found = find(tx, call, id).await?;
        let before = found.document.as_object().cloned().unwrap_or_default();
        let after = match change {
            Change::Replace(resource) => replace::apply(kind, &before, resource)?,
            Change::Patch(operations) => patch::apply(kind, &before, operations, call.quirks().unknown())?,
        };
        if before == after {
            return Ok((found, false));
        }
        let next = CustomResource { document: Value::Object(after.clone()), ..found };
        let Some(written) = custom_resources::update(tx, &next, call.now).await? else { continue };
        claim(tx, call, &written, &after).await?;
        record(tx, call, id, "resource.updated").await?;
        let (before, after) = (projection::loggable(kind, &before), projection::loggable(kind, &after));
        let changed = value::differences(&before, &after);
        publish(tx, call, event::kind_of_change(call), &written, &changed).await?;
        call.log(tx, StatusCode::OK, (id.0, ""), json!({ "changed": changed })).await?;
        return Ok((written, true));
    }
}

pub(super) async fn delete(tx: &mut Tx<'_>, call: &Call, id: CustomResourceId) -> Result<(), Fault> {
    let found = loop {
        let found = find(tx, call, id).await?;
        unique::release(tx, id.0).await?;
        if custom_resources::delete(tx, place(call, kind(call)?), &found).await? {
            break found;
        }
    };
    publish(tx, call, Kind::Delete, &found, &Map::new()).await?;
    record(tx, call, id, "resource.removed").await?;
    call.log(tx, StatusCode::NO_CONTENT, (id.0, ""), json!({ "removed": true })).await?;
    Ok(())
}

/// The resource, in the version that the request insists on if it does.
async fn find(tx: &mut Tx<'_>, call: &Call, id: CustomResourceId) -> Result<CustomResource, Fault> {
    let place = place(call, kind(call)?);
    let found = custom_resources::find(tx, place, id).await?.ok_or(Refusal::NotFound)?;
    call.check_version(found.version)?;
    Ok(found)
}

/// Takes the values that no other resource may have.
async fn claim(
    tx: &mut Tx<'_>,
    call: &Call,
    found: &CustomResource,
    resource: &Map<String, Value>,
) -> Result<(), Fault> {
    let claims = uniqueness::claims(kind(call)?, resource, &[]);
    let held = unique::hold(tx, call.connection.id, found.id.0, &claims).await?;
    held.map_err(|attribute| Fault::from(Refusal::Unique(uniqueness::short_name(&attribute).to_owned())))
}

/// Tells the organization's webhooks.
async fn publish(
    tx: &mut Tx<'_>,
    call: &Call,
    event: Kind,
    found: &CustomResource,
    changed: &Map<String, Value>,
) -> Result<(), Fault> {
    let subject = Subject {
        uri: format!("{}/{}", kind(call)?.endpoint, found.id),
        external_id: found.document.get("externalId").and_then(Value::as_str),
    };
    event::publish(tx, call, event, &subject, changed).await
}

async fn record(tx: &mut Tx<'_>, call: &Call, id: CustomResourceId, event: &'static str) -> Result<(), Fault> {
    let event = Event::new(call.connection.organization_id, event, call.by.clone())
        .on(SubjectKind::Resource, id.0)
        .with(json!({ "type": kind(call)?.name }));
    Ok(audit::record(tx, &call.app.master, event, call.now).await?)
}
