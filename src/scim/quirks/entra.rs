//! Entra ID (Microsoft's `use-scim-to-provision-users-and-groups` and `application-provisioning-config-problem-scim-compatibility`).

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::scim::{
    attribute::{Attribute, Kind},
    schema::ResourceType,
};

/// The schema that group requests name beside the standard's.
const GROUP_SCHEMA: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// Whether the schema is Microsoft's own and describes nothing.
pub(super) fn is_of_microsoft(urn: &str) -> bool {
    urn.eq_ignore_ascii_case(GROUP_SCHEMA)
}

/// Whether the body of a PATCH can only be Entra ID's: nobody else writes `Add`, `Replace`, `Remove`.
/// With its compliance flag it does not either, and then the connection's vendor says who it is.
pub(super) fn is_sender_of(body: &Value) -> bool {
    let operations = body.get("Operations").and_then(Value::as_array);
    operations.into_iter().flatten().any(|operation| {
        let op = operation.get("op").and_then(Value::as_str).unwrap_or_default();
        matches!(op, "Add" | "Replace" | "Remove")
    })
}

/// The documentation's example 2 leaves a colon out: `...:enterprise:2.0User`.
pub(super) fn standard_urn<'n>(kind: &ResourceType, name: &'n str) -> Cow<'n, str> {
    for extension in &kind.extensions {
        let Some((head, kind)) = extension.schema.id.rsplit_once(':') else { continue };
        let length = head.len() + kind.len();
        let (Some(first), Some(second)) = (name.get(..head.len()), name.get(head.len()..length)) else { continue };
        if first.eq_ignore_ascii_case(head) && second.eq_ignore_ascii_case(kind) {
            return Cow::Owned(format!("{}{}", extension.schema.id, &name[length..]));
        }
    }
    Cow::Borrowed(name)
}

/// A value for an attribute: `"True"` for `true`, bare text for the object that has it (a manager's
/// id; empty for none), a list around one object, and role documents inside strings.
pub(super) fn value(attribute: &Attribute, value: &mut Value) {
    match value {
        Value::Array(elements) if attribute.multi_valued => {
            for each in elements {
                element(attribute, each);
            }
        }
        Value::Array(elements) if attribute.is_complex() && elements.len() <= 1 => {
            *value = elements.pop().unwrap_or_default();
            element(attribute, value);
        }
        one => element(attribute, one),
    }
}

fn element(attribute: &Attribute, each: &mut Value) {
    match each {
        Value::String(text) if attribute.kind == Kind::Boolean => {
            if let Some(meant) = boolean(text) {
                *each = Value::Bool(meant);
            }
        }
        Value::String(text) if attribute.is_complex() => {
            let Some(sub) = attribute.sub("value") else { return };
            *each = match std::mem::take(text) {
                text if text.is_empty() => Value::Null,
                text => {
                    let mut members = Map::from_iter([(sub.name.clone(), Value::String(text))]);
                    unpack(attribute, &mut members);
                    Value::Object(members)
                }
            };
        }
        Value::Object(members) if attribute.is_complex() => {
            unpack(attribute, members);
            for (name, member) in members {
                if let Some(sub) = attribute.sub(name) {
                    value(sub, member);
                }
            }
        }
        _ => {}
    }
}

/// What `"True"` means, whatever its case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// An app role that a PATCH sends as `{"value": "{\"id\":...,\"value\":\"Admin\",\"displayName\":\"Admin\"}"}`
/// becomes what POST sends: its value and its name.
fn unpack(attribute: &Attribute, members: &mut Map<String, Value>) {
    if !attribute.multi_valued {
        return;
    }
    let text = members.get("value").and_then(Value::as_str).filter(|text| text.starts_with('{'));
    let Some(Ok(Value::Object(mut document))) = text.map(serde_json::from_str) else {
        return rename_display(attribute, members);
    };
    let Some(Value::String(value)) = document.shift_remove("value") else { return };
    members.insert("value".to_owned(), Value::String(value));
    if let Some(name) = document.shift_remove("displayName").filter(Value::is_string) {
        members.entry("display").or_insert(name);
    }
}

/// Roles are sent with a `displayName`, which RFC 7643 §2.4 calls `display`.
fn rename_display(attribute: &Attribute, members: &mut Map<String, Value>) {
    if attribute.sub("displayName").is_none()
        && attribute.sub("display").is_some()
        && let Some(name) = members.shift_remove("displayName")
    {
        members.entry("display").or_insert(name);
    }
}
