//! PUT as a pure function: what a replacement makes of a resource (RFC 7644 §3.5.1).

use serde_json::{Map, Value, json};

use super::{
    attribute::Mutability,
    error::Refusal,
    schema::{Located, ResourceType},
};

/// All that the client may set is as `resource` says. What is set once stays, and another value for it is
/// refused; what the client can write but not read stays where it is left out, since nobody could send it
/// back.
///
/// # Errors
/// `mutability`: an immutable attribute is to change.
pub fn apply(
    kind: &ResourceType,
    before: &Map<String, Value>,
    resource: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut after = resource.clone();
    let old = Value::Object(before.clone());
    for located in kind.located() {
        let Some(old) = located.value(&old) else { continue };
        match located.attribute.mutability {
            Mutability::Immutable => keep(&mut after, &located, old)?,
            Mutability::WriteOnly => {
                container(&mut after, &located)?.entry(&located.attribute.name).or_insert_with(|| old.clone());
            }
            Mutability::ReadWrite | Mutability::ReadOnly => keep_parts(&mut after, &located, old)?,
        }
    }
    Ok(after)
}

fn keep(after: &mut Map<String, Value>, located: &Located<'_>, old: &Value) -> Result<(), Refusal> {
    let new = container(after, located)?.entry(&located.attribute.name).or_insert_with(|| old.clone());
    if new == old { Ok(()) } else { Err(Refusal::Mutability(located.name(), "it is set once")) }
}

/// The parts of a complex attribute of one value. Elements of several are each their own: another value is
/// another element.
fn keep_parts(after: &mut Map<String, Value>, located: &Located<'_>, old: &Value) -> Result<(), Refusal> {
    let Some(old) = old.as_object() else { return Ok(()) };
    let container = match located.extension {
        None => Some(after),
        Some(urn) => after.get_mut(urn).and_then(Value::as_object_mut),
    };
    // Where the whole is unassigned, its parts are.
    let new = container.and_then(|members| members.get_mut(&located.attribute.name)).and_then(Value::as_object_mut);
    let Some(new) = new else { return Ok(()) };
    for sub in &located.attribute.sub_attributes {
        let Some(old) = old.get(&sub.name) else { continue };
        match sub.mutability {
            Mutability::Immutable if new.entry(&sub.name).or_insert_with(|| old.clone()) != old => {
                return Err(Refusal::Mutability(Located { sub: Some(sub), ..*located }.name(), "it is set once"));
            }
            Mutability::WriteOnly => {
                new.entry(&sub.name).or_insert_with(|| old.clone());
            }
            _ => {}
        }
    }
    Ok(())
}

/// The object that holds the attribute: the resource, or the extension's.
fn container<'a>(
    after: &'a mut Map<String, Value>,
    located: &Located<'_>,
) -> Result<&'a mut Map<String, Value>, Refusal> {
    let Some(urn) = located.extension else { return Ok(after) };
    let entry = after.entry(urn).or_insert_with(|| json!({}));
    entry.as_object_mut().ok_or(Refusal::Syntax("an extension is a JSON object"))
}
