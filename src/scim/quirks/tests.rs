use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::{filter, schema::Registry};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn registry() -> Registry {
    Registry::load(None).expect("embedded schemas")
}

fn resource_of(vendor: Vendor, kind: &str, body: Value) -> (Value, Vec<String>) {
    let registry = registry();
    let kind = registry.resource_type(kind).expect("a type");
    let read = Quirks::new(vendor, false).resource(kind, body).expect("understood");
    (Value::Object(read.value), read.warnings)
}

fn operations_of(vendor: Vendor, operations: &Value) -> Vec<(Kind, Option<String>, Value)> {
    let registry = registry();
    let user = registry.resource_type("User").expect("a type");
    let read = Quirks::new(vendor, false).operations(user, &json!({ "Operations": operations })).expect("understood");
    read.value.into_iter().map(|operation| (operation.kind, operation.path, operation.value)).collect()
}

/// Microsoft's example 2, with its misspelt URN and its nulls.
#[test]
fn entra_ids_users_are_understood() {
    let body = json!({
        "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],
        "externalId": "jyoung", "userName": "jyoung@testuser.com", "active": "True", "addresses": null,
        "emails": [{ "type": "work", "value": "jyoung@Contoso.com", "primary": "true" }],
        "meta": { "resourceType": "User" }, "phoneNumbers": null, "department": "Sales", "manager": "m1",
        "x509Certificates": [{ "value": "{\"value\":\"MA==\",\"displayName\":\"Mine\"}" }],
    });
    let expected = json!({
        "externalId": "jyoung", "userName": "jyoung@testuser.com", "active": true,
        "emails": [{ "type": "work", "value": "jyoung@Contoso.com", "primary": true }],
        ENTERPRISE: { "department": "Sales", "manager": { "value": "m1" } },
        "x509Certificates": [{ "value": "MA==", "display": "Mine" }],
    });
    for (manager, meant) in [
        (json!("m1"), json!({ "value": "m1" })),
        (
            json!([{ "value": "m1", "$ref": "http://x/Users/m1" }]),
            json!({ "value": "m1", "$ref": "http://x/Users/m1" }),
        ),
        (json!({ "value": "m1", "displayName": "not ours to set" }), json!({ "value": "m1" })),
    ] {
        let (mut body, mut expected) = (body.clone(), expected.clone());
        body["manager"] = manager;
        expected[ENTERPRISE]["manager"] = meant;
        assert_eq!(resource_of(Vendor::Generic, "User", body), (expected, vec![]));
    }
    let (read, _) = resource_of(Vendor::Generic, "User", json!({ "userName": "a", "manager": "" }));
    assert_eq!(read, json!({ "userName": "a" }));
}

#[test]
fn extensions_under_other_spellings_are_the_standards() {
    for urn in [
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
        "urn:scim:schemas:extension:enterprise:2.0:User",
        "urn:scim:schemas:extension:enterprise:2.0",
        "URN:scim:schemas:extension:enterprise:1.0",
    ] {
        let body = json!({ "schemas": [USER, urn], "userName": "a", urn: { "department": "Sales", "active": "x" } });
        let (read, warnings) = resource_of(Vendor::OneLogin, "User", body);
        assert_eq!(read, json!({ "userName": "a", ENTERPRISE: { "department": "Sales" } }), "{urn}");
        assert_eq!(warnings, ["active: no schema knows it, so it was left out"]);
        let operations = json!([
            { "op": "replace", "path": format!("{urn}:department"), "value": "x" },
            { "op": "replace", "value": { format!("{urn}:manager"): "m1" } },
        ]);
        assert_eq!(
            operations_of(Vendor::OneLogin, &operations),
            [
                (Kind::Replace, Some(format!("{ENTERPRISE}:department")), json!("x")),
                (Kind::Replace, None, json!({ format!("{ENTERPRISE}:manager"): { "value": "m1" } })),
            ]
        );
    }
}

