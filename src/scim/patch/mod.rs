//! PATCH as a pure function over schema, path and value (RFC 7644 §3.5.2).
//!
//! [`Operations::parse`] reads the request, [`apply`] changes a canonical resource (see
//! [`super::value`]): every operation in order, or none. What changed is seen by comparing the results;
//! an operation that sets what is there changes nothing.
//!
//! Choices where the RFC leaves room: read-only attributes are refused where a path names them, and
//! left out where they come along in a value without a path (Okta sends `id`); `remove` of what is not
//! there succeeds; `replace` by a value filter that matches nothing is `noTarget`, `add` makes the
//! element; a `remove` with a list of values removes those. Vendors' own forms are [`super::quirks`]'.

mod change;
mod operations;

use serde_json::{Map, Value};

pub use operations::{Kind, Operation, Operations};

use super::{
    error::Refusal,
    path::{self, Path},
    schema::{Located, ResourceType, Schema},
    value::{self, Unknown},
};

/// Applies all operations to a copy of `resource` and answers it, or refuses the whole.
///
/// # Errors
/// The first operation that cannot be applied.
pub fn apply(
    resource_type: &ResourceType,
    resource: &Map<String, Value>,
    operations: &[Operation],
    unknown: Unknown,
) -> Result<Map<String, Value>, Refusal> {
    let mut patched = resource.clone();
    for operation in operations {
        Application { resource_type, unknown, resource: &mut patched }.apply(operation)?;
    }
    value::check_required(resource_type, &patched)?;
    Ok(patched)
}

struct Application<'a> {
    resource_type: &'a ResourceType,
    unknown: Unknown,
    resource: &'a mut Map<String, Value>,
}

impl Application<'_> {
    fn apply(&mut self, operation: &Operation) -> Result<(), Refusal> {
        match &operation.path {
            None => self.merge(operation.kind, None, &operation.value),
            Some(text) => match path::parse(self.resource_type, text)? {
                Path::Core => self.merge(operation.kind, None, &operation.value),
                Path::Extension(schema) if operation.kind == Kind::Remove => self.remove_extension(schema),
                Path::Extension(schema) => self.merge(operation.kind, Some(schema), &operation.value),
                Path::Attribute { located, filter } => {
                    let read_only = located.attribute.is_read_only() || located.leaf().is_read_only();
                    if read_only {
                        return Err(Refusal::Mutability(located.name(), "it is read-only"));
                    }
                    let change = change::Change { operation, located, filter: filter.as_ref() };
                    change.apply(self.container(located.extension))?;
                    self.tidy(located.extension);
                    Ok(())
                }
            },
        }
    }

    /// A value without a path is an object of attributes, whose names may themselves be paths
    /// (`name.givenName`, `URN:attr`).
    fn merge(&mut self, kind: Kind, extension: Option<&Schema>, value: &Value) -> Result<(), Refusal> {
        if kind == Kind::Remove {
            return Err(Refusal::NoTarget("a remove without a path".to_owned()));
        }
        let members = value.as_object().ok_or(Refusal::Syntax("without a path, the value is a JSON object"))?;
        for (name, value) in members {
            let qualified = match extension {
                Some(schema) => format!("{}:{name}", schema.id),
                None => name.clone(),
            };
            let target = match path::parse(self.resource_type, &qualified) {
                Ok(target) => target,
                Err(Refusal::Path(_)) if self.unknown == Unknown::Ignore => continue,
                Err(Refusal::Path(_)) => return Err(Refusal::Unknown(name.clone())),
                Err(refusal) => return Err(refusal),
            };
            match target {
                Path::Attribute { located, .. } if located.leaf().is_read_only() => {}
                Path::Attribute { located, .. } if located.attribute.is_read_only() => {}
                Path::Extension(_) if value.is_null() => {}
                _ => self.apply(&Operation { kind, path: Some(qualified), value: value.clone() })?,
            }
        }
        Ok(())
    }

    fn remove_extension(&mut self, schema: &Schema) -> Result<(), Refusal> {
        if let Some(required) = self.resource_type.extensions.iter().find(|e| e.required && e.schema.id == schema.id) {
            return Err(Refusal::Mutability(required.schema.id.clone(), "it is required"));
        }
        self.resource.remove(&schema.id);
        Ok(())
    }

    fn container(&mut self, extension: Option<&str>) -> &mut Map<String, Value> {
        let Some(urn) = extension else { return self.resource };
        let entry = self.resource.entry(urn).or_insert_with(|| Value::Object(Map::new()));
        if !entry.is_object() {
            *entry = Value::Object(Map::new());
        }
        match entry {
            Value::Object(members) => members,
            _ => unreachable!("made an object above"),
        }
    }

    /// An extension without attributes is no extension.
    fn tidy(&mut self, extension: Option<&str>) {
        if let Some(urn) = extension
            && self.resource.get(urn).and_then(Value::as_object).is_some_and(Map::is_empty)
        {
            self.resource.remove(urn);
        }
    }
}

/// The located attribute a path means, if it is one at all: for whoever treats some of them apart.
pub fn target<'s>(resource_type: &'s ResourceType, operation: &Operation) -> Option<Located<'s>> {
    match path::parse(resource_type, operation.path.as_deref()?) {
        Ok(Path::Attribute { located, .. }) => Some(located),
        _ => None,
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
