//! What an answer shows of a resource (RFC 7644 §3.9, RFC 7643 §7 "returned").

use serde_json::{Map, Value};

use super::{
    attribute::{Attribute, Returned},
    path::{self, Path},
    schema::{Located, ResourceType},
};

/// Which attributes were asked for.
#[derive(Debug, Clone)]
pub enum Selection<'s> {
    /// What a client gets that asks for nothing.
    Default,
    /// `attributes`: these, and what is always returned.
    Only(Vec<Path<'s>>),
    /// `excludedAttributes`: all but these.
    Without(Vec<Path<'s>>),
}

impl<'s> Selection<'s> {
    /// Reads the two parameters; `attributes` wins if both are given. Names that no schema knows
    /// select nothing.
    pub fn parse(resource_type: &'s ResourceType, attributes: Option<&str>, excluded: Option<&str>) -> Self {
        let names = |list: &str| {
            let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.filter_map(|name| path::parse(resource_type, name).ok()).collect::<Vec<_>>()
        };
        match (attributes.filter(|list| !list.trim().is_empty()), excluded) {
            (Some(list), _) => Self::Only(names(list)),
            (None, Some(list)) => Self::Without(names(list)),
            (None, None) => Self::Default,
        }
    }

    /// These attributes.
    pub fn of<'a>(attributes: impl Iterator<Item = &'a Located<'s>>) -> Self
    where
        's: 'a,
    {
        Self::Only(attributes.map(|located| Path::Attribute { located: *located, filter: None }).collect())
    }

    /// Whether the attribute is shown at all, so that it need not be read otherwise.
    pub fn shows(&self, resource_type: &ResourceType, name: &str) -> bool {
        let Some(located) = resource_type.locate(name) else { return false };
        self.keeps(&located)
    }

    /// What the answer shows of `resource`.
    pub fn project(&self, resource_type: &ResourceType, resource: Value) -> Value {
        let Value::Object(mut resource) = resource else { return resource };
        self.retain(&mut resource, |name| resource_type.attribute(name), None);
        for extension in &resource_type.extensions {
            let urn = &extension.schema.id;
            let Some(Value::Object(mut members)) = resource.shift_remove(urn) else { continue };
            self.retain(&mut members, |name| extension.schema.attribute(name), Some(urn));
            if !members.is_empty() {
                resource.insert(urn.clone(), Value::Object(members));
            }
        }
        Value::Object(resource)
    }

    fn retain<'a>(
        &self,
        members: &mut Map<String, Value>,
        find: impl Fn(&str) -> Option<&'a Attribute>,
        extension: Option<&str>,
    ) {
        members.retain(|name, value| match find(name) {
            // An extension's object is looked into afterwards.
            None => value.is_object() && extension.is_none(),
            Some(attribute) => {
                let located = Located { extension, attribute, sub: None };
                self.keeps(&located) && self.trim(&located, value)
            }
        });
    }

    /// Keeps the sub-attributes that are shown; `false` if none is left.
    fn trim(&self, located: &Located<'_>, value: &mut Value) -> bool {
        match value {
            Value::Array(elements) => {
                elements.retain_mut(|element| self.trim(located, element));
                !elements.is_empty()
            }
            Value::Object(members) => {
                members.retain(|name, _| {
                    let sub = located.attribute.sub(name);
                    sub.is_some_and(|sub| self.keeps(&Located { sub: Some(sub), ..*located }))
                });
                !members.is_empty()
            }
            _ => true,
        }
    }

    /// The same of an attribute that is found already.
    pub fn keeps(&self, located: &Located<'_>) -> bool {
        let named =
            |paths: &[Path<'_>]| paths.iter().map(|path| relation(path, located)).max().unwrap_or(Relation::None);
        if located.leaf().is_secret() {
            return false;
        }
        match (located.leaf().returned, self) {
            (Returned::Always, _) => true,
            (Returned::Never, _) => false,
            (_, Self::Only(paths)) => named(paths) > Relation::None,
            (Returned::Request, _) => false,
            (Returned::Default, Self::Default) => true,
            (Returned::Default, Self::Without(paths)) => named(paths) < Relation::Whole,
        }
    }
}

/// A resource as the provisioning log may keep it: without what is never returned.
pub fn loggable(resource_type: &ResourceType, resource: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = resource.clone();
    for located in resource_type.located() {
        let members = match located.extension {
            None => Some(&mut kept),
            Some(urn) => kept.get_mut(urn).and_then(Value::as_object_mut),
        };
        let Some(members) = members else { continue };
        if located.attribute.is_secret() {
            members.shift_remove(&located.attribute.name);
        }
        let Some(value) = members.get_mut(&located.attribute.name) else { continue };
        let elements = match value {
            Value::Array(elements) => elements.as_mut_slice(),
            value => std::slice::from_mut(value),
        };
        for element in elements.iter_mut().filter_map(Value::as_object_mut) {
            for sub in located.attribute.sub_attributes.iter().filter(|sub| sub.is_secret()) {
                element.shift_remove(&sub.name);
            }
        }
    }
    kept
}

/// How a path relates to an attribute.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Relation {
    None,
    /// It names a part of it.
    Part,
    /// It names all of it.
    Whole,
}

fn relation(path: &Path<'_>, located: &Located<'_>) -> Relation {
    match path {
        Path::Core if located.extension.is_none() => Relation::Whole,
        Path::Extension(schema) if located.extension == Some(schema.id.as_str()) => Relation::Whole,
        Path::Attribute { located: named, .. } if named.is_of(located) => match (named.sub, located.sub) {
            (None, _) => Relation::Whole,
            (Some(_), None) => Relation::Part,
            (Some(a), Some(b)) if a.name == b.name => Relation::Whole,
            _ => Relation::None,
        },
        _ => Relation::None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scim::schema::Registry;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn shown(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        let registry = Registry::load(None).expect("embedded schemas");
        let user = registry.resource_type("User").expect("a type");
        let resource = json!({
            "schemas": ["s"], "id": "1", "userName": "a", "password": "secret",
            "name": { "givenName": "G", "familyName": "F" }, "emails": [{ "value": "v", "type": "work" }],
            ENTERPRISE: { "department": "D", "manager": { "value": "m", "displayName": "M" } },
        });
        Selection::parse(user, attributes, excluded).project(user, resource)
    }

    #[test]
    fn answers_show_what_was_asked_for() {
        assert_eq!(shown(None, None).get("password"), None, "never returned");
        assert_eq!(shown(Some("password"), None), json!({ "schemas": ["s"], "id": "1" }));
        assert_eq!(
            shown(Some("USERNAME, name.givenName,emails.value,shoeSize"), None),
            json!({ "schemas": ["s"], "id": "1", "userName": "a", "name": { "givenName": "G" }, "emails": [{ "value": "v" }] })
        );
        assert_eq!(
            shown(Some(&format!("{ENTERPRISE}:manager.displayName")), None),
            json!({ "schemas": ["s"], "id": "1", ENTERPRISE: { "manager": { "displayName": "M" } } })
        );
        assert_eq!(
            shown(Some(ENTERPRISE), None)[ENTERPRISE],
            json!({ "department": "D", "manager": { "value": "m", "displayName": "M" } })
        );
        assert_eq!(
            shown(None, Some(&format!("id,schemas,userName,name.familyName,emails,{ENTERPRISE}"))),
            json!({ "schemas": ["s"], "id": "1", "name": { "givenName": "G" } })
        );
    }
}
