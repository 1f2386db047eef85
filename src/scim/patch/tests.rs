use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    connections::Vendor,
    scim::{quirks::Quirks, schema::Registry},
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn alice() -> Value {
    json!({
        "userName": "alice", "name": { "givenName": "Alice", "familyName": "Ash" }, "active": true,
        "emails": [
            { "value": "a@work.example", "type": "work", "primary": true },
            { "value": "a@home.example", "type": "home" },
        ],
        ENTERPRISE: { "department": "Sales" },
    })
}

fn patch_with(operations: Value, quirks: Quirks) -> Result<Value, Option<&'static str>> {
    let registry = Registry::load(None).expect("embedded schemas");
    let user = registry.resource_type("User").expect("a type");
    let Value::Object(resource) = alice() else { unreachable!() };
    quirks
        .operations(user, &json!({ "Operations": operations }))
        .and_then(|read| apply(user, &resource, &read.value, quirks.unknown()))
        .map(Value::Object)
        .map_err(|refusal| refusal.scim_type())
}

fn patch(operations: Value) -> Result<Value, Option<&'static str>> {
    patch_with(operations, Quirks::new(Vendor::Generic, false))
}

/// What a patch makes of one attribute; the others must stay as they were.
fn after(operation: Value, attribute: &str) -> Value {
    let mut patched = patch(json!([operation])).expect("applied");
    let mut before = alice();
    let changed = patched.as_object_mut().expect("an object").shift_remove(attribute).unwrap_or(Value::Null);
    before.as_object_mut().expect("an object").shift_remove(attribute);
    assert_eq!(patched, before, "{operation}");
    changed
}

