//! Groups within groups (RFC 7643 §4.2), and versions on every verb (RFC 7644 §3.14).

use castellan::{
    access::{self, Subject},
    connections::{Settings, Vendor},
    id::{GroupId, UserId},
    products::Product,
};
use serde_json::{Value, json};

use super::{GROUP, Tool, at, refused, settings};
use crate::support::Castellan;

fn id(resource: &Value) -> &str {
    resource["id"].as_str().expect("an id")
}

fn add(member: &Value) -> Value {
    json!([{ "op": "add", "path": "members", "value": [{ "value": member["id"], "type": "Group" }] }])
}

/// Names and types of the groups that a user shows.
async fn groups_of(tool: &Tool<'_>, user: &Value) -> Vec<(String, String)> {
    let user = tool.get(&at(user)).await.expect(200);
    let groups = user["groups"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut groups: Vec<_> = groups.iter().map(|group| (text(&group["display"]), text(&group["type"]))).collect();
    groups.sort();
    groups
}

async fn holds(castellan: &Castellan, user: &Value, product: &Product) -> bool {
    let user: UserId = id(user).parse().expect("an id");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    access::entitlement(&mut db, Subject::User(user), product.id, castellan.now()).await.expect("a read").is_some()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
}

#[tokio::test]
async fn a_group_has_groups_as_members_and_their_people_belong_to_it() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let (ada, bob) = (tool.person("ada").await, tool.person("bob").await);
    let inner = tool.group("Inner", &[&ada]).await;
    let middle = tool.group("Middle", &[&inner]).await;
    let outer = tool.group("Outer", &[&bob]).await;
    let outer = tool.patch(&at(&outer), add(&middle)).await.expect(200);
    let member =
        json!({ "value": middle["id"], "$ref": middle["meta"]["location"], "type": "Group", "display": "Middle" });
    assert_eq!(outer["members"][1], member);
    assert_eq!((&outer["members"][0]["value"], &outer["meta"]["version"]), (&bob["id"], &json!("W/\"2\"")));
    assert_eq!(tool.patch(&at(&outer), add(&middle)).await.expect(200), outer, "once is enough");

    let of_ada = [("Inner", "direct"), ("Middle", "indirect"), ("Outer", "indirect")];
    assert_eq!(groups_of(&tool, &ada).await, pairs(&of_ada));
    assert_eq!(groups_of(&tool, &bob).await, pairs(&[("Outer", "direct")]));
    tool.patch(&at(&outer), add(&ada)).await.expect(200);
    let of_ada = [("Inner", "direct"), ("Middle", "indirect"), ("Outer", "direct")];
    assert_eq!(groups_of(&tool, &ada).await, pairs(&of_ada));

    // PUT names everybody; a group that is not named is out.
    let put = json!({ "displayName": "Outer", "members": [{ "value": ada["id"] }] });
    assert_eq!(tool.put(&at(&outer), &put).await.expect(200)["members"].as_array().expect("a list").len(), 1);
    assert_eq!(groups_of(&tool, &bob).await, pairs(&[]));
    let schema = tool.get(&format!("/Schemas/{GROUP}")).await.expect(200);
    assert_eq!(schema["attributes"][1]["subAttributes"][1]["referenceTypes"], json!(["User", "Group"]));
}

/// What a group gives is given to those within, and no longer than they are.
#[tokio::test]
async fn entitlements_come_through_groups_within_groups() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let ada = tool.person("ada").await;
    let inner = tool.group("Inner", &[&ada]).await;
    let middle = tool.group("Middle", &[&inner]).await;
    let outer = tool.group("Outer", &[]).await;
    let outer_id: GroupId = id(&outer).parse().expect("an id");
    castellan.assign(Subject::Group(outer_id), &world.recover, &["operator"], world.client.id).await;
    assert!(!holds(&castellan, &ada, &world.recover).await);
    tool.patch(&at(&outer), add(&middle)).await.expect(200);
    assert!(holds(&castellan, &ada, &world.recover).await);
    assert!(!holds(&castellan, &ada, &world.relay).await);
    let gone = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&inner)) }]);
    tool.patch(&at(&middle), gone).await.expect(200);
    assert!(!holds(&castellan, &ada, &world.recover).await);
}

