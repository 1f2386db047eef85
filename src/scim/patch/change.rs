use serde_json::{Map, Value};

use super::{Kind, Operation};
use crate::scim::{
    attribute::{Attribute, Mutability},
    error::Refusal,
    filter::{Filter, Literal},
    schema::Located,
    value,
};

/// One operation on one attribute.
pub(super) struct Change<'a, 's> {
    pub operation: &'a Operation,
    pub located: Located<'s>,
    pub filter: Option<&'a Filter<'s>>,
}

impl Change<'_, '_> {
    /// Changes the object that holds the attribute.
    pub(super) fn apply(&self, container: &mut Map<String, Value>) -> Result<(), Refusal> {
        let attribute = self.located.attribute;
        let before = container.remove(&attribute.name);
        let set_once = before.as_ref().filter(|_| attribute.mutability == Mutability::Immutable).cloned();
        let after = match (self.filter, self.located.sub) {
            (Some(filter), sub) => self.filtered(filter, sub, list(before))?,
            (None, Some(sub)) if attribute.multi_valued => self.each(sub, list(before))?,
            (None, Some(sub)) => self.member(sub, before)?,
            (None, None) if attribute.multi_valued => self.elements(list(before))?,
            (None, None) => self.whole(before)?,
        };
        if let Some(Value::Array(elements)) = &after {
            value::check_count(attribute, elements)?;
        }
        if set_once.is_some() && set_once != after {
            return Err(Refusal::Mutability(attribute.name.clone(), "it is set once"));
        }
        match after {
            Some(after) => {
                container.insert(attribute.name.clone(), after);
            }
            None if attribute.required => {
                return Err(Refusal::Mutability(attribute.name.clone(), "it is required"));
            }
            None => {}
        }
        Ok(())
    }

    fn is_remove(&self) -> bool {
        self.operation.kind == Kind::Remove
    }

