use serde_json::Value;

use crate::scim::error::Refusal;

/// The most operations in one request.
const MOST: usize = 1000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Add,
    Replace,
    Remove,
}

/// One operation of a PATCH request.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub kind: Kind,
    pub path: Option<String>,
    /// Null if there is none.
    pub value: Value,
}

/// The operations of a PATCH request (RFC 7644 §3.5.2). Members' names and `op` compare without case:
/// Entra ID writes `Add`.
pub struct Operations(pub Vec<Operation>);

impl Operations {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// `invalidSyntax`: it has another form.
    pub fn parse(body: &Value) -> Result<Self, Refusal> {
        let list = member(body, "Operations").and_then(Value::as_array);
        let list = list.ok_or(Refusal::Syntax("Operations is a list"))?;
        if list.is_empty() || list.len() > MOST {
            return Err(Refusal::Syntax("Operations has 1 to 1000 entries"));
        }
        list.iter().map(Operation::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Operation {
    fn parse(body: &Value) -> Result<Self, Refusal> {
        let op = member(body, "op").and_then(Value::as_str).unwrap_or_default();
        let kind = match op.to_ascii_lowercase().as_str() {
            "add" => Kind::Add,
            "replace" => Kind::Replace,
            "remove" => Kind::Remove,
            _ => return Err(Refusal::Syntax("op is add, replace or remove")),
        };
        let path = match member(body, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => return Err(Refusal::Syntax("path is a string")),
        };
        let value = member(body, "value").cloned();
        match (kind, value) {
            (Kind::Remove, None) if path.is_none() => Err(Refusal::NoTarget("a remove without a path".to_owned())),
            (Kind::Add | Kind::Replace, None) => Err(Refusal::Syntax("add and replace have a value")),
            (kind, value) => Ok(Self { kind, path, value: value.unwrap_or(Value::Null) }),
        }
    }
}

/// A member of an object, whatever the case of its name.
fn member<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    body.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
