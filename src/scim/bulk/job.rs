use axum::http::Method;
use serde_json::{Value, json};

use super::{MOST_OPERATIONS, reference};
use crate::scim::{call::Single, error::Refusal, value::Unknown};

const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A bulk request (RFC 7644 §3.7).
pub struct Job {
    /// After so many errors the rest is left undone.
    pub fail_on_errors: Option<usize>,
    pub operations: Vec<Operation>,
    /// Whether it is a request of its own and no bulk request: then nothing in it is a reference.
    pub is_alone: bool,
}

/// One operation of it.
pub struct Operation {
    /// As it was sent, for the answer.
    pub method: String,
    pub bulk_id: Option<String>,
    /// The request that it stands for, references and all; or why it stands for none.
    pub single: Result<Single, Refusal>,
}

impl Job {
    /// Reads the body. What is wrong with one operation is that one's.
    ///
    /// # Errors
    /// `invalidSyntax`: it is no bulk request. 413: it has too many operations.
    pub fn parse(body: &Value, unknown: Unknown) -> Result<Self, Refusal> {
        let schemas = member(body, "schemas").and_then(Value::as_array);
        let is_bulk = schemas.is_some_and(|urns| urns.iter().any(|urn| urn == SCHEMA));
        if unknown == Unknown::Refuse && !is_bulk {
            return Err(Refusal::Syntax("schemas names the BulkRequest"));
        }
        let operations = member(body, "Operations").and_then(Value::as_array);
        let operations = operations.ok_or(Refusal::Syntax("Operations is a list"))?;
        if operations.len() > MOST_OPERATIONS {
            return Err(Refusal::TooLarge);
        }
        let fail_on_errors = match member(body, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(most) => {
                let most = most.as_u64().ok_or(Refusal::Syntax("failOnErrors is a whole number"))?;
                Some(usize::try_from(most).unwrap_or(usize::MAX).max(1))
            }
        };
        let mut parsed: Vec<Operation> = Vec::with_capacity(operations.len());
        for operation in operations {
            let mut operation = Operation::parse(operation);
            let own = operation.own_id();
            if own.is_some() && parsed.iter().any(|earlier| earlier.own_id() == own) {
                operation.single = Err(Refusal::Syntax("a bulkId is unique within the request"));
            }
            parsed.push(operation);
        }
        Ok(Self { fail_on_errors, operations: parsed, is_alone: false })
    }

    /// One request that is no bulk request.
    pub fn of(single: Single) -> Self {
        let operation = Operation { method: single.method.to_string(), bulk_id: None, single: Ok(single) };
        Self { fail_on_errors: None, operations: vec![operation], is_alone: true }
    }
}

impl Operation {
    fn parse(body: &Value) -> Self {
        let text = |name: &str| member(body, name).and_then(Value::as_str).map(str::to_owned);
        let method = text("method").unwrap_or_default();
        let bulk_id = text("bulkId");
        let single = single(body, &method, bulk_id.as_deref());
        Self { method, bulk_id, single }
    }

    /// The id by which others refer to what this one makes.
    pub fn own_id(&self) -> Option<&str> {
        let makes = self.method.eq_ignore_ascii_case("POST") && self.single.is_ok();
        self.bulk_id.as_deref().filter(|_| makes)
    }

    /// The ids that it refers to, in its path or its data.
    pub fn references(&self) -> Vec<&str> {
        let Ok(single) = &self.single else { return Vec::new() };
        let mut found = Vec::new();
        found.extend(single.id.as_deref().and_then(reference::named));
        reference::collect(&single.body, &mut found);
        found
    }
}

fn single(body: &Value, method: &str, bulk_id: Option<&str>) -> Result<Single, Refusal> {
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .ok()
        .filter(|method| [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method))
        .ok_or(Refusal::Syntax("method is POST, PUT, PATCH or DELETE"))?;
    let path = member(body, "path").and_then(Value::as_str).ok_or(Refusal::Syntax("path is a string"))?;
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let endpoint = format!("/{}", parts.next().unwrap_or_default());
    let id = parts.next().filter(|id| !id.is_empty()).map(str::to_owned);
    if (method == Method::POST) != id.is_none() {
        return Err(Refusal::Syntax("a path is /Type for POST, and /Type/id otherwise"));
    }
    // RFC 7644 §3.7: required for POST.
    if method == Method::POST && bulk_id.is_none_or(str::is_empty) {
        return Err(Refusal::Syntax("a POST has a bulkId"));
    }
    let version = member(body, "version").and_then(Value::as_str).map(str::to_owned);
    let body = match member(body, "data").cloned().unwrap_or_default() {
        // RFC 7644 §3.7.3 writes the operations of a PATCH alone.
        Value::Array(operations) if method == Method::PATCH => json!({ "Operations": operations }),
        data => data,
    };
    Ok(Single { method, endpoint, id, version, body })
}

/// A member of an object, whatever the case of its name.
fn member<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    body.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
