//! A resource type, and extensions of User, that are nothing but files: `profile/` (RFC 7643 §6, §7). The
//! code knows none of their names.

use castellan::{id::uuid_at, scim::Registry};
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Tool, USER, at, refused};
use crate::support::{Castellan, PUBLIC_URL, START};

const DEVICE: &str = "urn:example:params:scim:schemas:2.0:Device";
const BADGE: &str = "urn:example:params:scim:schemas:extension:2.0:Badge";
const LOCKER: &str = "urn:example:params:scim:schemas:extension:2.0:Locker";

fn profile() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scim/profile")
}

async fn start() -> Castellan {
    Castellan::start_with(|config| config.scim.schemas = Some(profile())).await
}

/// `/Devices/{id}` of a resource.
fn device(resource: &Value) -> String {
    format!("/Devices/{}", resource["id"].as_str().expect("an id"))
}

/// Everything that a tool may set of a device.
fn whole() -> Value {
    json!({
        "schemas": [DEVICE, LOCKER], "externalId": "d1", "serialNumber": "Ab1", "assetTag": "Tag", "label": "Front desk",
        "kind": "laptop", "retired": false, "weight": 1.25, "ports": 3, "boughtAt": "2026-01-02T03:04:05+01:00",
        "owner": "../Users/1", "manual": "https://example.com/manual", "certificate": "aGVsbG8=", "pin": "1234",
        "firmware": "not ours to set", "notes": "scratched", "tags": ["loan", "blue"],
        "dimensions": { "width": 300, "height": 20, "measuredBy": "Ada", "code": "x" },
        "addresses": [
            { "value": "aa:bb", "type": "wired", "primary": true }, { "value": "cc:dd", "type": "radio" },
        ],
        LOCKER: { "row": "A" },
    })
}

/// RFC 7643 §7: each type, each mutability and each kind of "returned".
#[tokio::test]
async fn a_resource_of_a_configured_type_is_kept_as_its_schema_says() {
    let castellan = start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let answer = tool.post("/Devices", &whole()).await;
    let made = answer.expect(201);
    assert_eq!(answer.header("location"), made["meta"]["location"]);
    assert_eq!(answer.header("etag"), made["meta"]["version"]);
    let location = format!("{PUBLIC_URL}{}", tool.path(&device(&made)));
    assert_eq!((&made["meta"]["location"], &made["meta"]["resourceType"]), (&json!(location), &json!("Device")));
    let mut expected = whole();
    let members = expected.as_object_mut().expect("an object");
    for name in ["pin", "firmware", "notes"] {
        members.remove(name);
    }
    members["dimensions"].as_object_mut().expect("an object").remove("code");
    for (name, value) in members {
        assert_eq!(made[name.as_str()], *value, "{name}");
    }
    for name in ["pin", "firmware", "notes"] {
        assert_eq!(made.get(name), None, "{name}");
    }
    assert_eq!(tool.get(&device(&made)).await.expect(200), made);

    let asked = tool.get(&format!("{}?attributes=notes,pin,dimensions.code", device(&made))).await.expect(200);
    let shown = json!({ "schemas": made["schemas"], "id": made["id"], "serialNumber": "Ab1", "notes": "scratched" });
    assert_eq!(asked, shown, "always, on request, and never");
    let without =
        tool.get(&format!("{}?excludedAttributes=serialNumber,tags,{LOCKER}", device(&made))).await.expect(200);
    assert_eq!((&without["serialNumber"], without.get("tags"), without.get(LOCKER)), (&json!("Ab1"), None, None));
    let log = tool.log(1).await;
    let created = &log.iter().find(|entry| entry.method == "POST").expect("an entry").details.0["created"];
    assert_eq!(
        (&created["label"], created.get("pin"), created["dimensions"].get("code")),
        (&json!("Front desk"), None, None)
    );
}

#[tokio::test]
async fn values_of_another_type_are_refused() {
    let castellan = start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for (name, wrong) in [
        ("serialNumber", json!(null)),
        ("serialNumber", json!("")),
        ("label", json!(1)),
        ("retired", json!("perhaps")),
        ("weight", json!("heavy")),
        ("ports", json!(1.5)),
        ("boughtAt", json!("yesterday")),
        ("owner", json!({})),
        ("certificate", json!("%")),
        ("tags", json!([1])),
        ("dimensions", json!({ "height": 1 })),
        ("dimensions", json!("large")),
        ("addresses", json!([{ "type": "wired" }])),
        ("addresses", json!([{ "value": "a", "primary": true }, { "value": "b", "primary": true }])),
    ] {
        let mut sent = whole();
        sent[name] = wrong.clone();
        refused(&tool.post("/Devices", &sent).await, 400, "invalidValue");
    }
    assert_eq!(tool.get("/Devices").await.expect(200)["totalResults"], 0);
}

