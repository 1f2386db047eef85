//! A connection sees and touches its own resources only (security.md rows 91, 93; issue 3, must show 6).

use castellan::{connections::Vendor, organizations::Organization, users::Status};
use serde_json::{Value, json};

use super::{Tool, at, refused, settings};
use crate::support::{Answer, Castellan};

pub fn id(resource: &Value) -> &str {
    resource["id"].as_str().expect("an id")
}

#[tokio::test]
async fn foreign_ids_are_404_on_every_verb() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.other_client).await;
    let neighbour = Tool::new(&castellan, &world.client).await;
    let (zoe, group) = (other.person("zoe").await, other.group("Staff", &[]).await);
    let portal = castellan.person(&world.client, "portal@harbour.example").create().await;
    let near = neighbour.person("near").await;
    let foreign = [at(&zoe), at(&group), at(&near), format!("/Users/{}", portal.user.id)];
    for endpoint in foreign {
        let is_group = endpoint.starts_with("/Groups");
        let name = if is_group { json!({ "displayName": "x" }) } else { json!({ "userName": "x" }) };
        let attribute = if is_group { "displayName" } else { "active" };
        let operations = json!([{ "op": "replace", "path": attribute, "value": "false" }]);
        refused(&tool.get(&endpoint).await, 404, "");
        refused(&tool.put(&endpoint, &name).await, 404, "");
        refused(&tool.patch(&endpoint, operations).await, 404, "");
        refused(&tool.delete(&endpoint).await, 404, "");
    }
    for filter in [
        format!("id eq \"{}\"", id(&zoe)),
        "userName eq \"zoe\"".to_owned(),
        "userName eq \"portal@harbour.example\"".to_owned(),
        "userName pr".to_owned(),
    ] {
        let list = tool.post("/Users/.search", &json!({ "filter": filter })).await.expect(200);
        assert_eq!(list["totalResults"], 0, "{filter}");
    }
    assert_eq!(
        tool.post("/Groups/.search", &json!({ "filter": "displayName eq \"Staff\"" })).await.expect(200)["totalResults"],
        0
    );
    assert_eq!(other.get(&at(&zoe)).await.expect(200), zoe);
    assert_eq!(other.get(&at(&group)).await.expect(200), group);
}

/// A client organization with people and groups, and a tool for them.
pub struct Side<'c> {
    pub tool: Tool<'c>,
    pub people: Vec<Value>,
    pub groups: Vec<Value>,
}

impl<'c> Side<'c> {
    pub async fn new(castellan: &'c Castellan, organization: &Organization, name: &str) -> Self {
        let tool = Tool::new(castellan, organization).await;
        let mut people = Vec::new();
        for number in 0..3 {
            let sent = json!({
                "userName": format!("{name}-{number}@{name}.example"), "externalId": format!("{name}-{number}"),
                "displayName": format!("{name} {number}"), "active": number != 2,
                "emails": [{ "value": format!("{number}@{name}.example"), "type": "work" }],
            });
            people.push(tool.post("/Users", &sent).await.expect(201));
        }
        let mut groups = Vec::new();
        for number in 0..2 {
            groups.push(tool.group(&format!("{name} group {number}"), &people.iter().collect::<Vec<_>>()).await);
        }
        // As they are now that they are in groups.
        for person in &mut people {
            *person = tool.get(&at(person)).await.expect(200);
        }
        Self { tool, people, groups }
    }

    pub fn everything(&self) -> impl Iterator<Item = &Value> {
        self.people.iter().chain(&self.groups)
    }

    pub async fn is_untouched(&self) {
        for resource in self.everything() {
            assert_eq!(&self.tool.get(&at(resource)).await.expect(200), resource);
        }
    }
}

/// Whatever it asks for, nothing of the other side is in the answer.
pub fn tells_nothing(answer: &Answer, other: &Side<'_>, asked: &str) {
    assert!(answer.status.as_u16() < 500, "{asked}: {}", answer.body);
    for resource in other.everything() {
        for name in ["userName", "displayName"] {
            let Some(text) = resource[name].as_str() else { continue };
            assert!(!answer.body.contains(text), "{asked}: {}", answer.body);
        }
        let reference = resource["meta"]["location"].as_str().expect("a location");
        assert!(!answer.body.contains(reference), "{asked}: {}", answer.body);
    }
}

