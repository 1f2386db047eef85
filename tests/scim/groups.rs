//! Groups and their members (RFC 7644 §3.3 to §3.6).

use castellan::{
    access::{self, Subject},
    connections::{Settings, Vendor, log::Logged},
    groups::{self, NewGroup},
    id::{GroupId, UserId},
};
use serde_json::{Value, json};

use super::{GROUP, Tool, at, refused, settings};
use crate::support::{Castellan, World};

fn values(group: &Value) -> Vec<String> {
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().expect("a value").to_owned()).collect()
}

fn id(resource: &Value) -> String {
    resource["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_group_is_made_read_renamed_and_deleted() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let ada = tool.post("/Users", &json!({ "userName": "ada", "displayName": "Ada Ash" })).await.expect(201);
    let sent = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "displayName": "Staff", "externalId": "g7", "members": [{ "value": id(&ada), "display": "not ours to set" }],
    });
    let answer = tool.post("/Groups", &sent).await;
    let group = answer.expect(201);
    assert_eq!(answer.header("location"), group["meta"]["location"]);
    assert_eq!(group["schemas"], json!([GROUP]));
    let reference = ada["meta"]["location"].clone();
    let member = json!({ "value": ada["id"], "$ref": reference, "type": "User", "display": "Ada Ash" });
    assert_eq!(group["members"], json!([member]));
    assert_eq!(tool.get(&at(&group)).await.expect(200), group);

    let groups = tool.get(&at(&ada)).await.expect(200)["groups"].clone();
    let location = group["meta"]["location"].clone();
    assert_eq!(groups, json!([{ "value": group["id"], "$ref": location, "display": "Staff", "type": "direct" }]));

    let renamed = tool
        .patch(&at(&group), json!([{ "op": "replace", "value": { "id": group["id"], "displayName": "Crew" } }]))
        .await
        .expect(200);
    assert_eq!((renamed["displayName"].as_str(), values(&renamed)), (Some("Crew"), vec![id(&ada)]));

    tool.delete(&at(&group)).await.has_status(204);
    refused(&tool.get(&at(&group)).await, 404, "");
    assert_eq!(tool.get(&at(&ada)).await.expect(200).get("groups"), None);
}

/// Groups of administrators, or of another tool, are none of this tool's: not alone, not in a list, not by a filter.
#[tokio::test]
async fn a_user_shows_the_groups_of_its_own_connection_only() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let ada = tool.post("/Users", &json!({ "userName": "ada" })).await.expect(201);
    tool.post("/Users", &json!({ "userName": "ben" })).await.expect(201);
    tool.group("Staff", &[&ada]).await;
    let (organization, connection, now) = (world.client.id, tool.connection.id, castellan.now());
    let member: UserId = id(&ada).parse().expect("an id");
    let by_hand = castellan.app.store.write(async move |tx| {
        let new = NewGroup {
            organization_id: organization,
            connection_id: None,
            display_name: "Night shift".to_owned(),
            external_id: None,
            document: json!({}),
        };
        let group = groups::insert(tx, &new, now).await?.expect("a free name");
        groups::add_members(tx, connection, group.id, &[member], now).await
    });
    assert_eq!(by_hand.await.expect("a group").new, 1);
    let one = tool.get(&at(&ada)).await.expect(200);
    let all = tool.get("/Users?sortBy=userName").await.expect(200);
    let found = tool.get("/Users?filter=userName%20eq%20%22ada%22").await.expect(200);
    for user in [&one, &all["Resources"][0], &found["Resources"][0]] {
        assert_eq!(user["groups"].as_array().map(Vec::len), Some(1), "{user}");
        assert_eq!(user["groups"][0]["display"], "Staff");
    }
}

