//! The order of resources: that of [`crate::search`], for attributes that no column holds, and across
//! resource types.

use std::cmp::Ordering;

use serde_json::Value;

use crate::{
    scim::{attribute::Kind, schema::Located, value},
    search::{Place, Value as Key},
    text::fold,
    users::provisioned::preferred,
};

/// What a resource is sorted by: of several values the primary or first one (RFC 7644 §3.4.2.3).
pub fn key(located: &Located<'_>, resource: &Value) -> Option<Key> {
    let held = match located.value(resource)? {
        Value::Array(elements) => elements.get(preferred(elements)?)?,
        held => held,
    };
    let held = match located.sub {
        None => held,
        Some(sub) => match held.get(&sub.name)? {
            Value::Array(values) => values.first()?,
            held => held,
        },
    };
    let leaf = located.leaf();
    match (leaf.kind, held) {
        (Kind::DateTime, Value::String(text)) => value::instant(text).map(Key::Number),
        (_, Value::String(text)) if leaf.is_exact() => Some(Key::Text(text.clone())),
        (_, Value::String(text)) => Some(Key::Text(fold(text).into_owned())),
        (_, Value::Bool(flag)) => Some(Key::Number(i64::from(*flag))),
        (_, Value::Number(number)) => number.as_f64().map(|number| Key::Number(ordered_bits(number))),
        _ => None,
    }
}

/// Whole numbers that are ordered as the floating ones are (IEEE 754 §5.10).
fn ordered_bits(number: f64) -> i64 {
    let bits = number.to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// Which of two places comes first. Without a value is last in ascending order.
pub fn compare(a: &Place, b: &Place, descending: bool) -> Ordering {
    let keys = match (&a.key, &b.key) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(Key::Text(a)), Some(Key::Text(b))) => a.cmp(b),
        (Some(Key::Number(a)), Some(Key::Number(b))) => a.cmp(b),
        (Some(Key::Id(a)), Some(Key::Id(b))) => a.cmp(b),
        // One attribute name may be a number in one type and a text in another.
        (Some(Key::Number(_)), Some(_)) => Ordering::Less,
        (Some(_), Some(_)) => Ordering::Greater,
    };
    let ascending = keys.then(a.id.cmp(&b.id));
    if descending { ascending.reverse() } else { ascending }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order() {
        let numbers = [f64::MIN, -2.5, -1.0, -0.0, 0.0, 0.5, 1.0, 3e300];
        assert!(numbers.windows(2).all(|pair| ordered_bits(pair[0]) <= ordered_bits(pair[1])));
    }
}