#[tokio::test]
async fn every_id_of_another_organization_is_404_on_every_verb_and_endpoint() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (mine, other) = (
        Side::new(&castellan, &world.client, "harbour").await,
        Side::new(&castellan, &world.other_client, "mill").await,
    );
    let tool = &mine.tool;
    let versions = ["W/\"1\"", "*"];
    for resource in other.everything() {
        for endpoint in ["/Users", "/Groups"] {
            let endpoint = format!("{endpoint}/{}", id(resource));
            let mut sent = resource.clone();
            sent["id"] = mine.people[0]["id"].clone();
            // Whole for both types, so that nothing but the id can be wrong.
            sent["userName"] = "x".into();
            sent["displayName"] = "x".into();
            let operations = |op: &str, value: Value| {
                let operation = json!({ "op": op, "path": "externalId", "value": value });
                json!({ "Operations": [operation] }).to_string()
            };
            for version in versions {
                let headers = [("if-match", version)];
                for (method, body) in [
                    ("GET", String::new()),
                    ("PUT", sent.to_string()),
                    ("PUT", json!({ "userName": "x", "displayName": "x" }).to_string()),
                    ("PATCH", operations("replace", json!("x"))),
                    ("PATCH", operations("remove", Value::Null)),
                    ("PATCH", json!({ "Operations": [{ "op": "replace", "value": { "active": false } }] }).to_string()),
                    ("DELETE", String::new()),
                ] {
                    let answer = tool.request(method, &endpoint, &headers, body).await;
                    let is_filter =
                        answer.status == 400 && method == "PATCH" && answer.json()["scimType"] == "invalidPath";
                    // A path that the type does not have is refused before anybody looks for the id.
                    if !is_filter {
                        refused(&answer, 404, "");
                    }
                    tells_nothing(&answer, &other, method);
                }
                let answer = tool.request("GET", &endpoint, &[("if-none-match", version)], String::new()).await;
                refused(&answer, 404, "");
            }
        }
    }
    other.is_untouched().await;
    mine.is_untouched().await;
}

#[tokio::test]
async fn no_filter_and_no_page_shows_another_organization() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (mine, other) = (
        Side::new(&castellan, &world.client, "harbour").await,
        Side::new(&castellan, &world.other_client, "mill").await,
    );
    let tool = &mine.tool;
    let mut filters = vec!["id pr".to_owned(), "displayName pr".to_owned(), "not (id eq \"x\")".to_owned()];
    for resource in other.everything() {
        filters.push(format!("id eq \"{}\"", id(resource)));
        filters.push(format!("id ne \"{}\"", id(&mine.people[0])));
        filters.push(format!("displayName eq {}", resource["displayName"]));
        filters.push(format!("members.value eq \"{}\"", id(resource)));
        filters.push(format!("members eq \"{}\"", id(resource)));
        filters.push(format!("groups.value eq \"{}\"", id(resource)));
        filters.push(format!("manager.value eq \"{}\"", id(resource)));
        filters.push(format!("meta.location eq {}", resource["meta"]["location"]));
        if resource["userName"].is_string() {
            filters.push(format!("userName eq {}", resource["userName"]));
            filters.push(format!("externalId eq {}", resource["externalId"]));
            filters.push(format!("emails.value eq {}", resource["emails"][0]["value"]));
            filters.push(format!("emails[type eq \"work\" and value eq {}]", resource["emails"][0]["value"]));
            filters.push(format!("userName sw \"mill\" or userName eq {}", resource["userName"]));
        }
    }
    for filter in &filters {
        for endpoint in ["/Users/.search", "/Groups/.search", "/.search"] {
            for count in [1, 200] {
                let answer = tool.post(endpoint, &json!({ "filter": filter, "count": count })).await;
                tells_nothing(&answer, &other, filter);
                let total = answer.json()["totalResults"].as_u64().unwrap_or_default();
                assert!(total <= 5, "{filter}: counts others");
            }
        }
    }
    for (endpoint, total) in [("/Users", 3), ("/Groups", 2)] {
        for start in 1..8 {
            let answer = tool.get(&format!("{endpoint}?startIndex={start}&count=2")).await;
            tells_nothing(&answer, &other, endpoint);
            assert_eq!(answer.expect(200)["totalResults"], total);
        }
    }
}

/// Who belongs to somebody else is no member, by whatever way they are named.
#[tokio::test]
async fn nobody_of_another_organization_becomes_a_member() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (mine, other) = (
        Side::new(&castellan, &world.client, "harbour").await,
        Side::new(&castellan, &world.other_client, "mill").await,
    );
    let tool = &mine.tool;
    let foreign: Vec<Value> = other.everything().map(|resource| json!({ "value": resource["id"] })).collect();
    let own = json!({ "value": mine.people[0]["id"] });
    let group = tool.group("Crew", &[]).await;
    for member in foreign.iter().cloned().chain([json!("nobody")]) {
        for members in [json!([member]), json!([own, member]), json!([member, own])] {
            let sent = json!({ "displayName": format!("New {member}"), "members": members });
            let made = tool.post("/Groups", &sent).await;
            tells_nothing(&made, &other, "POST");
            if made.status == 201 {
                only_own(&made.json(), &own);
                tool.delete(&at(&made.json())).await.has_status(204);
            }
            let put = tool.put(&at(&group), &json!({ "displayName": "Crew", "members": members })).await;
            tells_nothing(&put, &other, "PUT");
            for operation in [
                json!({ "op": "add", "path": "members", "value": members }),
                json!({ "op": "replace", "path": "members", "value": members }),
                json!({ "op": "add", "value": { "members": members } }),
            ] {
                let patched = tool.patch(&at(&group), json!([operation])).await;
                tells_nothing(&patched, &other, "PATCH");
            }
            only_own(&tool.get(&at(&group)).await.expect(200), &own);
        }
        // Removing who is no member removes nobody.
        let path = format!("members[value eq {}]", member.get("value").unwrap_or(&member));
        for operation in
            [json!({ "op": "remove", "path": path }), json!({ "op": "remove", "path": "members", "value": [member] })]
        {
            tool.patch(&at(&mine.groups[0]), json!([operation])).await.expect(200);
        }
    }
    other.is_untouched().await;
    assert_eq!(tool.get(&at(&mine.groups[0])).await.expect(200), mine.groups[0]);
}

