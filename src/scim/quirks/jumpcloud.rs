//! JumpCloud (its support article on custom SCIM integrations), and Entra ID without its flag.

use serde_json::{Value, json};

use crate::scim::schema::Located;

/// Both remove members by `{"op": "remove", "path": "members", "value": [{"value": "id"}]}`, where RFC
/// 7644 §3.5.2.2 has a filter in the path and no value. The engine takes the elements to remove as a
/// list; what is there beside a filter, or for an attribute of one value, has no meaning and goes.
pub(super) fn values_to_remove(located: &Located<'_>, has_filter: bool, value: &mut Value) {
    if value.is_null() {
        return;
    }
    if has_filter || located.sub.is_some() || !located.attribute.multi_valued {
        *value = Value::Null;
    } else if !value.is_array() {
        *value = json!([value.take()]);
    }
}
