//! ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 §4, RFC 7643 §5 to §7). They say what
//! this server does, and nothing it does not.

use axum::response::Response;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Fault},
    bulk,
    call::Call,
    error::Refusal,
    event,
    list::{self, MOST, USUAL},
    schema::Schema,
    search::CURSOR_LIFE,
    users::assignments,
};
use crate::webhooks;

/// `GET /ServiceProviderConfig`
pub async fn configuration(call: Call) -> Response {
    call.finish(configured(&call).await).await
}

async fn configured(call: &Call) -> Result<Answer, Fault> {
    refuse_filter(call)?;
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": {
            "supported": true,
            "maxOperations": bulk::MOST_OPERATIONS,
            "maxPayloadSize": super::largest_body(&call.app),
        },
        "filter": { "supported": true, "maxResults": MOST },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": USUAL,
            "maxPageSize": MOST,
            "cursorTimeout": CURSOR_LIFE.as_secs(),
        },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of this connection in the Authorization header",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }, {
            "type": "oauth2",
            "name": "OAuth 2.0 client credentials",
            "description": format!("An access token of a client of this connection, from {}", call.app.config.url("/token")),
            "specUri": "https://www.rfc-editor.org/rfc/rfc6749#section-4.4",
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{}/ServiceProviderConfig", call.base_url()),
        },
    });
    let mut db = call.app.store.reader().await?;
    if webhooks::any_active(&mut db, call.connection.organization_id).await? {
        body["securityEvents"] = json!({ "asyncRequest": "request", "eventUris": event::uris() });
    }
    Ok(Answer::of(body))
}

/// `GET /ResourceTypes`
pub async fn resource_types(call: Call) -> Response {
    let outcome = refuse_filter(&call).and_then(|()| {
        let types = call.registry()?.resource_types();
        let documents = types.iter().map(|resource_type| placed(&call, &resource_type.document, "ResourceType"));
        Ok(Answer::of(list::response(documents.collect())))
    });
    call.finish(outcome.map_err(Fault::from)).await
}

/// `GET /ResourceTypes/{name}`
pub async fn resource_type(call: Call) -> Response {
    let outcome = refuse_filter(&call).and_then(|()| {
        let name = call.id.as_deref().unwrap_or_default();
        Ok(Answer::of(placed(&call, &call.resource_type(name)?.document, "ResourceType")))
    });
    call.finish(outcome.map_err(Fault::from)).await
}

/// `GET /Schemas`
pub async fn schemas(call: Call) -> Response {
    call.finish(all_schemas(&call).await).await
}

async fn all_schemas(call: &Call) -> Result<Answer, Fault> {
    refuse_filter(call)?;
    let mut documents = Vec::new();
    for schema in call.registry()?.schemas() {
        documents.push(described(call, schema).await?);
    }
    Ok(Answer::of(list::response(documents)))
}

/// `GET /Schemas/{urn}`
pub async fn schema(call: Call) -> Response {
    call.finish(one_schema(&call).await).await
}

async fn one_schema(call: &Call) -> Result<Answer, Fault> {
    refuse_filter(call)?;
    let urn = call.id.as_deref().unwrap_or_default();
    let schema = call.registry()?.schema(urn).ok_or(Refusal::NotFound)?;
    Ok(Answer::of(described(call, schema).await?))
}

/// A schema's document; our own extension says what this connection may assign.
async fn described(call: &Call, schema: &Schema) -> Result<Value, Fault> {
    let mut document = placed(call, &schema.document, "Schema");
    if schema.id == assignments::EXTENSION {
        let mut db = call.app.store.reader().await?;
        assignments::describe(&mut db, call, &mut document).await?;
    }
    Ok(document)
}

/// RFC 7644 §4: a filter here is answered 403, so that nobody takes a part for the whole.
fn refuse_filter(call: &Call) -> Result<(), Refusal> {
    if call.parameter("filter").is_some() { Err(Refusal::Forbidden) } else { Ok(()) }
}

/// The document with `meta`, which its file leaves out.
fn placed(call: &Call, document: &Value, kind: &str) -> Value {
    let mut document = document.clone();
    let id = document.get("id").and_then(Value::as_str).unwrap_or_default();
    let location = format!("{}/{kind}s/{id}", call.base_url());
    document["meta"] = json!({ "resourceType": kind, "location": location });
    document
}
