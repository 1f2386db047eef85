//! What a request says of members, as additions and removals of ids. Pure.

use serde_json::{Map, Value};

use crate::{
    id::UserId,
    scim::{
        error::Refusal,
        filter::{Filter, Literal, Operator},
        patch::{Kind, Operation},
        path::{self, Path},
        schema::ResourceType,
    },
};

/// One change of a group's members.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Add(Named),
    Remove(Vec<UserId>),
    /// These and nobody else.
    Set(Named),
}

/// Whom a request names as members.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Named {
    /// Who may be a user of the connection.
    pub ids: Vec<UserId>,
    /// What can be no id of ours.
    pub strangers: Vec<String>,
}

/// A PATCH, taken apart: members do not touch the rest, nor the rest them, so each part keeps its order.
#[derive(Debug)]
pub struct Split {
    pub rest: Vec<Operation>,
    pub members: Vec<Change>,
}

/// Takes the changes of members out of the operations of a PATCH.
///
/// # Errors
/// A member has no value, or a path goes into members otherwise than by their ids.
pub fn split(kind: &ResourceType, operations: Vec<Operation>) -> Result<Split, Refusal> {
    let mut split = Split { rest: Vec::new(), members: Vec::new() };
    for operation in operations {
        match &operation.path {
            None => split_value(kind, operation, &mut split)?,
            Some(text) => match path::parse(kind, text)? {
                Path::Attribute { located, filter } if is_members(kind, located.extension, &located.attribute.name) => {
                    if let Some(sub) = located.sub {
                        return Err(Refusal::Mutability(
                            format!("members.{}", sub.name),
                            "members are added and removed whole",
                        ));
                    }
                    split.members.push(change(&operation, filter.as_ref())?);
                }
                _ => split.rest.push(operation),
            },
        }
    }
    Ok(split)
}

/// The members of a resource that POST or PUT has sent, taken out of it.
///
/// # Errors
/// One has no value.
pub fn take(resource: &mut Map<String, Value>) -> Result<Named, Refusal> {
    match resource.shift_remove("members") {
        Some(members) => named(&members),
        None => Ok(Named::default()),
    }
}

/// An operation without a path may name members beside other attributes.
fn split_value(kind: &ResourceType, mut operation: Operation, split: &mut Split) -> Result<(), Refusal> {
    if let Value::Object(members) = &mut operation.value {
        let named = |name: &String| {
            kind.locate(name).is_some_and(|found| is_members(kind, found.extension, &found.attribute.name))
        };
        let names: Vec<String> = members.keys().filter(|name| named(name)).cloned().collect();
        for name in names {
            let value = members.shift_remove(&name).unwrap_or_default();
            split.members.push(change(&Operation { kind: operation.kind, path: Some(name), value }, None)?);
        }
        if members.is_empty() && operation.kind != Kind::Remove {
            return Ok(());
        }
    }
    split.rest.push(operation);
    Ok(())
}

fn is_members(kind: &ResourceType, extension: Option<&str>, name: &str) -> bool {
    kind.name == super::TYPE && extension.is_none() && name == "members"
}

fn change(operation: &Operation, filter: Option<&Filter<'_>>) -> Result<Change, Refusal> {
    let (kind, value) = (operation.kind, &operation.value);
    match (kind, filter) {
        (Kind::Remove, Some(filter)) => {
            let mut values = Vec::new();
            if !pinned(filter, &mut values) {
                return Err(Refusal::Filter { at: 0, expected: "members chosen by their value" });
            }
            Ok(Change::Remove(values.iter().filter_map(|id| id.parse().ok()).collect()))
        }
        (_, Some(_)) => Err(Refusal::NoTarget(operation.path.clone().unwrap_or_default())),
        // Without a value everybody goes; with an empty list nobody does.
        (Kind::Remove, None) if value.is_null() => Ok(Change::Set(Named::default())),
        // Who is no id of ours is no member.
        (Kind::Remove, None) => Ok(Change::Remove(texts(value).filter_map(|id| id.parse().ok()).collect())),
        (Kind::Add, None) => Ok(Change::Add(named(value)?)),
        (Kind::Replace, None) => Ok(Change::Set(named(value)?)),
    }
}

/// The ids that `value eq "a" or value eq "b"` names; `false` if it is of another form.
fn pinned(filter: &Filter<'_>, values: &mut Vec<String>) -> bool {
    match filter {
        Filter::Or(a, b) => pinned(a, values) && pinned(b, values),
        Filter::Compare(located, Operator::Equal, Literal::Exact(text)) if located.attribute.is("value") => {
            values.push(text.clone());
            true
        }
        _ => false,
    }
}

