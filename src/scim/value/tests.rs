use serde_json::json;

use super::*;
use crate::scim::schema::Registry;

fn user(body: &Value) -> Result<Value, Refusal> {
    let registry = Registry::load(None).expect("embedded schemas");
    resource(registry.resource_type("User").expect("a type"), body, Unknown::Ignore).map(Value::Object)
}

#[test]
fn names_become_canonical_and_the_unassigned_goes() {
    let sent = json!({
        "USERNAME": "a", "Name": { "GIVENNAME": "A", "familyName": null }, "emails": [], "title": null,
        "id": "mine", "meta": {}, "groups": [{ "value": "x" }], "shoeSize": 45, "department": "Sales",
        "active": false, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "VALUE": "m1" } },
    });
    let expected = json!({
        "userName": "a", "name": { "givenName": "A" }, "active": false,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Sales", "manager": { "value": "m1" },
        },
    });
    assert_eq!(user(&sent), Ok(expected));
}

#[test]
fn wrong_types_and_missing_names_are_refused() {
    for (sent, refused) in [
        (json!([]), "invalidSyntax"),
        (json!({ "schemas": "x", "userName": "a" }), "invalidSyntax"),
        (json!({}), "invalidValue"),
        (json!({ "userName": " " }), "invalidValue"),
        (json!({ "userName": 7 }), "invalidValue"),
        (json!({ "userName": "a", "active": "true" }), "invalidValue"),
        (json!({ "userName": "a", "manager": "m1" }), "invalidValue"),
        (json!({ "userName": "a", "manager": [{ "value": "m1" }] }), "invalidValue"),
        (json!({ "userName": "a", "name": "A" }), "invalidValue"),
        (json!({ "userName": "a", "emails": [{ "value": 1 }] }), "invalidValue"),
        (json!({ "userName": "a", "x509Certificates": [{ "value": "%" }] }), "invalidValue"),
        (
            json!({ "userName": "a", "emails": [{ "value": "a", "primary": true }, { "value": "b", "primary": true }] }),
            "invalidValue",
        ),
    ] {
        assert_eq!(user(&sent).expect_err("refused").scim_type(), Some(refused), "{sent}");
    }
}

#[test]
fn lists_are_long_only_where_they_are_rows() {
    let registry = Registry::load(None).expect("embedded schemas");
    let group = registry.resource_type("Group").expect("a type");
    let list = |count: usize| json!((0..count).map(|n| json!({ "value": n.to_string() })).collect::<Vec<_>>());
    assert!(user(&json!({ "userName": "a", "emails": list(MOST_VALUES) })).is_ok());
    let refusal = user(&json!({ "userName": "a", "emails": list(MOST_VALUES + 1) })).expect_err("refused");
    assert_eq!(refusal.scim_type(), Some("invalidValue"));
    let members = json!({ "displayName": "g", "members": list(20_000) });
    let read = resource(group, &members, Unknown::Ignore).expect("accepted");
    assert_eq!(read["members"].as_array().map(Vec::len), Some(20_000));
}

#[test]
fn a_pair_of_value_and_type_occurs_once() {
    let sent = json!({ "userName": "a", "emails": [{ "value": "a", "type": "work" }, { "value": "a", "type": "work", "primary": true }] });
    assert_eq!(user(&sent).expect("accepted")["emails"], json!([{ "value": "a", "type": "work", "primary": true }]));
}