#[tokio::test]
async fn members_come_and_go_and_the_version_moves_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let (ada, bob, cyd) = (tool.person("ada").await, tool.person("bob").await, tool.person("cyd").await);
    let group = tool.group("Staff", &[&ada]).await;
    let steps = [
        (json!([{ "op": "add", "path": "members", "value": [{ "value": id(&ada) }] }]), vec![&ada], 1),
        (
            json!([{ "op": "Add", "path": "members", "value": [{ "value": id(&bob) }, { "value": id(&ada) }] }]),
            vec![&ada, &bob],
            2,
        ),
        (json!([{ "op": "add", "value": { "members": [{ "value": id(&cyd) }] } }]), vec![&ada, &bob, &cyd], 3),
        (json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&ada)) }]), vec![&bob, &cyd], 4),
        (json!([{ "op": "Remove", "path": "members", "value": [{ "value": id(&bob) }] }]), vec![&cyd], 5),
        (json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&ada)) }]), vec![&cyd], 5),
        (
            json!([
                { "op": "remove", "path": format!("members[value eq \"{}\"]", id(&cyd)) },
                { "op": "add", "path": "members", "value": [{ "value": id(&bob) }] },
                { "op": "replace", "path": "displayName", "value": "Crew" },
            ]),
            vec![&bob],
            6,
        ),
        (
            json!([{ "op": "replace", "path": "members", "value": [{ "value": id(&ada) }, { "value": id(&cyd) }] }]),
            vec![&ada, &cyd],
            7,
        ),
        (json!([{ "op": "remove", "path": "members" }]), vec![], 8),
    ];
    for (operations, members, version) in steps {
        let patched = tool.patch(&at(&group), operations.clone()).await.expect(200);
        let mut expected: Vec<String> = members.into_iter().map(id).collect();
        expected.sort();
        assert_eq!(values(&patched), expected, "{operations}");
        assert_eq!(patched["meta"]["version"], format!("W/\"{version}\""), "{operations}");
    }
    let put = tool.put(&at(&group), &json!({ "displayName": "Crew", "members": [{ "value": id(&bob) }] })).await;
    assert_eq!(values(&put.expect(200)), [id(&bob)]);
    let put = tool.put(&at(&group), &json!({ "displayName": "Crew" })).await;
    assert_eq!(put.expect(200).get("members"), None, "PUT replaces");
}

/// Ids that are no users of the connection of `tool`: foreign, unprovisioned, never given, no ids at all.
async fn strangers(castellan: &Castellan, world: &World, tool: &Tool<'_>) -> Vec<String> {
    let other = Tool::new(castellan, &world.other_client).await;
    let foreign = other.person("zoe").await;
    let unprovisioned = castellan.person(&world.client, "portal@harbour.example").create().await;
    let removed = tool.person("gone").await;
    tool.delete(&at(&removed)).await.has_status(204);
    let nobody = "0198a000-0000-7000-8000-000000000001".to_owned();
    vec![id(&foreign), unprovisioned.user.id.to_string(), id(&removed), nobody, "fake-member-id".to_owned()]
}

/// Security.md row 97: a strict connection is refused the whole.
#[tokio::test]
async fn members_that_are_no_users_of_a_strict_connection_are_refused_whole() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let strict = Settings { strict: true, ..settings() };
    let tool = Tool::with(&castellan, &world.client, Vendor::Generic, strict).await;
    let ada = tool.person("ada").await;
    let group = tool.group("Staff", &[]).await;
    for stranger in strangers(&castellan, &world, &tool).await {
        let members = json!([{ "value": id(&ada) }, { "value": stranger }]);
        let operations = json!([{ "op": "add", "path": "members", "value": members }]);
        refused(&tool.patch(&at(&group), operations).await, 400, "invalidValue");
        refused(&tool.post("/Groups", &json!({ "displayName": "New", "members": members })).await, 400, "invalidValue");
        refused(&tool.put(&at(&group), &json!({ "displayName": "x", "members": members })).await, 400, "invalidValue");
    }
    assert_eq!(tool.get(&at(&group)).await.expect(200), group);
    assert_eq!(tool.get("/Groups").await.expect(200)["totalResults"], 1);
}

