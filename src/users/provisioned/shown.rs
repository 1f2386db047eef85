use serde_json::Value;

use crate::{text::fold, users::User};

/// Where the document says which columns are ours, not a tool's. No attribute can have this name
/// (RFC 7643 §2.1).
pub const DERIVED: &str = "$derived";

/// Whether the account has filled that attribute's column itself, so that no tool is ever shown it.
pub fn is_derived(user: &User, name: &str) -> bool {
    let derived = user.document.get(DERIVED).and_then(Value::as_array);
    derived.is_some_and(|names| names.iter().any(|derived| derived == name))
}

/// The addresses as a tool has set them: the document's, with the preferred one from its column.
pub fn emails(user: &User) -> Option<Value> {
    let mut emails = user.document.get("emails").cloned();
    let Some(email) = user.email.as_ref().filter(|_| !is_derived(user, "emails")) else { return emails };
    let elements = emails.get_or_insert_with(|| Value::Array(vec![Value::Object(serde_json::Map::new())]));
    if let Some(elements) = elements.as_array_mut()
        && let Some(preferred) = preferred(elements)
        && let Some(element) = elements.get_mut(preferred).and_then(Value::as_object_mut)
    {
        element.entry("value").or_insert_with(|| email.as_str().into());
    }
    emails
}

/// The place of the preferred one of several values: the primary one, or else the first.
pub fn preferred(elements: &[Value]) -> Option<usize> {
    let primary = elements.iter().position(|element| element.get("primary") == Some(&Value::Bool(true)));
    primary.or((!elements.is_empty()).then_some(0))
}

/// What lists compare of an account, in the form in which they compare it; `None` is unassigned.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::users) struct Shown {
    pub display_name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    /// Whether `active` is shown.
    pub active: bool,
    pub emails: Vec<String>,
}

impl Shown {
    pub fn of(user: &User) -> Self {
        let text = |text: &str| (!text.is_empty()).then(|| fold(text).into_owned());
        let emails = emails(user).unwrap_or_default();
        let values = emails.as_array().into_iter().flatten().filter_map(|element| element.get("value")?.as_str());
        let mut values: Vec<String> = values.map(|value| fold(value).into_owned()).collect();
        values.sort_unstable();
        values.dedup();
        Self {
            display_name: text(&user.display_name).filter(|_| !is_derived(user, "displayName")),
            given_name: text(&user.given_name),
            family_name: text(&user.family_name),
            active: !is_derived(user, "active"),
            emails: values,
        }
    }
}
