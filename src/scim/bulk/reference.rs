//! `bulkId:...`: references to what other operations of the same request make (RFC 7644 §3.7.2).
//!
//! A reference is the whole of a string, or a quoted value in the path of a PATCH operation.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::job::Operation;
use crate::scim::error::Refusal;

const PREFIX: &str = "bulkId:";

/// What is known of a bulkId.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Its operation has not been performed yet.
    Waiting,
    /// The id of what it made.
    Made(String),
    Failed,
}

/// All bulkIds of a job.
pub struct References(HashMap<String, Known>);

/// The bulkId that a string refers to, if that is what it is.
pub fn named(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

/// Adds the bulkIds that a value refers to.
pub fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.extend(named(text)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(path) if name.eq_ignore_ascii_case("path") => found.extend(quoted(path)),
                    value => collect(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The bulkIds between quotes in a path, such as `members[value eq "bulkId:a"]`.
fn quoted(path: &str) -> impl Iterator<Item = &str> {
    path.split('"').skip(1).step_by(2).filter_map(named)
}

impl References {
    pub fn of(operations: &[Operation]) -> Self {
        Self(operations.iter().filter_map(|operation| Some((operation.own_id()?.to_owned(), Known::Waiting))).collect())
    }

    pub fn set(&mut self, bulk_id: &str, known: Known) {
        self.0.insert(bulk_id.to_owned(), known);
    }

    /// The id of what the operation with that bulkId made.
    ///
    /// # Errors
    /// No operation has it, or that one failed.
    pub fn made(&self, bulk_id: &str) -> Result<String, Refusal> {
        match self.0.get(bulk_id) {
            Some(Known::Made(id)) => Ok(id.clone()),
            _ => Err(Refusal::Reference(bulk_id.chars().take(80).collect())),
        }
    }

    /// Whether a value refers to what is not made yet.
    pub fn any_waits(&self, value: &Value) -> bool {
        let mut found = Vec::new();
        collect(value, &mut found);
        found.into_iter().any(|bulk_id| self.waits(bulk_id))
    }

    fn waits(&self, bulk_id: &str) -> bool {
        self.0.get(bulk_id) == Some(&Known::Waiting)
    }

    /// A resource without the values that refer to what is not made yet.
    pub fn without_waiting(&self, resource: &Value) -> Value {
        let Some(members) = resource.as_object() else { return resource.clone() };
        let kept = members.iter().filter_map(|(name, value)| {
            let value = match value {
                // An extension is a container, as the resource is.
                Value::Object(_) if name.to_ascii_lowercase().starts_with("urn:") => self.without_waiting(value),
                Value::Array(values) => values.iter().filter(|value| !self.any_waits(value)).cloned().collect(),
                value if self.any_waits(value) => return None,
                value => value.clone(),
            };
            Some((name.clone(), value))
        });
        Value::Object(kept.collect::<Map<_, _>>())
    }

    /// Puts ids in the place of references.
    ///
    /// # Errors
    /// One refers to nothing that was made.
    pub fn fill(&self, value: &mut Value) -> Result<(), Refusal> {
        match value {
            Value::String(text) => {
                if let Some(bulk_id) = named(text) {
                    *text = self.made(bulk_id)?;
                }
            }
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.fill(value))?,
            Value::Object(members) => {
                for (name, value) in members.iter_mut() {
                    match value {
                        Value::String(path) if name.eq_ignore_ascii_case("path") => *path = self.filled(path)?,
                        value => self.fill(value)?,
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn filled(&self, path: &str) -> Result<String, Refusal> {
        let parts = path.split('"').enumerate().map(|(place, part)| match named(part) {
            Some(bulk_id) if place % 2 == 1 => self.made(bulk_id),
            _ => Ok(part.to_owned()),
        });
        Ok(parts.collect::<Result<Vec<_>, _>>()?.join("\""))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn references() -> References {
        let known = [("a", Known::Made("1".to_owned())), ("b", Known::Waiting), ("c", Known::Failed)];
        References(known.into_iter().map(|(id, known)| (id.to_owned(), known)).collect())
    }

    #[test]
    fn references_are_found_and_filled() {
        let mut value = json!({
            "members": [{ "value": "bulkId:a" }], "note": "see bulkId:a",
            "Operations": [{ "path": "members[value eq \"bulkId:a\"]", "value": "bulkId:a" }],
        });
        let mut found = Vec::new();
        collect(&value, &mut found);
        assert_eq!(found, ["a", "a", "a"]);
        assert_eq!(references().fill(&mut value), Ok(()));
        let expected = json!({
            "members": [{ "value": "1" }], "note": "see bulkId:a",
            "Operations": [{ "path": "members[value eq \"1\"]", "value": "1" }],
        });
        assert_eq!(value, expected);
        for unknown in ["bulkId:b", "bulkId:c", "bulkId:d", "bulkId:"] {
            assert!(references().fill(&mut json!([{ "value": unknown }])).is_err(), "{unknown}");
            assert!(references().fill(&mut json!({ "path": format!("x[value eq \"{unknown}\"]") })).is_err());
        }
    }

    #[test]
    fn what_waits_is_left_out_with_what_holds_it() {
        let resource = json!({
            "displayName": "G", "members": [{ "value": "bulkId:b", "type": "Group" }, { "value": "bulkId:a" }],
            "urn:x": { "manager": { "value": "bulkId:b" }, "department": "D" },
        });
        assert!(references().any_waits(&resource));
        let expected =
            json!({ "displayName": "G", "members": [{ "value": "bulkId:a" }], "urn:x": { "department": "D" } });
        assert_eq!(references().without_waiting(&resource), expected);
    }
}
