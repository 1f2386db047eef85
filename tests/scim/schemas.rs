//! The schemas drive the code (issue 2, must show 9).

use std::path::PathBuf;

use castellan::{id::uuid_at, scim::Registry};
use serde_json::{Value, json};

use super::{Tool, USER, at, refused};
use crate::support::{Castellan, START};

/// A folder with a changed copy of `schemas/user.json`.
struct Folder(PathBuf);

impl Folder {
    fn with_user_schema(change: impl FnOnce(&mut Vec<Value>)) -> Self {
        let folder = std::env::temp_dir().join(format!("castellan-schemas-{}", uuid_at(START).simple()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let original = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/user.json");
        let text = std::fs::read_to_string(original).expect("the schema");
        let mut schema: Value = serde_json::from_str(&text).expect("JSON");
        change(schema["attributes"].as_array_mut().expect("attributes"));
        std::fs::write(folder.join("user.json"), schema.to_string()).expect("a copy");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Must show 9: an attribute that is added to a copy of the schema is obeyed by POST, PATCH, uniqueness
/// and Schemas, without a change of code.
#[tokio::test]
async fn an_attribute_added_to_a_copy_of_the_schema_is_obeyed() {
    let folder = Folder::with_user_schema(|attributes| {
        attributes.push(json!({
            "name": "badgeNumber", "type": "integer", "multiValued": false, "description": "What opens doors.",
            "required": true, "mutability": "readWrite", "returned": "default", "uniqueness": "server",
        }));
        attributes.push(json!({
            "name": "hobbies", "type": "string", "multiValued": true, "description": "What they do otherwise.",
            "required": false, "caseExact": false, "mutability": "immutable", "returned": "request", "uniqueness": "none",
        }));
    });
    let castellan = Castellan::start_with(|config| config.scim.schemas = Some(folder.0.clone())).await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;

    let schema = tool.get(&format!("/Schemas/{USER}")).await.expect(200);
    let shown = schema["attributes"].as_array().expect("a list").iter().find(|a| a["name"] == "badgeNumber");
    assert_eq!(shown.expect("declared")["uniqueness"], "server");

    // POST: required, typed, names without case, returned on request only.
    refused(&tool.post("/Users", &json!({ "userName": "ada" })).await, 400, "invalidValue");
    refused(&tool.post("/Users", &json!({ "userName": "ada", "badgeNumber": "7" })).await, 400, "invalidValue");
    refused(&tool.post("/Users", &json!({ "userName": "ada", "badgeNumber": 7.5 })).await, 400, "invalidValue");
    let sent = json!({ "userName": "ada", "BADGENUMBER": 7, "hobbies": ["Rowing"] });
    let ada = tool.post("/Users", &sent).await.expect(201);
    assert_eq!((&ada["badgeNumber"], ada.get("hobbies")), (&json!(7), None));
    let asked = tool.get(&format!("{}?attributes=hobbies", at(&ada))).await.expect(200);
    assert_eq!(asked["hobbies"], json!(["Rowing"]));

    // Uniqueness: within the connection, at POST, PUT and PATCH, and free again afterwards.
    refused(&tool.post("/Users", &json!({ "userName": "bob", "badgeNumber": 7 })).await, 409, "uniqueness");
    let bob = tool.post("/Users", &json!({ "userName": "bob", "badgeNumber": 8 })).await.expect(201);
    let patch = |number: i64| json!([{ "op": "replace", "path": "badgenumber", "value": number }]);
    refused(&tool.patch(&at(&bob), patch(7)).await, 409, "uniqueness");
    refused(&tool.put(&at(&bob), &json!({ "userName": "bob", "badgeNumber": 7 })).await, 409, "uniqueness");
    let other = Tool::new(&castellan, &world.other_client).await;
    other.post("/Users", &json!({ "userName": "zoe", "badgeNumber": 7 })).await.expect(201);
    assert_eq!(tool.patch(&at(&ada), patch(9)).await.expect(200)["badgeNumber"], 9);
    assert_eq!(tool.patch(&at(&bob), patch(7)).await.expect(200)["badgeNumber"], 7);
    tool.delete(&at(&bob)).await.has_status(204);
    assert_eq!(tool.patch(&at(&ada), patch(7)).await.expect(200)["badgeNumber"], 7);

    // PATCH: types, required and immutable hold.
    refused(
        &tool.patch(&at(&ada), json!([{ "op": "replace", "path": "badgeNumber", "value": "x" }])).await,
        400,
        "invalidValue",
    );
    refused(&tool.patch(&at(&ada), json!([{ "op": "remove", "path": "badgeNumber" }])).await, 400, "mutability");
    refused(
        &tool.patch(&at(&ada), json!([{ "op": "replace", "path": "hobbies", "value": ["Chess"] }])).await,
        400,
        "mutability",
    );
    let put = json!({ "userName": "ada", "badgeNumber": 7, "hobbies": ["Chess"] });
    refused(&tool.put(&at(&ada), &put).await, 400, "mutability");

    // Filters know it too.
    let found =
        tool.post("/Users/.search", &json!({ "filter": "badgeNumber gt 6 and badgeNumber lt 8" })).await.expect(200);
    assert_eq!(found["totalResults"], 1);
}

#[test]
fn a_schema_that_cannot_be_read_names_its_file() {
    let folder = Folder::with_user_schema(|attributes| attributes.push(json!({ "name": "x", "type": "shoe" })));
    let error = Registry::load(Some(&folder.0)).expect_err("refused").to_string();
    assert!(error.contains("user.json"), "{error}");
    std::fs::write(folder.0.join("user.json"), "{").expect("a copy");
    assert!(Registry::load(Some(&folder.0)).is_err());
}