#[tokio::test]
async fn unique_values_are_unique_among_whom_the_schema_says() {
    let castellan = start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.other_client).await;
    let first = tool.post("/Devices", &whole()).await.expect(201);
    let with = |serial: &str, tag: &str, address: &str| json!({ "serialNumber": serial, "assetTag": tag, "addresses": [{ "value": address }] });
    for taken in [with("Ab1", "x", "x"), with("x", "TAG", "x"), with("x", "x", "aa:bb")] {
        refused(&tool.post("/Devices", &taken).await, 409, "uniqueness");
    }
    // Exact where the schema says so; in another connection free, save what is unique in the whole server.
    let second = tool.post("/Devices", &with("ab1", "x", "AA:BB")).await.expect(201);
    refused(&other.post("/Devices", &with("Ab1", "tag", "aa:bb")).await, 409, "uniqueness");
    other.post("/Devices", &with("Ab1", "y", "aa:bb")).await.expect(201);
    let patch = json!([{ "op": "add", "path": "addresses", "value": [{ "value": "cc:dd" }] }]);
    refused(&tool.patch(&device(&second), patch.clone()).await, 409, "uniqueness");
    refused(&tool.put(&device(&second), &with("ab1", "Tag", "x")).await, 409, "uniqueness");
    // A label is nobody's alone, and what is deleted is free.
    tool.delete(&device(&first)).await.has_status(204);
    tool.patch(&device(&second), patch).await.expect(200);
    tool.post("/Devices", &with("Ab1", "tag", "aa:bb")).await.expect(201);
}

/// RFC 7644 §3.5: what is immutable, write-only and read-only, by PUT and by PATCH; an unchanged result
/// writes nothing.
#[tokio::test]
async fn changes_obey_the_mutability_of_each_attribute() {
    let castellan = start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let made = tool.post("/Devices", &whole()).await.expect(201);
    let at = device(&made);
    assert_eq!(tool.put(&at, &whole()).await.expect(200), made);
    for (path, value) in [
        ("serialNumber", json!("other")),
        ("firmware", json!("1")),
        ("dimensions.measuredBy", json!("Bob")),
        ("meta.version", json!("1")),
    ] {
        let operations = json!([{ "op": "replace", "path": path, "value": value }]);
        refused(&tool.patch(&at, operations).await, 400, "mutability");
    }
    for wrong in [
        json!({ "serialNumber": "other" }),
        json!({ "serialNumber": "Ab1", "dimensions": { "width": 1, "measuredBy": "Bob" } }),
    ] {
        refused(&tool.put(&at, &wrong).await, 400, "mutability");
    }
    let operations = json!([
        { "op": "Replace", "path": "label", "value": "Back desk" },
        { "op": "add", "path": "tags", "value": ["red"] },
        { "op": "remove", "path": "addresses[type eq \"radio\"]" },
        { "op": "add", "value": { "dimensions.width": 310, LOCKER: { "row": "B" }, "pin": "5678" } },
    ]);
    let patched = tool.patch(&at, operations).await.expect(200);
    assert_eq!((&patched["label"], &patched["tags"]), (&json!("Back desk"), &json!(["loan", "blue", "red"])));
    assert_eq!(patched["addresses"], json!([{ "value": "aa:bb", "type": "wired", "primary": true }]));
    assert_eq!(patched["dimensions"], json!({ "width": 310, "height": 20, "measuredBy": "Ada" }));
    assert_eq!((&patched[LOCKER], &patched["meta"]["version"]), (&json!({ "row": "B" }), &json!("W/\"2\"")));

    // PUT clears what it leaves out, but not what is set once or what nobody can send back.
    let replaced = tool.put(&at, &json!({ "dimensions": { "width": 1 }, "serialNumber": "Ab1" })).await.expect(200);
    assert_eq!(replaced["dimensions"], json!({ "width": 1, "measuredBy": "Ada" }));
    assert_eq!((replaced.get("label"), replaced.get(LOCKER)), (None, None));
    refused(&tool.put(&at, &json!({ "label": "x" })).await, 400, "invalidValue");
    refused(&tool.patch(&at, json!([{ "op": "remove", "path": "serialNumber" }])).await, 400, "mutability");
}