#[test]
fn every_form_of_path_is_set() {
    let emails = |patched: Value| patched;
    for (operation, attribute, expected) in [
        (json!({ "op": "replace", "path": "active", "value": false }), "active", json!(false)),
        (json!({ "op": "Replace", "path": "ACTIVE", "value": "False" }), "active", json!(false)),
        (json!({ "op": "replace", "value": { "active": false } }), "active", json!(false)),
        (json!({ "op": "add", "path": "title", "value": "Boss" }), "title", json!("Boss")),
        (json!({ "op": "remove", "path": "title" }), "title", Value::Null),
        (json!({ "op": "replace", "path": "title", "value": null }), "title", Value::Null),
        (
            json!({ "op": "replace", "path": "name.givenName", "value": "Al" }),
            "name",
            json!({ "givenName": "Al", "familyName": "Ash" }),
        ),
        (
            json!({ "op": "replace", "value": { "name.givenName": "Al" } }),
            "name",
            json!({ "givenName": "Al", "familyName": "Ash" }),
        ),
        (
            json!({ "op": "replace", "path": "name", "value": { "givenName": "Al", "middleName": "B" } }),
            "name",
            json!({ "givenName": "Al", "familyName": "Ash", "middleName": "B" }),
        ),
        (json!({ "op": "remove", "path": "name.givenName" }), "name", json!({ "familyName": "Ash" })),
        (json!({ "op": "remove", "path": "name" }), "name", Value::Null),
        (
            json!({ "op": "replace", "path": "emails[type eq \"WORK\"].value", "value": "n@work.example" }),
            "emails",
            emails(json!([
                { "value": "n@work.example", "type": "work", "primary": true },
                { "value": "a@home.example", "type": "home" },
            ])),
        ),
        (
            json!({ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "value": "n", "type": "other" } }),
            "emails",
            json!([{ "value": "n", "type": "other" }, { "value": "a@home.example", "type": "home" }]),
        ),
        (
            json!({ "op": "add", "path": "emails[type eq \"other\"].value", "value": "o" }),
            "emails",
            json!([
                { "value": "a@work.example", "type": "work", "primary": true },
                { "value": "a@home.example", "type": "home" },
                { "type": "other", "value": "o" },
            ]),
        ),
        (
            json!({ "op": "add", "path": "emails[primary eq true and type eq \"other\"].value", "value": "o" }),
            "emails",
            json!([
                { "value": "a@work.example", "type": "work", "primary": false },
                { "value": "a@home.example", "type": "home" },
                { "primary": true, "type": "other", "value": "o" },
            ]),
        ),
        (
            json!({ "op": "remove", "path": "emails[type eq \"work\"]" }),
            "emails",
            json!([{ "value": "a@home.example", "type": "home" }]),
        ),
        (
            json!({ "op": "remove", "path": "emails", "value": [{ "value": "a@home.example" }] }),
            "emails",
            json!([{ "value": "a@work.example", "type": "work", "primary": true }]),
        ),
        (json!({ "op": "remove", "path": "emails" }), "emails", Value::Null),
        (json!({ "op": "remove", "path": "emails[type eq \"fax\"]" }), "emails", alice()["emails"].clone()),
        (
            json!({ "op": "replace", "path": "emails", "value": { "value": "only" } }),
            "emails",
            json!([{ "value": "only" }]),
        ),
        (
            json!({ "op": "add", "path": "emails", "value": [{ "value": "n", "primary": true }] }),
            "emails",
            json!([
                { "value": "a@work.example", "type": "work", "primary": false },
                { "value": "a@home.example", "type": "home" },
                { "value": "n", "primary": true },
            ]),
        ),
        (
            json!({ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True" }),
            "emails",
            json!([
                { "value": "a@work.example", "type": "work", "primary": false },
                { "value": "a@home.example", "type": "home", "primary": true },
            ]),
        ),
        (
            json!({ "op": "add", "path": format!("{ENTERPRISE}:manager"), "value": "m" }),
            ENTERPRISE,
            json!({ "department": "Sales", "manager": { "value": "m" } }),
        ),
        (
            json!({ "op": "add", "value": { format!("{ENTERPRISE}:manager"): [{ "value": "m" }] } }),
            ENTERPRISE,
            json!({ "department": "Sales", "manager": { "value": "m" } }),
        ),
        (
            json!({ "op": "add", "value": { ENTERPRISE: { "division": "D" } } }),
            ENTERPRISE,
            json!({ "department": "Sales", "division": "D" }),
        ),
        (
            json!({ "op": "add", "path": ENTERPRISE, "value": { "division": "D" } }),
            ENTERPRISE,
            json!({ "department": "Sales", "division": "D" }),
        ),
        (json!({ "op": "remove", "path": ENTERPRISE }), ENTERPRISE, Value::Null),
        (json!({ "op": "remove", "path": format!("{ENTERPRISE}:department") }), ENTERPRISE, Value::Null),
        (json!({ "op": "replace", "path": "manager", "value": "" }), ENTERPRISE, json!({ "department": "Sales" })),
    ] {
        assert_eq!(after(operation.clone(), attribute), expected, "{operation}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_its_word() {
    for (operation, refusal) in [
        (json!({ "op": "add", "path": "emails[type eq \"o\\u0000\"].value", "value": "o" }), "invalidValue"),
        (json!({ "op": "move", "path": "title", "value": "x" }), "invalidSyntax"),
        (json!({ "op": "add", "path": "title" }), "invalidSyntax"),
        (json!({ "op": "add", "value": "x" }), "invalidSyntax"),
        (json!({ "op": "add", "path": 1, "value": "x" }), "invalidSyntax"),
        (json!({ "op": "remove" }), "noTarget"),
        (json!({ "op": "replace", "path": "shoeSize", "value": 45 }), "invalidPath"),
        (json!({ "op": "replace", "path": "id", "value": "x" }), "mutability"),
        (json!({ "op": "replace", "path": "meta.created", "value": "x" }), "mutability"),
        (json!({ "op": "replace", "path": "groups", "value": [] }), "mutability"),
        (json!({ "op": "replace", "path": "schemas", "value": [] }), "mutability"),
        (json!({ "op": "replace", "path": "manager.displayName", "value": "x" }), "mutability"),
        (json!({ "op": "remove", "path": "userName" }), "mutability"),
        (json!({ "op": "replace", "path": "userName", "value": "" }), "invalidValue"),
        (json!({ "op": "replace", "path": "active", "value": "perhaps" }), "invalidValue"),
        (json!({ "op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x" }), "noTarget"),
        (json!({ "op": "replace", "path": "emails[type eq]", "value": "x" }), "invalidFilter"),
        (
            json!({ "op": "add", "path": "emails[type ne \"work\" and type ne \"home\"].value", "value": "x" }),
            "noTarget",
        ),
        (
            json!({ "op": "add", "path": "emails", "value": [{ "value": "x", "primary": true }, { "value": "y", "primary": true }] }),
            "invalidValue",
        ),
        (json!({ "op": "replace", "path": "emails.primary", "value": true }), "invalidValue"),
    ] {
        assert_eq!(patch(json!([operation])), Err(Some(refusal)), "{operation}");
    }
    assert_eq!(patch(json!([])), Err(Some("invalidSyntax")));
    assert_eq!(patch(json!("x")), Err(Some("invalidSyntax")));
}

#[test]
fn a_later_refusal_undoes_the_whole() {
    let operations = json!([
        { "op": "replace", "path": "title", "value": "Boss" },
        { "op": "replace", "path": "id", "value": "x" },
    ]);
    assert_eq!(patch(operations), Err(Some("mutability")));
}

#[test]
fn read_only_and_unknown_members_of_a_value_are_left_out() {
    let operations = json!([{ "op": "replace", "value": { "id": "x", "title": "Boss", "shoeSize": 1, "meta": {} } }]);
    let mut expected = alice();
    expected["title"] = json!("Boss");
    assert_eq!(patch(operations.clone()), Ok(expected));
    let strict = Quirks::new(Vendor::Generic, true);
    assert_eq!(patch_with(operations, strict), Err(Some("invalidValue")));
}

#[test]
fn setting_what_is_there_changes_nothing() {
    for operation in [
        json!({ "op": "replace", "path": "active", "value": "True" }),
        json!({ "op": "add", "path": "emails", "value": [{ "value": "a@home.example", "type": "home" }] }),
        json!({ "op": "add", "path": "emails", "value": [{ "value": "a@work.example", "type": "work", "primary": true }] }),
        json!({ "op": "replace", "path": "name", "value": { "familyName": "Ash" } }),
        json!({ "op": "add", "path": "phoneNumbers", "value": [] }),
    ] {
        assert_eq!(patch(json!([operation])), Ok(alice()), "{operation}");
    }
}

fn operation() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec![
        "active",
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "emails[type eq \"other\"].value",
        "emails[primary eq true].primary",
        "department",
        "manager",
        ENTERPRISE,
        "addresses",
        "phoneNumbers[value pr].type",
        "userName",
        "externalId",
        "x509Certificates",
    ]);
    let value = prop::sample::select(vec![
        json!(null),
        json!(true),
        json!("False"),
        json!("text"),
        json!(7),
        json!([]),
        json!({}),
        json!([{ "value": "v", "type": "work", "primary": true }]),
        json!({ "value": "w", "primary": true }),
        json!({ "givenName": "G", "familyName": null }),
        json!({ "department": "D" }),
        json!([{ "country": "EE" }]),
    ]);
    let op = prop::sample::select(vec!["add", "replace", "remove", "Add"]);
    (op, path, value).prop_map(|(op, path, value)| json!({ "op": op, "path": path, "value": value }))
}

/// Canonical: nothing unassigned is written, and at most one value of a list is primary.
fn is_canonical(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => {
            !elements.is_empty()
                && elements.iter().all(is_canonical)
                && elements.iter().filter(|element| value::is_primary(element)).count() <= 1
        }
        Value::Object(members) => !members.is_empty() && members.values().all(is_canonical),
        _ => true,
    }
}

proptest! {
    #[test]
    fn whatever_is_applied_leaves_a_canonical_resource(operations in prop::collection::vec(operation(), 1..6)) {
        if let Ok(patched) = patch(json!(operations)) {
            prop_assert!(is_canonical(&patched), "{patched}");
        }
    }

    #[test]
    fn replacing_twice_is_replacing_once(operation in operation()) {
        prop_assume!(operation["op"] == "replace");
        let once = patch(json!([operation]));
        let twice = patch(json!([operation, operation]));
        // A filter may match no more after the first time (its own value was replaced).
        if twice.is_ok() {
            prop_assert_eq!(once, twice);
        }
    }
}
