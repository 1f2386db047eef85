//! From what a client sent to what the schema says: canonical names, checked types, nothing unassigned.
//!
//! Null, an empty list, an empty object and absence are one state, "unassigned" (RFC 7643 §2.5); a
//! canonical resource has none of the first three. A lone value stands for a list of one. Other forms
//! that clients send are [`super::quirks`]' to translate.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, engine::general_purpose};
use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::{
    attribute::{Attribute, Kind, Mutability},
    error::Refusal,
    schema::ResourceType,
};

/// How many values an attribute has at most.
const MOST_VALUES: usize = 250;

/// What to do about names that no schema knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// Leave them out, as most clients expect.
    #[default]
    Ignore,
    /// Refuse the request.
    Refuse,
}

/// The attributes a client may set, from the body of POST or PUT (RFC 7644 §3.3, §3.5.1): read-only
/// ones are left out, required ones are there. The result has no `schemas`, `id` or `meta`.
///
/// # Errors
/// The first attribute that is wrong.
pub fn resource(resource_type: &ResourceType, body: &Value, unknown: Unknown) -> Result<Map<String, Value>, Refusal> {
    let body = body.as_object().ok_or(Refusal::Syntax("a resource is a JSON object"))?;
    check_schemas(resource_type, body, unknown)?;
    let mut resource = Map::new();
    for (name, value) in body {
        if name.eq_ignore_ascii_case("schemas") {
            continue;
        }
        if let Some(schema) = resource_type.extension(name) {
            let Some(members) = value.as_object() else {
                if value.is_null() {
                    continue;
                }
                return Err(Refusal::Value(schema.id.clone(), "an extension is a JSON object"));
            };
            for (name, value) in members {
                match schema.attribute(name) {
                    Some(attribute) => set(&mut resource, Some(&schema.id), attribute, value)?,
                    None => reject(name, unknown)?,
                }
            }
        } else if let Some(found) = resource_type.locate(name) {
            set(&mut resource, found.extension, found.attribute, value)?;
        } else {
            reject(name, unknown)?;
        }
    }
    check_required(resource_type, &resource)?;
    Ok(resource)
}

fn reject(name: &str, unknown: Unknown) -> Result<(), Refusal> {
    match unknown {
        Unknown::Ignore => Ok(()),
        Unknown::Refuse => Err(Refusal::Unknown(name.to_owned())),
    }
}

/// `schemas` is a list of URNs; unknown ones are a vendor's own business.
fn check_schemas(resource_type: &ResourceType, body: &Map<String, Value>, unknown: Unknown) -> Result<(), Refusal> {
    let found = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas"));
    let Some((_, schemas)) = found else { return Ok(()) };
    let wrong = Refusal::Syntax("schemas is a list of URNs");
    for urn in schemas.as_array().ok_or_else(|| wrong.clone())? {
        let urn = urn.as_str().ok_or_else(|| wrong.clone())?;
        let known = urn.eq_ignore_ascii_case(&resource_type.schema.id) || resource_type.extension(urn).is_some();
        if !known {
            reject(urn, unknown)?;
        }
    }
    Ok(())
}

fn set(
    resource: &mut Map<String, Value>,
    extension: Option<&str>,
    attribute: &Attribute,
    value: &Value,
) -> Result<(), Refusal> {
    if attribute.is_read_only() {
        return Ok(());
    }
    let Some(value) = normalise(attribute, value)? else { return Ok(()) };
    match extension {
        None => resource.insert(attribute.name.clone(), value),
        Some(urn) => {
            let members = resource.entry(urn).or_insert_with(|| Value::Object(Map::new()));
            members.as_object_mut().and_then(|members| members.insert(attribute.name.clone(), value))
        }
    };
    Ok(())
}