#[tokio::test]
async fn versions_and_deletion_work_as_everywhere() {
    let castellan = start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.client).await;
    let made = tool.post("/Devices", &whole()).await.expect(201);
    let at = device(&made);
    tool.request("GET", &at, &[("if-none-match", "W/\"1\"")], String::new()).await.has_status(304);
    let label = json!({ "Operations": [{ "op": "add", "path": "label", "value": "x" }] }).to_string();
    for (method, body) in [("PUT", whole().to_string()), ("PATCH", label.clone()), ("DELETE", String::new())] {
        refused(&tool.request(method, &at, &[("if-match", "W/\"7\"")], body.clone()).await, 412, "");
        refused(&other.request(method, &at, &[], body).await, 404, "");
    }
    refused(&other.get(&at).await, 404, "");
    refused(&tool.get(&at.replace("Devices", "Users")).await, 404, "");
    tool.request("PATCH", &at, &[("if-match", "W/\"1\"")], label).await.expect(200);
    tool.delete(&at).await.has_status(204);
    refused(&tool.get(&at).await, 404, "");
    refused(&tool.delete(&at).await, 404, "");
}

#[tokio::test]
async fn configured_types_are_listed_filtered_and_found_everywhere() {
    let castellan = start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.client).await;
    for number in 0..4 {
        let sent = json!({
            "serialNumber": format!("s{number}"), "externalId": format!("e{number}"), "weight": 0.5 + f64::from(number),
            "retired": number > 1, "boughtAt": format!("2026-01-0{}T00:00:00Z", number + 1), "label": "Desk",
        });
        tool.post("/Devices", &sent).await.expect(201);
        // Ids sort by time.
        castellan.advance(1);
    }
    other.post("/Devices", &json!({ "serialNumber": "foreign" })).await.expect(201);
    let page = tool.get("/Devices?startIndex=2&count=2").await.expect(200);
    assert_eq!((&page["totalResults"], &page["Resources"][0]["serialNumber"]), (&json!(4), &json!("s1")));
    for (filter, total) in [
        ("serialNumber eq \"s1\"", 1),
        ("serialNumber eq \"S1\"", 0),
        ("serialNumber eq \"foreign\"", 0),
        ("externalId eq \"e1\"", 1),
        ("label eq \"DESK\" and retired eq true", 2),
        ("weight gt 1.5", 2),
        ("boughtAt ge \"2026-01-02T01:00:00+01:00\"", 3),
        (&format!("{DEVICE}:label pr"), 4),
        ("meta.resourceType eq \"Device\"", 4),
    ] {
        let found = tool.post("/Devices/.search", &json!({ "filter": filter })).await.expect(200);
        assert_eq!(found["totalResults"], total, "{filter}");
    }
    for filter in ["pin eq \"1\"", "pin pr", "shoeSize pr", "retired gt true"] {
        refused(&tool.post("/Devices/.search", &json!({ "filter": filter })).await, 400, "invalidFilter");
    }
    let everywhere = tool.post("/.search", &json!({ "filter": "serialNumber sw \"s\"" })).await.expect(200);
    assert_eq!(everywhere["totalResults"], 4);
    let made = tool
        .post("/Bulk", &json!({ "Operations": [{ "method": "POST", "path": "/Devices", "bulkId": "a", "data": { "serialNumber": "bulk" } }] }))
        .await;
    assert_eq!(made.expect(200)["Operations"][0]["status"], "201");
}

