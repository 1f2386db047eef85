//! How a request wants a person to be: what PUT and PATCH mean for the resource as it is.

use serde_json::{Map, Value};

use super::assignments;
use crate::scim::{
    call::Call,
    error::Refusal,
    patch::{self, Operation},
    replace,
    schema::ResourceType,
};

/// How a user shall change.
pub enum Change {
    /// PUT: the whole resource.
    Replace(Map<String, Value>),
    /// PATCH.
    Patch(Vec<Operation>),
}

impl Change {
    /// The resource after the change.
    ///
    /// # Errors
    /// What of it cannot be done.
    pub fn apply(
        &self,
        call: &Call,
        kind: &ResourceType,
        before: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Refusal> {
        match self {
            Self::Replace(resource) => replaced(kind, before, resource),
            Self::Patch(operations) => patch::apply(kind, before, operations, call.quirks().unknown()),
        }
    }

    /// Whether the request itself says that the person is active.
    pub fn says_active(&self) -> bool {
        let is_true =
            |value: &Value| value == true || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"));
        match self {
            Self::Replace(resource) => resource.get("active").is_some_and(is_true),
            Self::Patch(operations) => operations.iter().any(|operation| match &operation.path {
                Some(path) => {
                    path.rsplit(':').next().is_some_and(|path| path.eq_ignore_ascii_case("active"))
                        && is_true(&operation.value)
                }
                None => operation.value.as_object().is_some_and(|members| {
                    members.iter().any(|(name, value)| {
                        name.rsplit(':').next().is_some_and(|name| name.eq_ignore_ascii_case("active"))
                            && is_true(value)
                    })
                }),
            }),
        }
    }
}

/// What PUT makes of a resource: all that the client may set is as it says, but an omitted `active`
/// keeps (an omission must not let in or out), and what is set once stays.
fn replaced(
    kind: &ResourceType,
    before: &Map<String, Value>,
    resource: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut after = resource.clone();
    after.shift_remove("password");
    // Nor does anybody lose a product because a tool does not know our extension.
    if assignments::take(&mut after.clone()).is_none() {
        let given = assignments::take(&mut before.clone());
        assignments::put(&mut after, given);
    }
    if let Some(active) = before.get("active") {
        after.entry("active").or_insert_with(|| active.clone());
    }
    replace::apply(kind, before, &after)
}