/// Elsewhere they are left out: the answer is the truth, and the log warns the administrator.
#[tokio::test]
async fn members_that_are_no_users_of_a_lenient_connection_are_left_out_and_logged() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let ada = tool.person("ada").await;
    for (number, stranger) in strangers(&castellan, &world, &tool).await.into_iter().enumerate() {
        let members = json!([{ "value": id(&ada) }, { "value": stranger }]);
        let sent = json!({ "displayName": format!("Group {number}"), "members": members });
        let made = tool.post("/Groups", &sent).await.expect(201);
        assert_eq!(values(&made), [id(&ada)], "{stranger}");
        // Who belongs already and who is nobody: nothing changes, and the version stays.
        let add = json!([{ "op": "add", "path": "members", "value": members }]);
        assert_eq!(tool.patch(&at(&made), add).await.expect(200), made);
        assert_eq!(tool.put(&at(&made), &sent).await.expect(200), made);
        let alone = json!([{ "op": "replace", "path": "members", "value": [{ "value": stranger }] }]);
        assert_eq!(tool.patch(&at(&made), alone).await.expect(200).get("members"), None);

        let warned = |entry: &Logged| {
            let warnings = entry.details.0["warnings"].as_array().cloned().unwrap_or_default();
            warnings.iter().any(|warning| warning.as_str().is_some_and(|text| text.contains(&stranger)))
        };
        loop {
            let log = tool.log(1).await;
            let about: Vec<u16> = log.iter().filter(|entry| warned(entry)).map(|entry| entry.status as u16).collect();
            if about.len() == 4 {
                assert_eq!(about.iter().filter(|status| **status == 200).count(), 3);
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_groups_name_is_unique_in_its_organization() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.other_client).await;
    tool.group("Staff", &[]).await;
    let crew = tool.group("Crew", &[]).await;
    other.group("Staff", &[]).await;
    refused(&tool.post("/Groups", &json!({ "displayName": "STAFF" })).await, 409, "uniqueness");
    let operations = json!([{ "op": "replace", "path": "displayName", "value": "staff" }]);
    refused(&tool.patch(&at(&crew), operations).await, 409, "uniqueness");
    refused(&tool.put(&at(&crew), &json!({ "displayName": "staff" })).await, 409, "uniqueness");
    refused(&tool.post("/Groups", &json!({ "externalId": "x" })).await, 400, "invalidValue");
    tool.patch(&at(&crew), json!([{ "op": "replace", "path": "displayName", "value": "CREW" }])).await.expect(200);
}

/// V2: what a group gives is an assignment to it, and follows its members at once.
#[tokio::test]
async fn a_group_gives_its_members_product_roles() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let ada = tool.person("ada").await;
    let group = tool.group("Operators", &[]).await;
    let group_id: GroupId = id(&group).parse().expect("an id");
    castellan.assign(Subject::Group(group_id), &world.recover, &["operator"], world.client.id).await;
    let held = async || {
        let user: UserId = id(&ada).parse().expect("an id");
        let mut db = castellan.app.store.reader().await.expect("a reader");
        let now = castellan.now();
        access::entitlement(&mut db, Subject::User(user), world.recover.id, now).await.expect("a read").is_some()
    };
    assert!(!held().await);
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id(&ada) }] }]);
    tool.patch(&at(&group), add.clone()).await.expect(200);
    assert!(held().await);
    tool.patch(&at(&group), json!([{ "op": "remove", "path": "members" }])).await.expect(200);
    assert!(!held().await);
    tool.patch(&at(&group), add).await.expect(200);
    tool.delete(&at(&group)).await.has_status(204);
    assert!(!held().await);
}

/// scim.md §2: a read without members does not show them, a large PATCH is answered without a body.
#[tokio::test]
async fn large_groups_are_answered_short() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let mut members = Vec::new();
    for number in 0..1002 {
        members.push(tool.person(&format!("person-{number}")).await);
    }
    let group = tool.group("Everybody", &members.iter().take(1000).collect::<Vec<_>>()).await;
    assert_eq!(values(&group).len(), 1000);
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id(&members[1000]) }] }]);
    let answer = tool.patch(&at(&group), add).await;
    answer.has_status(204);
    assert_eq!(answer.header("etag"), "W/\"2\"");
    let short = tool.get(&format!("{}?excludedAttributes=members", at(&group))).await.expect(200);
    assert_eq!(short.get("members"), None);
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "All" }]);
    let answer = tool.patch(&format!("{}?excludedAttributes=members", at(&group)), rename).await.expect(200);
    assert_eq!((answer["displayName"].as_str(), answer.get("members")), (Some("All"), None));
    let answer = tool
        .patch(&format!("{}?attributes=members", at(&group)), json!([{ "op": "remove", "path": "externalId" }]))
        .await;
    assert_eq!(values(&answer.expect(200)).len(), 1001);
    // PUT is answered in full, whatever the size (RFC 7644 §3.5.1), and moves the version once.
    let body = |people: &[Value]| {
        let listed = people.iter().map(|person| json!({ "value": id(person) })).collect::<Vec<_>>();
        json!({ "displayName": "All", "members": listed })
    };
    let answer = tool.put(&at(&group), &body(&members[1..])).await;
    assert_eq!((values(&answer.expect(200)).len(), answer.header("etag")), (1001, "W/\"4\""));
    let answer = tool.put(&at(&group), &body(&members[1..])).await;
    assert_eq!((values(&answer.expect(200)).len(), answer.header("etag")), (1001, "W/\"4\""));
    assert_eq!(values(&tool.get(&at(&group)).await.expect(200)).len(), 1001);
}

/// Issue 3, must show 4, already.
#[tokio::test]
async fn fifty_patches_of_one_group_at_once_all_count() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let mut people = Vec::new();
    for number in 0..50 {
        people.push(tool.person(&format!("person-{number}")).await);
    }
    let group = tool.group("Staff", &[]).await;
    let answers = futures_util::future::join_all(people.iter().map(|person| {
        let operations = json!([{ "op": "add", "path": "members", "value": [{ "value": id(person) }] }]);
        let (tool, endpoint) = (&tool, at(&group));
        async move { tool.patch(&endpoint, operations).await }
    }))
    .await;
    for answer in &answers {
        answer.has_status(200);
    }
    let group = tool.get(&at(&group)).await.expect(200);
    assert_eq!(values(&group).len(), 50);
    assert_eq!(group["meta"]["version"], "W/\"51\"");
}