/// RFC 7644 §3.7: many operations in one request reach no further than one.
#[tokio::test]
async fn bulk_reaches_nothing_of_another_organization() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (mine, other) = (
        Side::new(&castellan, &world.client, "harbour").await,
        Side::new(&castellan, &world.other_client, "mill").await,
    );
    let mut operations = Vec::new();
    for resource in other.everything() {
        let mut data = resource.clone();
        data["userName"] = "x".into();
        data["displayName"] = "x".into();
        let patch = json!({ "Operations": [{ "op": "replace", "path": "externalId", "value": "x" }] });
        operations.push(json!({ "method": "PUT", "path": at(resource), "data": data }));
        operations.push(json!({ "method": "PATCH", "path": at(resource), "data": patch }));
        operations.push(json!({ "method": "DELETE", "path": at(resource) }));
    }
    let answer = mine.tool.post("/Bulk", &json!({ "Operations": operations })).await;
    let outcomes = answer.expect(200)["Operations"].as_array().expect("a list").clone();
    assert_eq!(outcomes.len(), operations.len());
    for outcome in &outcomes {
        assert_eq!(outcome["status"], "404", "{outcome}");
        assert_eq!(outcome["response"]["status"], "404", "{outcome}");
    }
    let members: Vec<Value> = other.everything().map(|resource| json!({ "value": resource["id"] })).collect();
    let group = json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "Crew", "members": members } });
    let answer = mine.tool.post("/Bulk", &json!({ "Operations": [group] })).await.expect(200);
    if answer["Operations"][0]["status"] == "201" {
        let made = mine.tool.get(&at(&json!({ "meta": { "location": answer["Operations"][0]["location"] } }))).await;
        tells_nothing(&made, &other, "Bulk");
        assert_eq!(made.expect(200).get("members"), None);
    }
    other.is_untouched().await;
}

fn only_own(group: &Value, own: &Value) {
    for member in group["members"].as_array().into_iter().flatten() {
        assert_eq!(member["value"], own["value"], "{group}");
    }
}

/// A name that lives elsewhere is answered as a free one, a name that lives here as a taken one, and nothing is told
/// or changed of its holder (V6).
#[tokio::test]
async fn a_login_name_that_somebody_has_tells_nothing_of_them() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let elsewhere = castellan.person(&world.other_client, "zoe@mill.example").create().await;
    let here = castellan.person(&world.client, "portal@harbour.example").create().await;
    let made = tool.post("/Users", &json!({ "userName": "ZOE@mill.example", "active": false })).await.expect(201);
    let free = tool.post("/Users", &json!({ "userName": "nobody@mill.example", "active": false })).await.expect(201);
    let names = |person: &Value| person.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&free));
    assert_ne!(made["id"], elsewhere.user.id.to_string());
    refused(
        &tool.post("/Users", &json!({ "userName": "portal@harbour.example", "active": false })).await,
        409,
        "uniqueness",
    );
    let mut db = castellan.app.store.reader().await.expect("a reader");
    for person in [elsewhere, here] {
        let user = castellan::users::find(&mut db, person.user.id).await.expect("a read").expect("a user");
        assert_eq!((user.status, user.version), (Status::Active, 1));
    }
}

/// Security.md row 91: an external id is text of its tool, never one of ours.
#[tokio::test]
async fn an_external_id_resolves_to_nobody_elses_account() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.other_client).await;
    let zoe = other.person("zoe").await;
    for external_id in ["1", id(&zoe), "zoe"] {
        let sent = json!({ "userName": format!("{external_id}-x"), "externalId": external_id });
        let person = tool.post("/Users", &sent).await.expect(201);
        assert_ne!(person["id"], zoe["id"]);
        refused(&tool.get(&format!("/Users/{external_id}")).await, 404, "");
    }
    assert_eq!(other.get(&at(&zoe)).await.expect(200), zoe);
}

#[tokio::test]
async fn two_tools_may_use_the_same_external_ids() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let one = Tool::new(&castellan, &world.client).await;
    let other = Tool::with(&castellan, &world.client, Vendor::Okta, settings()).await;
    for (tool, name) in [(&one, "ada"), (&other, "bob")] {
        tool.post("/Users", &json!({ "userName": name, "externalId": "7" })).await.expect(201);
        let list = tool.get("/Users?filter=externalId%20eq%20%227%22").await.expect(200);
        assert_eq!((&list["totalResults"], &list["Resources"][0]["userName"]), (&json!(1), &json!(name)));
    }
}