/// Whether every required attribute is assigned, those of required or used extensions too.
///
/// # Errors
/// The first that is not.
pub fn check_required(resource_type: &ResourceType, resource: &Map<String, Value>) -> Result<(), Refusal> {
    let missing = |attributes: &[Attribute], values: Option<&Map<String, Value>>| {
        let unassigned = |attribute: &&Attribute| {
            attribute.required && !attribute.is_read_only() && values.is_none_or(|v| !v.contains_key(&attribute.name))
        };
        attributes.iter().find(unassigned).map(|attribute| Refusal::Required(attribute.name.clone()))
    };
    if let Some(refusal) = missing(&resource_type.schema.attributes, Some(resource)) {
        return Err(refusal);
    }
    for extension in &resource_type.extensions {
        let values = resource.get(&extension.schema.id).and_then(Value::as_object);
        match values {
            // RFC 7643 §6: a resource of the type has it.
            None if extension.required => return Err(Refusal::Required(extension.schema.id.clone())),
            None => continue,
            Some(_) => {}
        }
        if let Some(refusal) = missing(&extension.schema.attributes, values) {
            return Err(refusal);
        }
    }
    Ok(())
}

/// The canonical form of an attribute's value; `None` is unassigned.
///
/// # Errors
/// The value is of another type.
pub fn normalise(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Refusal> {
    if !attribute.multi_valued {
        return single(attribute, value);
    }
    let mut distinct = Distinct::default();
    match value {
        Value::Null => {}
        Value::Array(values) => {
            for value in values {
                if let Some(element) = single(attribute, value)? {
                    distinct.add(element);
                }
            }
        }
        value => single(attribute, value)?.into_iter().for_each(|element| distinct.add(element)),
    }
    let elements = distinct.elements;
    check_count(attribute, &elements)?;
    if elements.iter().filter(|element| is_primary(element)).count() > 1 {
        return Err(Refusal::Value(attribute.name.clone(), "one value at most is primary"));
    }
    Ok((!elements.is_empty()).then_some(Value::Array(elements)))
}

/// Whether two elements are the same value: equal, or objects with equal `value` and `type`
/// (RFC 7643 §2.4: no pair of these occurs twice).
pub fn same_element(a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    match (a.as_object(), b.as_object()) {
        (Some(a), Some(b)) => {
            a.contains_key("value") && a.get("value") == b.get("value") && a.get("type") == b.get("type")
        }
        _ => false,
    }
}

/// A list in which no value occurs twice, in the sense of [`same_element`].
#[derive(Debug, Default)]
pub struct Distinct {
    pub elements: Vec<Value>,
    places: HashMap<String, usize>,
}

impl Distinct {
    /// Those of a list; the later of two that are the same value is merged into the first.
    pub fn of(elements: Vec<Value>) -> Self {
        let mut distinct = Self::default();
        elements.into_iter().for_each(|element| distinct.add(element));
        distinct
    }

    /// Appends an element, or merges it into the one that is the same value.
    pub fn add(&mut self, element: Value) {
        let end = self.elements.len();
        let place = *self.places.entry(identity(&element)).or_insert(end);
        if place == end {
            self.elements.push(element);
        } else if let (Some(known), Value::Object(members)) = (self.elements[place].as_object_mut(), element) {
            known.extend(members);
        }
    }
}

/// Equal for elements that are the same value, and for these only.
fn identity(element: &Value) -> String {
    match element.as_object() {
        Some(members) => match (members.get("value"), members.get("type")) {
            (Some(value), kind) => format!("{value} {}", kind.unwrap_or(&Value::Null)),
            (None, _) => format!("{:?}", members.iter().collect::<BTreeMap<_, _>>()),
        },
        None => element.to_string(),
    }
}

/// Refuses a list that is too long, so that no request costs more than its share. Members of groups,
/// whose values are set once, are rows of their own, and as many as there are.
///
/// # Errors
/// It has more than [`MOST_VALUES`] elements.
pub fn check_count(attribute: &Attribute, elements: &[Value]) -> Result<(), Refusal> {
    let are_rows = attribute.sub("value").is_some_and(|value| value.mutability == Mutability::Immutable);
    if elements.len() > MOST_VALUES && !are_rows {
        return Err(Refusal::Value(attribute.name.clone(), "at most 250 values"));
    }
    Ok(())
}

/// Whether an element says that it is the preferred one.
pub fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// One value: not a list of them.
///
/// # Errors
/// The value is of another type.
pub fn single(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    if attribute.is_complex() {
        return complex(attribute, value);
    }
    simple(attribute, value).map(Some)
}

fn complex(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Refusal> {
    let Some(members) = value.as_object() else {
        return Err(Refusal::Value(attribute.name.clone(), "expected a JSON object"));
    };
    let mut object = Map::new();
    for (name, value) in members {
        let Some(sub) = attribute.sub(name).filter(|sub| !sub.is_read_only()) else { continue };
        if let Some(value) = normalise(sub, value)? {
            object.insert(sub.name.clone(), value);
        }
    }
    if !object.is_empty()
        && let Some(sub) = attribute.sub_attributes.iter().find(|sub| sub.required && !object.contains_key(&sub.name))
    {
        return Err(Refusal::Required(format!("{}.{}", attribute.name, sub.name)));
    }
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

fn simple(attribute: &Attribute, value: &Value) -> Result<Value, Refusal> {
    let wrong = |expected| Err(Refusal::Value(attribute.name.clone(), expected));
    match (attribute.kind, value) {
        (Kind::Boolean, Value::Bool(_)) => Ok(value.clone()),
        (Kind::Boolean, _) => wrong("expected true or false"),
        (Kind::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(value.clone()),
        (Kind::Integer, _) => wrong("expected a whole number"),
        (Kind::Decimal, Value::Number(_)) => Ok(value.clone()),
        (Kind::Decimal, _) => wrong("expected a number"),
        (Kind::DateTime, Value::String(text)) if instant(text).is_some() => Ok(value.clone()),
        (Kind::DateTime, _) => wrong("expected a date and time such as 2026-01-23T04:56:22Z"),
        (Kind::Binary, Value::String(text)) if is_base64(text) => Ok(value.clone()),
        (Kind::Binary, _) => wrong("expected base64"),
        (Kind::String | Kind::Reference, Value::String(text)) => {
            if attribute.required && text.trim().is_empty() {
                return Err(Refusal::Required(attribute.name.clone()));
            }
            // PostgreSQL has no text with it, and no client means it.
            if text.contains('\0') {
                return wrong("expected a string without null characters");
            }
            Ok(value.clone())
        }
        (Kind::String | Kind::Reference, _) => wrong("expected a string"),
        (Kind::Complex, _) => wrong("expected a JSON object"),
    }
}

/// The longest text, in bytes, of an attribute that has an index: PostgreSQL keeps no longer keys.
const LONGEST: usize = 1024;

/// Refuses what no index could hold.
///
/// # Errors
/// The attribute, if its text is too long.
pub fn check_length(name: &str, text: Option<&str>) -> Result<(), Refusal> {
    match text {
        Some(text) if text.len() > LONGEST => Err(Refusal::Value(name.to_owned(), "at most 1024 bytes")),
        _ => Ok(()),
    }
}

/// Top-level attributes that differ, before and after, for the log. Passwords never are in it.
pub fn differences(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut found = Map::new();
    for name in before.keys().chain(after.keys()) {
        let (old, new) = (before.get(name), after.get(name));
        if old != new && name != "password" {
            found.insert(name.clone(), json!({ "before": old, "after": new }));
        }
    }
    found
}

/// A dateTime's instant in microseconds (XML Schema 1.1 §3.3.7; without a zone it is UTC).
pub fn instant(text: &str) -> Option<i64> {
    let parsed = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")));
    parsed.ok().map(|time| time.timestamp_micros())
}

fn is_base64(text: &str) -> bool {
    general_purpose::STANDARD.decode(text).is_ok() || general_purpose::URL_SAFE_NO_PAD.decode(text).is_ok()
}

#[cfg(test)]
mod tests;