/// A strict connection still takes the schemas that its vendor is known to name.
#[test]
fn vendors_schemas_are_no_unknown_schemas() {
    let registry = registry();
    let strict = Quirks::new(Vendor::Entra, true);
    for (kind, body) in [
        (
            "User",
            json!({ "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"], "userName": "a" }),
        ),
        ("User", json!({ "schemas": ["urn:scim:schemas:core:2.0:User"], "userName": "a" })),
        ("Group", json!({ "schemas": ["urn:scim:schemas:core:2.0:Group", entra_group()], "displayName": "g" })),
    ] {
        let kind = registry.resource_type(kind).expect("a type");
        assert!(strict.resource(kind, body.clone()).is_ok(), "{body}");
    }
    let kind = registry.resource_type("User").expect("a type");
    let other = json!({ "schemas": ["urn:example:x"], "userName": "a" });
    assert_eq!(strict.resource(kind, other).expect_err("refused").scim_type(), Some("invalidValue"));
}

fn entra_group() -> &'static str {
    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
}

#[test]
fn what_replaces_a_missing_element_makes_it_for_entra_id_only() {
    let replace = |op: &str| json!([{ "op": op, "path": "emails[type eq \"work\"].value", "value": "x" }]);
    for (vendor, op, kind) in [
        (Vendor::Entra, "replace", Kind::Add),
        (Vendor::Entra, "Replace", Kind::Add),
        // Nobody else writes it with a capital.
        (Vendor::Generic, "Replace", Kind::Add),
        (Vendor::Generic, "replace", Kind::Replace),
        (Vendor::Okta, "replace", Kind::Replace),
    ] {
        assert_eq!(operations_of(vendor, &replace(op))[0].0, kind, "{vendor:?} {op}");
    }
    let pathless = json!([{ "op": "replace", "value": {
        "phoneNumbers[type eq \"mobile\"].value": "1", "displayName": "n", "active": "False" } }]);
    assert_eq!(
        operations_of(Vendor::Entra, &pathless),
        [
            (Kind::Replace, None, json!({ "displayName": "n", "active": false })),
            (Kind::Add, Some("phoneNumbers[type eq \"mobile\"].value".to_owned()), json!("1")),
        ]
    );
    // A whole element is put in the place of another, never added to it.
    let whole = json!([{ "op": "Replace", "path": "emails[type eq \"work\"]", "value": { "value": "x" } }]);
    assert_eq!(operations_of(Vendor::Entra, &whole)[0].0, Kind::Replace);
}

/// Names are cut at characters only: fuzzing found one that was not.
#[test]
fn names_of_any_characters_are_read() {
    let registry = registry();
    let user = registry.resource_type("User").expect("a type");
    for length in 0..60 {
        for name in [format!("{}ﬁﬁﬁﬁ", "a".repeat(length)), format!("urn:scim:schemas:{}éé", "c".repeat(length))]
        {
            assert_eq!(standard_urn(user, &name), name);
            let read = Quirks::new(Vendor::OneLogin, false).resource(user, json!({ "userName": "a", name: 1 }));
            assert_eq!(read.expect("understood").warnings.len(), 1);
        }
    }
}

#[test]
fn removals_by_value_name_a_list() {
    for (path, value, meant) in [
        ("emails", json!([{ "value": "x" }]), json!([{ "value": "x" }])),
        ("emails", json!({ "value": "x" }), json!([{ "value": "x" }])),
        ("emails", json!("x"), json!([{ "value": "x" }])),
        ("emails", json!(["x"]), json!([{ "value": "x" }])),
        ("emails", json!([]), json!([])),
        ("emails", Value::Null, Value::Null),
        ("emails[type eq \"work\"]", json!([{ "value": "x" }]), Value::Null),
        ("title", json!("Boss"), Value::Null),
        ("manager", json!(""), Value::Null),
    ] {
        let operations = json!([{ "op": "Remove", "path": path, "value": value }]);
        assert_eq!(operations_of(Vendor::JumpCloud, &operations)[0].2, meant, "{path} {value}");
    }
}

