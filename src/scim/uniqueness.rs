//! Which values of a resource nobody else may have: those whose schema says `uniqueness: server`, or
//! `global`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    attribute::{Kind, Uniqueness},
    schema::{Located, ResourceType},
};
use crate::{
    connections::unique::{self, Claim},
    text::fold,
};

/// The claims of a canonical resource. Attributes in `columns` have a unique index of their own.
pub fn claims(resource_type: &ResourceType, resource: &Map<String, Value>, columns: &[&str]) -> BTreeSet<Claim> {
    let resource = Value::Object(resource.clone());
    let mut claims = BTreeSet::new();
    for located in resource_type.located() {
        if located.attribute.name == "id"
            || (located.extension.is_none() && columns.contains(&&*located.attribute.name))
        {
            continue;
        }
        let Some(value) = located.value(&resource) else { continue };
        if located.attribute.is_unique() && !located.attribute.is_complex() {
            claim(&mut claims, resource_type, &located, value);
        }
        for sub in located.attribute.sub_attributes.iter().filter(|sub| sub.is_unique()) {
            let located = Located { sub: Some(sub), ..located };
            for element in elements(value) {
                if let Some(value) = element.get(&sub.name) {
                    claim(&mut claims, resource_type, &located, value);
                }
            }
        }
    }
    claims
}

/// The name under which an attribute's values are claimed.
pub fn name(resource_type: &ResourceType, located: &Located<'_>) -> String {
    let scope = if located.leaf().uniqueness == Uniqueness::Global { unique::GLOBAL } else { "" };
    match located.extension {
        None => format!("{scope}{}:{}", resource_type.name, located.name()),
        Some(urn) => format!("{scope}{}:{urn}:{}", resource_type.name, located.name()),
    }
}

/// The claims that say who has a value of the attribute, if there are such. Attributes in `columns` have a
/// unique index of their own, and no claims.
pub fn claim_of(resource_type: &ResourceType, located: &Located<'_>, columns: &[&str]) -> Option<String> {
    let is_column = located.extension.is_none() && columns.contains(&&*located.attribute.name);
    let is_text = matches!(located.leaf().kind, Kind::String | Kind::Reference);
    // What is unique everywhere is claimed beyond the connection, and is no list's to ask about.
    (located.leaf().uniqueness == Uniqueness::Server && is_text && located.attribute.name != "id" && !is_column)
        .then(|| name(resource_type, located))
}

/// The attribute's own name in a claim's name, for a refusal.
pub fn short_name(claimed: &str) -> &str {
    claimed.rsplit(':').next().unwrap_or(claimed)
}

fn claim(claims: &mut BTreeSet<Claim>, resource_type: &ResourceType, located: &Located<'_>, value: &Value) {
    for value in elements(value) {
        let text = match value {
            Value::String(text) if located.leaf().is_exact() => text.clone(),
            Value::String(text) => fold(text).into_owned(),
            other => other.to_string(),
        };
        claims.insert((name(resource_type, located), text));
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    }
}
