//! Changing text and JSON at random.

use proptest::{prelude::RngExt, test_runner::TestRng};
use serde_json::{Map, Value, json};

use crate::corpus::{FILTERS, PATHS, PIECES};

/// The longest text that is made.
const LONGEST_TEXT: usize = 6000;

fn one_of<'v>(random: &mut TestRng, values: &[&'v str]) -> &'v str {
    values[random.random_range(0..values.len())]
}

/// A place between two characters.
fn place(random: &mut TestRng, text: &str) -> usize {
    let mut at = random.random_range(0..=text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Two places, the first not behind the second.
fn range(random: &mut TestRng, text: &str) -> std::ops::Range<usize> {
    let (a, b) = (place(random, text), place(random, text));
    a.min(b)..a.max(b)
}

/// A text of the corpus, changed some times.
pub fn text(random: &mut TestRng, corpus: &[String]) -> String {
    let mut text = corpus[random.random_range(0..corpus.len())].clone();
    for _ in 0..random.random_range(0..6) {
        let at = place(random, &text);
        match random.random_range(0..8) {
            0 | 1 => text.insert_str(at, one_of(random, PIECES)),
            2 => text.replace_range(range(random, &text), ""),
            3 => {
                let part = text[range(random, &text)].to_owned();
                text.insert_str(at, &part);
            }
            4 => {
                let other = &corpus[random.random_range(0..corpus.len())];
                text.insert_str(at, &other[range(random, other)]);
            }
            5 => {
                let (piece, times) = (one_of(random, PIECES), random.random_range(2..120));
                text.insert_str(at, &piece.repeat(times));
            }
            6 => {
                let part = range(random, &text);
                text.replace_range(part, one_of(random, PIECES));
            }
            _ => {
                let joint = one_of(random, &[" and ", " or ", ") or (", ""]);
                text = format!("({text}){joint}({})", corpus[random.random_range(0..corpus.len())]);
            }
        }
        if text.len() > LONGEST_TEXT {
            let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
            text.truncate(end);
        }
    }
    text
}

/// JSON of the corpus, changed some times; now and then as text, so that it may be JSON no more.
pub fn json_text(random: &mut TestRng, corpus: &[String]) -> String {
    let chosen = &corpus[random.random_range(0..corpus.len())];
    let (Ok(mut value), true) = (serde_json::from_str::<Value>(chosen), random.random_range(0..20) > 0) else {
        return text(random, corpus);
    };
    for _ in 0..random.random_range(1..8) {
        let nodes = count(&value);
        let target = random.random_range(0..nodes);
        if let Some(node) = nth(&mut value, &mut { target }) {
            change(random, node, corpus);
        }
    }
    value.to_string()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

fn nth<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(elements) => elements.iter_mut().find_map(|element| nth(element, left)),
        Value::Object(members) => members.values_mut().find_map(|member| nth(member, left)),
        _ => None,
    }
}

fn change(random: &mut TestRng, node: &mut Value, corpus: &[String]) {
    match random.random_range(0..10) {
        0 => *node = scalar(random),
        1 => *node = json!([node.take()]),
        2 => *node = from_corpus(random, corpus),
        3 => {
            if let Value::Array(elements) = node
                && let Some(element) = elements.first().cloned()
            {
                let times = *[1, 2, 50, 300].get(random.random_range(0..4)).unwrap_or(&1);
                elements.extend((0..times).map(|number| distinct(&element, number)));
            }
        }
        4 | 5 => {
            if let Value::Object(members) = node {
                rename(random, members);
            }
        }
        6 => {
            if let Value::Object(members) = node {
                let name = one_of(random, PATHS).to_owned();
                let value = from_corpus(random, corpus);
                members.insert(name, value);
            }
        }
        7 => {
            if let Value::Array(elements) = node
                && !elements.is_empty()
            {
                elements.swap_remove(random.random_range(0..elements.len()));
            }
        }
        8 => {
            if let Value::String(text) = node {
                let near = [text.clone(), one_of(random, PATHS).to_owned(), one_of(random, FILTERS).to_owned()];
                *text = self::text(random, &near);
            }
        }
        _ => *node = Value::String(one_of(random, PIECES).to_owned()),
    }
}

/// The same element with another value.
fn distinct(element: &Value, number: usize) -> Value {
    let mut element = element.clone();
    if let Some(members) = element.as_object_mut() {
        members.insert("value".to_owned(), number.to_string().into());
    }
    element
}

fn rename(random: &mut TestRng, members: &mut Map<String, Value>) {
    let chosen = random.random_range(0..=members.len());
    let mut renamed = Map::new();
    for (index, (name, value)) in std::mem::take(members).into_iter().enumerate() {
        let name = if index == chosen { one_of(random, PATHS).to_owned() } else { name };
        renamed.insert(name, value);
    }
    *members = renamed;
}

fn scalar(random: &mut TestRng) -> Value {
    match random.random_range(0..8) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!("False"),
        3 => json!(i64::MIN),
        4 => json!(1.5e300),
        5 => json!({}),
        6 => json!([]),
        _ => json!("x".repeat(random.random_range(0..3000))),
    }
}

fn from_corpus(random: &mut TestRng, corpus: &[String]) -> Value {
    let text = &corpus[random.random_range(0..corpus.len())];
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return Value::Null };
    let target = random.random_range(0..count(&value));
    nth(&mut value, &mut { target }).map(Value::take).unwrap_or_default()
}