#[test]
fn role_documents_are_unpacked() {
    let document = "{\"id\":\"06b07648\",\"value\":\"25\",\"displayName\":\"Role1234\"}";
    for value in
        [json!([{ "value": document }]), json!([document]), json!([{ "value": "25", "displayName": "Role1234" }])]
    {
        let operations = json!([{ "op": "Add", "path": "phoneNumbers", "value": value }]);
        let read = operations_of(Vendor::Entra, &operations);
        assert_eq!(read[0].2, json!([{ "value": "25", "display": "Role1234" }]), "{value}");
    }
    // What only looks like one stays.
    let operations = json!([{ "op": "Add", "path": "phoneNumbers", "value": [{ "value": "{7}" }] }]);
    assert_eq!(operations_of(Vendor::Entra, &operations)[0].2, json!([{ "value": "{7}" }]));
}

#[test]
fn names_that_no_schema_knows_are_told() {
    let body = json!({ "userName": "a", "shoeSize": 45, ENTERPRISE: { "desk": "7" } });
    let (_, warnings) = resource_of(Vendor::Generic, "User", body);
    assert_eq!(
        warnings,
        ["shoeSize: no schema knows it, so it was left out", "desk: no schema knows it, so it was left out"]
    );
    let registry = registry();
    let user = registry.resource_type("User").expect("a type");
    let body = json!({ "Operations": [{ "op": "replace", "value": { "shoeSize": 45, "password": "x" } }] });
    let read = Quirks::new(Vendor::Generic, false).operations(user, &body).expect("understood");
    assert_eq!(read.warnings.len(), 2, "{:?}", read.warnings);
}

#[test]
fn filters_become_the_grammars() {
    let registry = registry();
    let user = registry.resource_type("User").expect("a type");
    let entra = Quirks::new(Vendor::Entra, true);
    for (text, standard) in [
        (r#"emails[type eq "work"].value eq "a""#, r#"emails[(type eq "work") and value eq "a"]"#),
        (
            r#"emails[type eq "work" or primary eq "True"].value sw "a" and active eq True"#,
            r#"emails[(type eq "work" or primary eq true) and value sw "a"] and active eq true"#,
        ),
        (r#"emails[primary eq "True"].value pr"#, r#"emails[(primary eq true) and value pr]"#),
        (r#"emails[primary eq "True"].value"#, r#"emails[primary eq true].value"#),
        (r#"not (active eq "FALSE")"#, r#"not (active eq false)"#),
        // The grammar's own, and what is nobody's.
        (r#"userName eq "true""#, r#"userName eq "true""#),
        ("active eq  true ", "active eq  true "),
        (r#"userName eq "a].value eq""#, r#"userName eq "a].value eq""#),
        (r#"emails[type eq "work" and value co "x"]"#, r#"emails[type eq "work" and value co "x"]"#),
        ("name.givenName", "name.givenName"),
        (r#"emails[type eq "work""#, r#"emails[type eq "work""#),
        ("emails[a[b]].c eq", "emails[a[b]].c eq"),
        ("active eq", "active eq"),
        // Spaces that no grammar knows.
        ("active\u{a0}eq True", "active\u{a0}eq True"),
        ("\u{3000}", "\u{3000}"),
    ] {
        assert_eq!(entra.filter(user, text), standard, "{text}");
    }
    // One switch: a strict connection of another vendor takes the grammar's form only.
    let strict = Quirks::new(Vendor::Generic, true);
    assert_eq!(strict.filter(user, "active eq True"), "active eq True");
    assert_eq!(Quirks::new(Vendor::Generic, false).filter(user, "active eq True"), "active eq true");
}

proptest! {
    /// What the parser takes means the same after the rewriting, and no text breaks it.
    #[test]
    fn the_grammars_filters_are_left_alone(pieces in prop::collection::vec(prop::sample::select(vec![
        "userName", "emails", "active", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", "\"x\"", "true", "True",
        "\"True\"", ".value", "null", "type", "primary", "meta.created"]), 0..20)) {
        let registry = registry();
        let user = registry.resource_type("User").expect("a type");
        let text = pieces.join(" ");
        let standard = Quirks::new(Vendor::Entra, false).filter(user, &text);
        if filter::parse(user, &text).is_ok() {
            prop_assert_eq!(&standard, &text);
        }
    }
}
