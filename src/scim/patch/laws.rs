//! What holds for every PATCH on every resource (RFC 7644 §3.5.2).

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::scim::schema::Registry;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user() -> &'static ResourceType {
    static REGISTRY: std::sync::OnceLock<Registry> = std::sync::OnceLock::new();
    let registry = REGISTRY.get_or_init(|| Registry::load(None).expect("embedded schemas"));
    registry.resource_type("User").expect("a type")
}

fn applied(resource: &Map<String, Value>, operations: &[Operation]) -> Result<Map<String, Value>, Refusal> {
    apply(user(), resource, operations, Unknown::Refuse)
}

fn operation(kind: Kind, path: &str, value: Value) -> Operation {
    Operation { kind, path: Some(path.to_owned()), value }
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

/// Addresses of some kinds, one of them the primary at most.
fn emails() -> impl Strategy<Value = Value> {
    prop::collection::vec((word(), prop::option::of(prop::sample::select(vec!["work", "home", "other"]))), 0..4)
        .prop_flat_map(|emails| (Just(emails.clone()), prop::option::of(0..emails.len().max(1))))
        .prop_map(|(emails, primary)| {
            let elements = emails.into_iter().enumerate().map(|(index, (value, kind))| {
                let mut element = json!({ "value": value });
                if let Some(kind) = kind {
                    element["type"] = kind.into();
                }
                if primary == Some(index) {
                    element["primary"] = true.into();
                }
                element
            });
            Value::Array(elements.collect())
        })
}

fn resource() -> impl Strategy<Value = Map<String, Value>> {
    (emails(), prop::option::of(word()), prop::option::of(word()), prop::option::of(any::<bool>())).prop_map(
        |(emails, title, department, active)| {
            let body = json!({
                "userName": "a", "emails": emails, "title": title, "active": active, "name": { "givenName": title },
                ENTERPRISE: { "department": department },
            });
            value::resource(user(), &body, Unknown::Refuse).expect("a resource")
        },
    )
}

/// One of every form of path, with a value that it can take.
fn any_operation() -> impl Strategy<Value = Operation> {
    let kind = prop::sample::select(vec![Kind::Add, Kind::Replace, Kind::Remove]);
    let target = prop_oneof![
        word().prop_map(|word| ("title".to_owned(), json!(word))),
        word().prop_map(|word| ("name.givenName".to_owned(), json!(word))),
        word().prop_map(|word| ("name".to_owned(), json!({ "familyName": word }))),
        emails().prop_map(|emails| ("emails".to_owned(), emails)),
        word().prop_map(|word| ("emails[type eq \"work\"].value".to_owned(), json!(word))),
        word().prop_map(|word| ("emails[type eq \"home\" and value ne \"a\"].display".to_owned(), json!(word))),
        word().prop_map(|word| ("emails[primary eq true]".to_owned(), json!({ "value": word }))),
        word().prop_map(|word| ("emails[primary eq true and type eq \"other\"].display".to_owned(), json!(word))),
        any::<bool>().prop_map(|primary| ("emails[value eq \"b\"].primary".to_owned(), json!(primary))),
        word().prop_map(|word| (format!("{ENTERPRISE}:department"), json!(word))),
        word().prop_map(|word| (ENTERPRISE.to_owned(), json!({ "division": word }))),
        word().prop_map(|word| ("manager.value".to_owned(), json!(word))),
        Just(("active".to_owned(), json!(null))),
    ];
    (kind, target).prop_map(|(kind, (path, value))| {
        let value = if kind == Kind::Remove { Value::Null } else { value };
        operation(kind, &path, value)
    })
}

proptest! {
    /// All or nothing: an operation that is refused refuses those before it.
    #[test]
    fn one_refused_operation_refuses_all(before in resource(), operations in prop::collection::vec(any_operation(), 0..4)) {
        for refused in [operation(Kind::Replace, "id", json!("x")), operation(Kind::Remove, "userName", Value::Null)] {
            let all = [operations.clone(), vec![refused]].concat();
            prop_assert!(applied(&before, &all).is_err());
        }
    }

    /// In order: many operations are one after the other.
    #[test]
    fn operations_happen_in_order(before in resource(), operations in prop::collection::vec(any_operation(), 2..5)) {
        let mut step = Ok(before.clone());
        for operation in &operations {
            step = step.and_then(|resource| applied(&resource, std::slice::from_ref(operation)));
        }
        prop_assert_eq!(applied(&before, &operations), step);
    }

    /// Done once more, it changes nothing, so that no version moves: but for what a filter no longer finds.
    #[test]
    fn what_is_done_once_is_done(before in resource(), operation in any_operation()) {
        if let Ok(once) = applied(&before, std::slice::from_ref(&operation)) {
            match applied(&once, std::slice::from_ref(&operation)) {
                Ok(twice) => prop_assert!(value::differences(&once, &twice).is_empty(), "{operation:?}"),
                Err(refusal) => prop_assert_eq!(refusal.scim_type(), Some("noTarget")),
            }
        }
    }

    #[test]
    fn what_is_left_is_canonical_and_has_one_primary_at_most(before in resource(), operations in prop::collection::vec(any_operation(), 1..5)) {
        if let Ok(after) = applied(&before, &operations) {
            let read = value::resource(user(), &Value::Object(after.clone()), Unknown::Refuse);
            prop_assert_eq!(read, Ok(after));
        }
    }

    #[test]
    fn a_new_primary_is_the_only_one(before in resource(), value in "[d-f]") {
        let added = operation(Kind::Add, "emails", json!([{ "value": value, "primary": true }]));
        let after = applied(&before, &[added]).expect("applied");
        let primaries: Vec<&Value> =
            after["emails"].as_array().expect("a list").iter().filter(|email| value::is_primary(email)).collect();
        prop_assert_eq!(primaries.len(), 1);
        prop_assert_eq!(&primaries[0]["value"], &json!(value));
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing(before in resource(), kind in "[p-s]") {
        for path in [format!("emails[type eq \"{kind}\"]"), format!("emails[type eq \"{kind}\"].value"), "nickName".to_owned(),
            "manager".to_owned(), "addresses.country".to_owned(), format!("{ENTERPRISE}:costCenter")] {
            let removed = applied(&before, &[operation(Kind::Remove, &path, Value::Null)]);
            prop_assert_eq!(removed.as_ref(), Ok(&before), "{}", path);
        }
        let removed = applied(&before, &[operation(Kind::Remove, "emails", json!([{ "value": kind }]))]);
        prop_assert_eq!(removed.as_ref(), Ok(&before));
    }

    /// Every form of a path means the same place.
    #[test]
    fn all_forms_of_a_path_are_one_place(before in resource(), word in word(), kind in prop::sample::select(vec![Kind::Add, Kind::Replace])) {
        let core = "urn:ietf:params:scim:schemas:core:2.0:User";
        let pathless = |value: Value| Operation { kind, path: None, value };
        for forms in [
            vec![
                operation(kind, "name.givenName", json!(word)),
                operation(kind, "NAME.GIVENNAME", json!(word)),
                operation(kind, &format!("{core}:name.givenName"), json!(word)),
                operation(kind, "name", json!({ "givenName": word })),
                pathless(json!({ "name": { "givenName": word } })),
                pathless(json!({ "name.givenName": word })),
                operation(kind, core, json!({ "name": { "givenName": word } })),
            ],
            vec![
                operation(kind, "department", json!(word)),
                operation(kind, &format!("{ENTERPRISE}:department"), json!(word)),
                operation(kind, ENTERPRISE, json!({ "department": word })),
                pathless(json!({ ENTERPRISE: { "department": word } })),
                pathless(json!({ format!("{ENTERPRISE}:department"): word })),
            ],
        ] {
            let results: Vec<_> = forms.iter().map(|form| applied(&before, std::slice::from_ref(form))).collect();
            for (form, result) in forms.iter().zip(&results) {
                prop_assert_eq!(result, &results[0], "{:?}", form);
            }
        }
    }
}