/// Those whom a list of members names, each an object with a value, or the id alone.
fn named(members: &Value) -> Result<Named, Refusal> {
    if !matches!(members, Value::Array(_) | Value::Object(_) | Value::String(_) | Value::Null) {
        return Err(Refusal::Value("members".to_owned(), "expected a list of objects"));
    }
    let count = members.as_array().map_or(usize::from(!members.is_null()), Vec::len);
    let texts: Vec<&str> = texts(members).collect();
    if texts.len() != count {
        return Err(Refusal::Value("members".to_owned(), "each has a value"));
    }
    let mut named = Named::default();
    for text in texts {
        match text.parse() {
            Ok(id) => named.ids.push(id),
            Err(_) => named.strangers.push(text.to_owned()),
        }
    }
    Ok(named)
}

fn texts(members: &Value) -> impl Iterator<Item = &str> {
    let members = match members {
        Value::Array(members) => members.as_slice(),
        member => std::slice::from_ref(member),
    };
    members.iter().filter_map(|member| {
        let value = member
            .as_object()
            .map(|object| object.iter().find(|(name, _)| name.eq_ignore_ascii_case("value")).map(|(_, value)| value));
        value.unwrap_or(Some(member))?.as_str()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::{patch::Operations, schema::Registry};

    const A: &str = "0198a000-0000-7000-8000-00000000000a";
    const B: &str = "0198a000-0000-7000-8000-00000000000b";

    fn read(operations: Value) -> Result<(usize, Vec<Change>), Option<&'static str>> {
        let registry = Registry::load(None).expect("embedded schemas");
        let group = registry.resource_type("Group").expect("a type");
        Operations::parse(&json!({ "Operations": operations }))
            .and_then(|operations| split(group, operations.0))
            .map(|split| (split.rest.len(), split.members))
            .map_err(|refusal| refusal.scim_type())
    }

    #[test]
    fn members_come_and_go_in_every_form_that_tools_use() {
        let these = |ids: Vec<UserId>| Named { ids, strangers: Vec::new() };
        let (a, b): (UserId, UserId) = (A.parse().expect("an id"), B.parse().expect("an id"));
        for (operation, rest, change) in [
            (
                json!({ "op": "add", "path": "members", "value": [{ "value": A, "display": "x" }] }),
                0,
                Change::Add(these(vec![a])),
            ),
            (json!({ "op": "Add", "path": "Members", "value": { "value": A } }), 0, Change::Add(these(vec![a]))),
            (json!({ "op": "add", "value": { "members": [{ "value": A }] } }), 0, Change::Add(these(vec![a]))),
            (
                json!({ "op": "add", "value": { "displayName": "n", "members": [{ "value": A }] } }),
                1,
                Change::Add(these(vec![a])),
            ),
            (json!({ "op": "remove", "path": format!("members[value eq \"{A}\"]") }), 0, Change::Remove(vec![a])),
            (
                json!({ "op": "remove", "path": format!("members[value eq \"{A}\" or value eq \"{B}\"]") }),
                0,
                Change::Remove(vec![a, b]),
            ),
            (json!({ "op": "Remove", "path": "members", "value": [{ "value": A }] }), 0, Change::Remove(vec![a])),
            (json!({ "op": "remove", "path": "members", "value": [] }), 0, Change::Remove(vec![])),
            (json!({ "op": "remove", "path": "members", "value": [{ "value": "nobody" }] }), 0, Change::Remove(vec![])),
            (json!({ "op": "remove", "path": "members" }), 0, Change::Set(these(vec![]))),
            (json!({ "op": "replace", "path": "members", "value": [{ "value": B }] }), 0, Change::Set(these(vec![b]))),
            (json!({ "op": "replace", "path": "members", "value": [] }), 0, Change::Set(these(vec![]))),
            (
                json!({ "op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:members", "value": [{ "value": A }] }),
                0,
                Change::Add(these(vec![a])),
            ),
        ] {
            assert_eq!(read(json!([operation])), Ok((rest, vec![change])), "{operation}");
        }
        assert_eq!(read(json!([{ "op": "replace", "path": "displayName", "value": "n" }])), Ok((1, vec![])));
        let stranger = Named { ids: vec![a], strangers: vec!["1".to_owned()] };
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": A }, { "value": "1" }] }]);
        assert_eq!(read(add), Ok((0, vec![Change::Add(stranger)])));
    }

    #[test]
    fn what_is_no_member_is_refused() {
        for (operation, refusal) in [
            (json!({ "op": "add", "path": "members", "value": [{ "display": "x" }] }), "invalidValue"),
            (json!({ "op": "add", "path": "members", "value": 7 }), "invalidValue"),
            (json!({ "op": "replace", "path": "members.value", "value": A }), "mutability"),
            (
                json!({ "op": "replace", "path": format!("members[value eq \"{A}\"]"), "value": { "value": B } }),
                "noTarget",
            ),
            (json!({ "op": "remove", "path": "members[display eq \"x\"]" }), "invalidFilter"),
        ] {
            assert_eq!(read(json!([operation])), Err(Some(refusal)), "{operation}");
        }
    }
}