#[tokio::test]
async fn circles_of_groups_are_harmless() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let ada = tool.person("ada").await;
    let one = tool.group("One", &[&ada]).await;
    let two = tool.group("Two", &[&one]).await;
    tool.patch(&at(&one), add(&two)).await.expect(200);
    assert_eq!(groups_of(&tool, &ada).await, pairs(&[("One", "direct"), ("Two", "indirect")]));
    let two_id: GroupId = id(&two).parse().expect("an id");
    castellan.assign(Subject::Group(two_id), &world.recover, &["operator"], world.client.id).await;
    assert!(holds(&castellan, &ada, &world.recover).await);
    // In one bulk request, too: RFC 7644 §3.7.1's own example.
    let circle = |name: &str, member: &str| {
        let data =
            json!({ "displayName": name, "members": [{ "type": "Group", "value": format!("bulkId:{member}") }] });
        json!({ "method": "POST", "path": "/Groups", "bulkId": name, "data": data })
    };
    let made = tool.post("/Bulk", &json!({ "Operations": [circle("Three", "Four"), circle("Four", "Three")] })).await;
    let made = made.expect(200)["Operations"].as_array().expect("a list").clone();
    assert_eq!((&made[0]["status"], &made[1]["status"]), (&json!("201"), &json!("201")));
    for (outcome, other) in [(&made[0], &made[1]), (&made[1], &made[0])] {
        let group = tool.get(&at(&json!({ "meta": { "location": outcome["location"] } }))).await.expect(200);
        assert_eq!(group["members"][0]["$ref"], other["location"]);
        assert_eq!(group["meta"]["version"], outcome["version"]);
    }
}

/// A group leaves those it is in when it is deleted, and lets go of those within.
#[tokio::test]
async fn a_deleted_group_is_in_no_group() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let ada = tool.person("ada").await;
    let inner = tool.group("Inner", &[&ada]).await;
    let middle = tool.group("Middle", &[&inner]).await;
    let outer = tool.group("Outer", &[&middle]).await;
    tool.delete(&at(&middle)).await.has_status(204);
    let outer = tool.get(&at(&outer)).await.expect(200);
    assert_eq!((outer.get("members"), &outer["meta"]["version"]), (None, &json!("W/\"2\"")));
    assert_eq!(tool.get(&at(&inner)).await.expect(200), inner);
    assert_eq!(groups_of(&tool, &ada).await, pairs(&[("Inner", "direct")]));
}

/// Security.md rows 75 and 97: no group within itself, none of another connection.
#[tokio::test]
async fn a_group_is_not_its_own_member_nor_a_stranger_anybodys() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let strict = Settings { strict: true, ..settings() };
    for (settings, status) in [(settings(), 200), (strict, 400)] {
        let tool = Tool::with(&castellan, &world.client, Vendor::Generic, settings).await;
        let other = Tool::new(&castellan, &world.other_client).await;
        let group = tool.group(&format!("Group {status}"), &[]).await;
        let foreign = other.group(&format!("Foreign {status}"), &[]).await;
        for member in [&group, &foreign] {
            let answer = tool.patch(&at(&group), add(member)).await;
            answer.has_status(status);
            assert_eq!(tool.get(&at(&group)).await.expect(200), group);
        }
        let foreign = json!([{ "op": "remove", "path": "members", "value": [{ "value": foreign["id"] }] }]);
        assert_eq!(tool.patch(&at(&group), foreign).await.expect(200), group);
    }
}

/// RFC 7644 §3.14, RFC 9110 §13.1: lists, `*`, weak and strong, on every verb.
#[tokio::test]
async fn versions_are_judged_on_every_verb() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for (kind, name) in [("Users", "userName"), ("Groups", "displayName")] {
        let made = tool.post(&format!("/{kind}"), &json!({ name: "one" })).await.expect(201);
        let at = at(&made);
        let patch = json!({ "Operations": [{ "op": "add", "path": "externalId", "value": "1" }] }).to_string();
        let put = json!({ name: "one" }).to_string();
        for header in ["if-match", "if-none-match"] {
            for (tags, is_meant) in [
                ("W/\"1\"", true),
                ("\"1\"", true),
                ("*", true),
                ("W/\"7\", W/\"1\"", true),
                ("W/\"7\"", false),
                ("W/\"7\",\"8\"", false),
                ("1", false),
            ] {
                let passes = is_meant == (header == "if-match");
                let read = tool.request("GET", &at, &[(header, tags)], String::new()).await;
                read.has_status(match (passes, header) {
                    (true, _) => 200,
                    (false, "if-match") => 412,
                    (false, _) => 304,
                });
                if !passes {
                    for (method, body) in [("PUT", &put), ("PATCH", &patch), ("DELETE", &String::new())] {
                        refused(&tool.request(method, &at, &[(header, tags)], body.clone()).await, 412, "");
                    }
                }
            }
        }
        tool.request("PUT", &at, &[("if-none-match", "\"7\"")], put).await.expect(200);
        tool.request("PATCH", &at, &[("if-match", "\"7\", \"1\"")], patch).await.expect(200);
        tool.request("DELETE", &at, &[("if-match", "*")], String::new()).await.has_status(204);
    }
}