/// A required extension, one that is not, and Enterprise User beside them.
#[tokio::test]
async fn users_have_the_extensions_that_the_configuration_gives_them() {
    let castellan = start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    refused(&tool.post("/Users", &json!({ "userName": "ada" })).await, 400, "invalidValue");
    refused(&tool.post("/Users", &json!({ "userName": "ada", BADGE: { "color": "red" } })).await, 400, "invalidValue");
    let sent = json!({
        "userName": "ada", BADGE: { "number": 7, "color": "red", "doorCode": "secret words" }, ENTERPRISE: { "department": "Sales" },
    });
    let ada = tool.post("/Users", &sent).await.expect(201);
    assert_eq!(ada["schemas"], json!([USER, ENTERPRISE, BADGE]));
    assert_eq!(ada[BADGE], json!({ "number": 7, "color": "red" }));
    refused(&tool.post("/Users", &json!({ "userName": "bob", BADGE: { "number": 7 } })).await, 409, "uniqueness");

    // What PATCH and PUT must leave, and what nobody can read.
    refused(&tool.patch(&at(&ada), json!([{ "op": "remove", "path": BADGE }])).await, 400, "mutability");
    let number = format!("{BADGE}:number");
    refused(&tool.patch(&at(&ada), json!([{ "op": "remove", "path": number }])).await, 400, "mutability");
    refused(&tool.put(&at(&ada), &json!({ "userName": "ada" })).await, 400, "invalidValue");
    let locker = json!([{ "op": "add", "path": format!("{LOCKER}:row"), "value": "C" }]);
    let patched = tool.patch(&at(&ada), locker).await.expect(200);
    assert_eq!(
        (&patched["schemas"], &patched[LOCKER]),
        (&json!([USER, ENTERPRISE, BADGE, LOCKER]), &json!({ "row": "C" }))
    );
    let put = tool.put(&at(&ada), &json!({ "userName": "ada", BADGE: { "number": 9 } })).await.expect(200);
    assert_eq!((&put["schemas"], &put[BADGE]), (&json!([USER, BADGE]), &json!({ "number": 9 })));
    for entry in tool.log(3).await {
        assert!(!entry.details.0.to_string().contains("secret words"), "{:?}", entry.details);
    }
    let found = tool.post("/Users/.search", &json!({ "filter": format!("{number} eq 9") })).await.expect(200);
    assert_eq!(found["totalResults"], 1);
}

#[tokio::test]
async fn schemas_and_types_tell_of_them() {
    let castellan = start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let types = tool.get("/ResourceTypes").await.expect(200);
    let names: Vec<&Value> = types["Resources"].as_array().expect("a list").iter().map(|kind| &kind["name"]).collect();
    assert_eq!(names, ["User", "Group", "Device"]);
    let kind = tool.get("/ResourceTypes/Device").await.expect(200);
    assert_eq!((&kind["endpoint"], &kind["schema"]), (&json!("/Devices"), &json!(DEVICE)));
    for urn in [USER, GROUP, ENTERPRISE, DEVICE, BADGE, LOCKER] {
        assert_eq!(tool.get(&format!("/Schemas/{urn}")).await.expect(200)["id"], urn);
    }
    let file = std::fs::read_to_string(profile().join("device.json")).expect("a file");
    let file: Value = serde_json::from_str(&file).expect("JSON");
    assert_eq!(tool.get(&format!("/Schemas/{DEVICE}")).await.expect(200)["attributes"], file["attributes"]);
}

/// A configuration that cannot be obeyed stops the start, and says where it is wrong.
#[test]
fn types_that_cannot_be_are_refused() {
    let read = |name: &str| std::fs::read_to_string(profile().join(name)).expect("a file");
    for (file, from, to, said) in [
        ("resource_types.json", "\"/Devices\"", "\"/Users\"", "/Users"),
        ("resource_types.json", "\"/Devices\"", "\"/Bulk\"", "/Bulk"),
        ("resource_types.json", "\"/Devices\"", "\"/a/b\"", "/a/b"),
        ("resource_types.json", "\"/Devices\"", "\"Devices\"", "Devices"),
        ("device.json", "\"weight\"", "\"$weight\"", "$weight"),
        ("device.json", "\"type\": \"decimal\"", "\"type\": \"complex\"", "weight"),
    ] {
        let folder = std::env::temp_dir().join(format!("castellan-profile-{}", uuid_at(START).simple()));
        std::fs::create_dir_all(&folder).expect("a folder");
        for name in ["resource_types.json", "device.json", "badge.json", "locker.json"] {
            let text = read(name);
            let text = if name == file { text.replace(from, to) } else { text };
            std::fs::write(folder.join(name), text).expect("a copy");
        }
        let error = Registry::load(Some(&folder)).expect_err("refused").to_string();
        std::fs::remove_dir_all(&folder).expect("removed");
        assert!(error.contains(said), "{error}");
    }
    assert!(Registry::load(Some(&profile())).is_ok());
}