    /// `attr` of one value: a complex one keeps the sub-attributes that are not named.
    fn whole(&self, before: Option<Value>) -> Result<Option<Value>, Refusal> {
        let attribute = self.located.attribute;
        if self.is_remove() || self.operation.value.is_null() {
            return Ok(None);
        }
        if !attribute.is_complex() {
            return value::normalise(attribute, &self.operation.value);
        }
        let Some(Value::Object(mut object)) = before else {
            return value::normalise(attribute, &self.operation.value);
        };
        match &self.operation.value {
            Value::Object(members) => merge(attribute, &mut object, members)?,
            other => match value::normalise(attribute, other)? {
                Some(Value::Object(members)) => object.extend(members),
                _ => object.clear(),
            },
        }
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    /// `attr.sub` of one value.
    fn member(&self, sub: &Attribute, before: Option<Value>) -> Result<Option<Value>, Refusal> {
        let mut object = match before {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        };
        self.set_member(sub, &mut object)?;
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    /// Sets or removes one sub-attribute.
    fn set_member(&self, sub: &Attribute, object: &mut Map<String, Value>) -> Result<(), Refusal> {
        let name = || format!("{}.{}", self.located.attribute.name, sub.name);
        let after = if self.is_remove() { None } else { value::normalise(sub, &self.operation.value)? };
        if sub.mutability == Mutability::Immutable && object.get(&sub.name).is_some_and(|v| Some(v) != after.as_ref()) {
            return Err(Refusal::Mutability(name(), "it is set once"));
        }
        match after {
            Some(value) => {
                object.insert(sub.name.clone(), value);
            }
            None if sub.required => return Err(Refusal::Mutability(name(), "it is required")),
            None => {
                object.remove(&sub.name);
            }
        }
        Ok(())
    }

    /// `attr` of several values.
    fn elements(&self, mut elements: Vec<Value>) -> Result<Option<Value>, Refusal> {
        let attribute = self.located.attribute;
        let given = list(value::normalise(attribute, &self.operation.value)?);
        match self.operation.kind {
            Kind::Replace => elements = given,
            Kind::Add => {
                let primary = given.iter().find(|element| value::is_primary(element)).cloned();
                let mut distinct = value::Distinct::of(elements);
                given.into_iter().for_each(|element| distinct.add(element));
                elements = distinct.elements;
                if let Some(primary) = primary {
                    only_primary(&mut elements, |element| value::same_element(element, &primary));
                }
            }
            // Without a value, all go.
            Kind::Remove if self.operation.value.is_null() => elements.clear(),
            Kind::Remove => elements.retain(|element| !given.iter().any(|gone| names(gone, element))),
        }
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    }

    /// `attr.sub` of several values, without a filter: all of them; the first is made if there is none.
    fn each(&self, sub: &Attribute, mut elements: Vec<Value>) -> Result<Option<Value>, Refusal> {
        if elements.is_empty() && !self.is_remove() {
            elements.push(Value::Object(Map::new()));
        }
        let all = vec![true; elements.len()];
        self.set_in(sub, &mut elements, &all)?;
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    }

    fn filtered(
        &self,
        filter: &Filter<'_>,
        sub: Option<&Attribute>,
        mut elements: Vec<Value>,
    ) -> Result<Option<Value>, Refusal> {
        let mut chosen: Vec<bool> = elements.iter().map(|element| filter.matches(element)).collect();
        if !chosen.contains(&true) && !self.is_remove() {
            if self.operation.kind == Kind::Replace {
                return Err(Refusal::NoTarget(self.operation.path.clone().unwrap_or_default()));
            }
            elements.push(self.made_for(filter)?);
            chosen.push(true);
            // A filter for the primary one makes a primary one.
            keep_one_primary(self.located.attribute, &mut elements, &chosen)?;
        }
        match sub {
            Some(sub) => self.set_in(sub, &mut elements, &chosen)?,
            None if self.is_remove() => {
                let mut chosen = chosen.iter();
                elements.retain(|_| chosen.next() != Some(&true));
            }
            None => self.merge_into(&mut elements, &chosen)?,
        }
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    }

    /// An element that the filter matches, made of its equalities: what it compares with is a value now, and judged
    /// as one.
    fn made_for(&self, filter: &Filter<'_>) -> Result<Value, Refusal> {
        let mut element = Map::new();
        for (located, literal) in filter.equalities() {
            let value = match literal {
                Literal::Exact(text) | Literal::Text(text) => Value::from(text.as_str()),
                Literal::Boolean(value) => Value::from(*value),
                _ => continue,
            };
            if let Some(value) = value::normalise(located.attribute, &value)? {
                element.insert(located.attribute.name.clone(), value);
            }
        }
        if element.is_empty() {
            return Err(Refusal::NoTarget(self.operation.path.clone().unwrap_or_default()));
        }
        Ok(Value::Object(element))
    }

    /// Sets a sub-attribute in the chosen elements; those left without any are gone.
    fn set_in(&self, sub: &Attribute, elements: &mut Vec<Value>, chosen: &[bool]) -> Result<(), Refusal> {
        for (element, _) in elements.iter_mut().zip(chosen).filter(|(_, chosen)| **chosen) {
            if let Value::Object(object) = element {
                self.set_member(sub, object)?;
            }
        }
        if sub.is("primary") && self.operation.kind != Kind::Remove {
            keep_one_primary(self.located.attribute, elements, chosen)?;
        }
        elements.retain(|element| element.as_object().is_none_or(|object| !object.is_empty()));
        // Two may have become the same (RFC 7643 §2.4).
        *elements = value::Distinct::of(std::mem::take(elements)).elements;
        Ok(())
    }

    /// `attr[filter]` with a value: `add` merges into the chosen elements, `replace` puts it in their
    /// place (RFC 7644 §3.5.2.3).
    fn merge_into(&self, elements: &mut Vec<Value>, chosen: &[bool]) -> Result<(), Refusal> {
        let attribute = self.located.attribute;
        let given = match &self.operation.value {
            Value::Array(values) if values.len() == 1 => &values[0],
            other => other,
        };
        let Some(Value::Object(given)) = value::single(attribute, given)? else {
            return Err(Refusal::Value(attribute.name.clone(), "expected a JSON object"));
        };
        for (element, _) in elements.iter_mut().zip(chosen).filter(|(_, chosen)| **chosen) {
            match element {
                Value::Object(object) if self.operation.kind == Kind::Add => object.extend(given.clone()),
                element => *element = Value::Object(given.clone()),
            }
        }
        if given.get("primary") == Some(&Value::Bool(true)) {
            keep_one_primary(attribute, elements, chosen)?;
        }
        *elements = value::Distinct::of(std::mem::take(elements)).elements;
        Ok(())
    }
}

/// A new primary value takes the place of the old one (RFC 7644 §3.5.2).
fn keep_one_primary(attribute: &Attribute, elements: &mut [Value], chosen: &[bool]) -> Result<(), Refusal> {
    let mut primaries = elements.iter().zip(chosen).filter(|(element, chosen)| **chosen && value::is_primary(element));
    let Some((primary, _)) = primaries.next() else { return Ok(()) };
    if primaries.next().is_some() {
        return Err(Refusal::Value(attribute.name.clone(), "one value at most is primary"));
    }
    let primary = primary.clone();
    only_primary(elements, |element| *element == primary);
    Ok(())
}

fn only_primary(elements: &mut [Value], stays: impl Fn(&Value) -> bool) {
    for element in elements.iter_mut().filter(|element| value::is_primary(element) && !stays(element)) {
        element["primary"] = Value::Bool(false);
    }
}

/// Whether a value to remove means this element: by all that it says, or by its `value`.
fn names(gone: &Value, element: &Value) -> bool {
    match (gone.as_object(), element.as_object()) {
        (Some(gone), Some(element)) => match gone.get("value") {
            Some(value) => {
                element.get("value") == Some(value)
                    && gone.get("type").is_none_or(|kind| element.get("type") == Some(kind))
            }
            None => gone.iter().all(|(name, value)| element.get(name) == Some(value)),
        },
        _ => gone == element,
    }
}

/// Merges sub-attributes into a complex value; null unassigns one.
fn merge(attribute: &Attribute, object: &mut Map<String, Value>, members: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, member) in members {
        let Some(sub) = attribute.sub(name).filter(|sub| !sub.is_read_only()) else { continue };
        let after = value::normalise(sub, member)?;
        let set = object.get(&sub.name).is_some_and(|before| Some(before) != after.as_ref());
        if sub.mutability == Mutability::Immutable && set {
            return Err(Refusal::Mutability(format!("{}.{}", attribute.name, sub.name), "it is set once"));
        }
        match after {
            Some(value) => {
                object.insert(sub.name.clone(), value);
            }
            None => {
                object.remove(&sub.name);
            }
        }
    }
    Ok(())
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(elements)) => elements,
        Some(value) => vec![value],
        None => Vec::new(),
    }
}
