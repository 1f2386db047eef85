//! Provisioning, changing and removing people (RFC 7644 §3.3 to §3.6; product.md V2, V5, P11, P12).

use castellan::{
    access::{self, Subject},
    id::UserId,
    secret::Secret,
    users::{self, Status, password},
};
use serde_json::{Value, json};

use super::{ENTERPRISE, Tool, USER, active_at_once, at, defaults, mails, refused, settings};
use crate::support::Castellan;

async fn user(castellan: &Castellan, resource: &Value) -> Option<users::User> {
    let id: UserId = resource["id"].as_str().expect("an id").parse().expect("an id");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    users::find(&mut db, id).await.expect("a read")
}

/// RFC 7644 §3.3: 201, Location, ETag, and what the tool may not set is not set.
#[tokio::test]
async fn a_person_is_provisioned_as_sent_and_invited_by_mail() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let sent = json!({
        "schemas": [USER, ENTERPRISE],
        "id": "mine", "meta": { "created": "2000-01-01T00:00:00Z" }, "groups": [{ "value": "x" }],
        "userName": "ada@harbour.example", "externalId": "7", "active": true,
        "name": { "givenName": "Ada", "familyName": "Ash", "formatted": "Ada Ash" },
        "emails": [{ "value": "private@example.com" }, { "value": "ada@harbour.example", "type": "work", "primary": true }],
        ENTERPRISE: { "department": "Sales", "manager": { "value": "x", "displayName": "not ours to set" } },
    });
    let answer = tool.post("/Users", &sent).await;
    let person = answer.expect(201);
    assert_eq!(answer.header("content-type"), "application/scim+json");
    assert_eq!(answer.header("location"), person["meta"]["location"]);
    assert_eq!(answer.header("etag"), person["meta"]["version"]);
    assert_eq!(person["schemas"], json!([USER, ENTERPRISE]));
    for name in ["userName", "externalId", "active", "name", "emails"] {
        assert_eq!(person[name], sent[name], "{name}");
    }
    assert_eq!(person[ENTERPRISE], json!({ "department": "Sales", "manager": { "value": "x" } }));
    assert_eq!(person.get("groups"), None);
    assert_eq!(person.get("displayName"), None, "an answer shows nothing that no tool has set");
    assert_eq!(tool.get(&at(&person)).await.expect(200), person);

    let row = user(&castellan, &person).await.expect("a row");
    assert_eq!((row.status, row.email_verified_at), (Status::Invited, None));
    assert_eq!(row.email.as_deref(), Some("ada@harbour.example"));
    assert_eq!(row.display_name, "Ada Ash");
    assert_eq!(mails(&castellan).await, ["ada@harbour.example: Your account at Harbour Dental"]);
}

/// V2, and security.md row 75: default products, and no administrator whatever the settings say.
#[tokio::test]
async fn a_person_gets_the_default_products_and_never_the_portals_administration() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut settings = settings();
    settings.default_assignments = defaults(&castellan, &world.recover, &["viewer"]).await;
    let portal = castellan.portal().await;
    settings.default_assignments.extend(defaults(&castellan, &portal, &["administrator"]).await);
    let tool = Tool::with(&castellan, &world.client, castellan::connections::Vendor::Generic, settings).await;
    let person = tool.person("ada@harbour.example").await;
    let id: UserId = person["id"].as_str().expect("an id").parse().expect("an id");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let held =
        access::entitlement(&mut db, Subject::User(id), world.recover.id, castellan.now()).await.expect("a read");
    let held = held.expect("an entitlement");
    assert_eq!(held.roles, ["viewer"]);
    assert_eq!(held.organizations.iter().map(|coverage| coverage.id).collect::<Vec<_>>(), [world.client.id]);
    for other in [&world.relay, &portal] {
        let held = access::entitlement(&mut db, Subject::User(id), other.id, castellan.now()).await.expect("a read");
        assert!(held.is_none(), "{}", other.slug);
    }
}

#[tokio::test]
async fn people_are_active_at_once_where_the_connection_says_so() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::with(&castellan, &world.client, castellan::connections::Vendor::Generic, active_at_once()).await;
    let sent = json!({ "userName": "ada", "password": "seven grey geese in a row" });
    let person = tool.post("/Users", &sent).await.expect(201);
    assert_eq!(person.get("password"), None, "never returned");
    let row = user(&castellan, &person).await.expect("a row");
    assert_eq!(row.status, Status::Active);
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let stored = password::find(&mut db, row.id).await.expect("a read").expect("a password");
    drop(db);
    let plain = Secret::from_text("seven grey geese in a row");
    assert!(castellan.app.passwords.verify(plain, Some(stored.hash)).await.expect("a verdict").is_right());
    refused(&tool.post("/Users", &json!({ "userName": "bob", "password": "password" })).await, 400, "invalidValue");
    assert!(mails(&castellan).await.is_empty());
}

/// RFC 7644 §3.5.2, with the habits of Entra ID.
#[tokio::test]
async fn a_patch_changes_what_it_names_and_moves_the_version_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada").await;
    let answer = tool
        .patch(
            &at(&person),
            json!([
                { "op": "Add", "path": "title", "value": "Boss" },
                { "op": "Replace", "path": "USERNAME", "value": "ada.ash" },
                { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "ada@harbour.example" },
                { "op": "Add", "value": { "name.givenName": "Ada", "department": "Sales" } },
            ]),
        )
        .await;
    let patched = answer.expect(200);
    assert_eq!(patched["userName"], "ada.ash");
    assert_eq!(patched["title"], "Boss");
    assert_eq!(patched["emails"], json!([{ "type": "work", "value": "ada@harbour.example" }]));
    assert_eq!(patched["name"], json!({ "givenName": "Ada" }));
    assert_eq!(patched[ENTERPRISE], json!({ "department": "Sales" }));
    assert_eq!(patched["meta"]["version"], "W/\"2\"");
    assert_eq!(answer.header("etag"), "W/\"2\"");
    assert_eq!(tool.get(&at(&person)).await.expect(200), patched);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_leaves_version_and_time_alone() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada").await;
    castellan.advance(60);
    let patched = tool.patch(&at(&person), json!([{ "op": "replace", "path": "active", "value": "True" }])).await;
    assert_eq!(patched.expect(200), person);
    let put = tool.put(&at(&person), &json!({ "userName": "ada" })).await;
    assert_eq!(put.expect(200), person);
}

#[tokio::test]
async fn a_patch_happens_whole_or_not_at_all() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let (person, _other) = (tool.person("ada").await, tool.person("bob").await);
    for (operation, status, refusal) in [
        (json!({ "op": "replace", "path": "id", "value": "x" }), 400, "mutability"),
        (json!({ "op": "replace", "path": "userName", "value": "BOB" }), 409, "uniqueness"),
        (json!({ "op": "replace", "path": "shoeSize", "value": 45 }), 400, "invalidPath"),
        (json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "x" }), 400, "noTarget"),
    ] {
        let operations = json!([{ "op": "replace", "path": "title", "value": "Boss" }, operation]);
        refused(&tool.patch(&at(&person), operations).await, status, refusal);
        assert_eq!(tool.get(&at(&person)).await.expect(200), person, "{refusal}");
    }
}

/// RFC 7644 §3.5.1; scim.md: an omitted `active` neither lets in nor out.
#[tokio::test]
async fn a_put_replaces_all_but_keeps_active() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let sent =
        json!({ "userName": "ada", "title": "Boss", "externalId": "7", "emails": [{ "value": "a@harbour.example" }] });
    let person = tool.post("/Users", &sent).await.expect(201);
    let mut echoed = person.clone();
    echoed["active"] = json!(false);
    echoed["groups"] = json!([]);
    assert_eq!(tool.put(&at(&person), &echoed).await.expect(200)["active"], false);
    let replaced = tool.put(&at(&person), &json!({ "userName": "ada" })).await.expect(200);
    assert_eq!(replaced["active"], false, "an omission does not activate");
    for name in ["title", "externalId", "emails"] {
        assert_eq!(replaced.get(name), None, "{name}");
    }
    let replaced = tool.put(&at(&person), &json!({ "userName": "ada", "active": true })).await.expect(200);
    assert_eq!(replaced["active"], true);
    let replaced = tool.put(&at(&person), &json!({ "userName": "ada", "title": "x" })).await.expect(200);
    assert_eq!(replaced["active"], true, "an omission does not deactivate");
    refused(&tool.put(&at(&person), &json!({ "title": "x" })).await, 400, "invalidValue");
}

/// RFC 7644 §3.5.2.2: a removed attribute is unassigned; the account stays as it is.
#[tokio::test]
async fn removing_active_neither_lets_in_nor_out() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::with(&castellan, &world.client, castellan::connections::Vendor::Generic, active_at_once()).await;
    let sent = json!({ "userName": "ada", "password": "seven grey geese in a row" });
    let person = tool.post("/Users", &sent).await.expect(201);
    let endpoint = at(&person);
    for (operation, shown, status) in [
        (json!({ "op": "remove", "path": "active" }), Value::Null, Status::Active),
        (json!({ "op": "add", "path": "active", "value": false }), json!(false), Status::Deactivated),
        (json!({ "op": "remove", "path": "active" }), Value::Null, Status::Deactivated),
        (json!({ "op": "add", "path": "active", "value": true }), json!(true), Status::Active),
    ] {
        assert_eq!(tool.patch(&endpoint, json!([operation])).await.expect(200)["active"], shown, "{operation}");
        assert_eq!(user(&castellan, &person).await.expect("a row").status, status, "{operation}");
    }
}

/// P11 and V5: as by the portal, with the same audit trail.
#[tokio::test]
async fn deactivation_ends_access_and_reactivation_gives_it_back() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::with(&castellan, &world.client, castellan::connections::Vendor::Entra, active_at_once()).await;
    let sent = json!({ "userName": "ada@harbour.example", "password": "seven grey geese in a row" });
    let person = tool.post("/Users", &sent).await.expect(201);
    for (value, status) in [(json!("False"), Status::Deactivated), (json!("True"), Status::Active)] {
        let operation = json!([{ "op": "Replace", "path": "active", "value": value }]);
        let patched = tool.patch(&at(&person), operation).await.expect(200);
        assert_eq!(patched["active"], status == Status::Active);
        assert_eq!(user(&castellan, &person).await.expect("a row").status, status);
    }
}

#[tokio::test]
async fn who_was_made_inactive_is_invited_when_they_become_active() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let sent = json!({ "userName": "ada@harbour.example", "active": false });
    let person = tool.post("/Users", &sent).await.expect(201);
    assert_eq!(person["active"], false);
    assert!(mails(&castellan).await.is_empty());
    tool.patch(&at(&person), json!([{ "op": "replace", "value": { "active": true } }])).await.expect(200);
    assert_eq!(mails(&castellan).await.len(), 1);
    assert_eq!(user(&castellan, &person).await.expect("a row").status, Status::Invited);
}

/// P13, V5: nobody locks out an organization, not even a tool that owns its administrator.
#[tokio::test]
async fn the_last_administrator_stays() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::with(&castellan, &world.client, castellan::connections::Vendor::Generic, active_at_once()).await;
    let person = tool.person("ada@harbour.example").await;
    let id: UserId = person["id"].as_str().expect("an id").parse().expect("an id");
    let portal = castellan.portal().await;
    castellan.assign(Subject::User(id), &portal, &["administrator"], world.client.id).await;
    let operations = json!([
        { "op": "replace", "path": "title", "value": "Gone" },
        { "op": "replace", "path": "active", "value": false },
    ]);
    refused(&tool.patch(&at(&person), operations).await, 409, "");
    refused(&tool.delete(&at(&person)).await, 409, "");
    assert_eq!(tool.get(&at(&person)).await.expect(200), person, "nothing of the refused request stays");
}

/// RFC 7644 §3.6, P12: gone at once, the name is free again, groups are left.
#[tokio::test]
async fn a_removed_person_is_gone_and_the_name_is_free() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada@harbour.example").await;
    let group = tool.group("Staff", &[&person]).await;
    let answer = tool.delete(&at(&person)).await;
    answer.has_status(204);
    assert_eq!((answer.body.as_str(), answer.header("content-type")), ("", ""));
    refused(&tool.get(&at(&person)).await, 404, "");
    refused(&tool.delete(&at(&person)).await, 404, "");
    refused(&tool.put(&at(&person), &json!({ "userName": "ada@harbour.example" })).await, 404, "");
    let left = tool.get(&at(&group)).await.expect(200);
    assert_eq!(left.get("members"), None);
    assert_eq!(left["meta"]["version"], "W/\"2\"");
    assert_eq!(tool.get("/Users").await.expect(200)["totalResults"], 0);
    assert_ne!(tool.person("ADA@harbour.example").await["id"], person["id"]);
}

/// RFC 7644 §3.14.
#[tokio::test]
async fn versions_guard_against_lost_updates() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada").await;
    let body = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "x" }] }).to_string();
    let stale = [("if-match", "W/\"7\"")];
    refused(&tool.request("PATCH", &at(&person), &stale, body.clone()).await, 412, "");
    refused(&tool.request("PUT", &at(&person), &stale, json!({ "userName": "x" }).to_string()).await, 412, "");
    refused(&tool.request("DELETE", &at(&person), &stale, String::new()).await, 412, "");
    let fresh = [("if-match", "\"9\", W/\"1\"")];
    tool.request("PATCH", &at(&person), &fresh, body).await.expect(200);
    let answer = tool.request("GET", &at(&person), &[("if-none-match", "W/\"2\"")], String::new()).await;
    answer.has_status(304);
    tool.request("GET", &at(&person), &[("if-none-match", "W/\"1\"")], String::new()).await.expect(200);
}

/// Issue 3, must show 4, already: no lost update, no 500, one version for each effective change.
#[tokio::test]
async fn fifty_patches_at_once_all_count() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada").await;
    let answers = futures_util::future::join_all((0..50).map(|number| {
        let operations = json!([
            { "op": "add", "path": "emails", "value": [{ "value": format!("{number}@harbour.example"), "type": "other" }] },
        ]);
        let (tool, endpoint) = (&tool, at(&person));
        async move { tool.patch(&endpoint, operations).await }
    }))
    .await;
    for answer in &answers {
        answer.has_status(200);
    }
    let person = tool.get(&at(&person)).await.expect(200);
    assert_eq!(person["emails"].as_array().expect("a list").len(), 50);
    assert_eq!(person["meta"]["version"], "W/\"51\"");
}

/// V4: each request is logged with what it changed or why it was refused; passwords are not.
#[tokio::test]
async fn every_request_is_in_the_provisioning_log() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::with(&castellan, &world.client, castellan::connections::Vendor::Generic, active_at_once()).await;
    let sent = json!({ "userName": "ada", "password": "seven grey geese in a row", "title": "Clerk" });
    let person = tool.post("/Users", &sent).await.expect(201);
    tool.patch(&at(&person), json!([{ "op": "replace", "path": "title", "value": "Boss" }])).await.expect(200);
    refused(&tool.post("/Users", &sent).await, 409, "uniqueness");
    tool.get("/Users?count=1").await.expect(200);
    let log = tool.log(4).await;
    let find = |method: &str, status: i64| {
        log.iter().find(|entry| entry.method == method && entry.status == status).expect("an entry")
    };
    assert_eq!(find("PATCH", 200).details.0["changed"], json!({ "title": { "before": "Clerk", "after": "Boss" } }));
    assert_eq!(find("POST", 409).details.0["refused"], "another resource has this userName");
    assert_eq!(find("GET", 200).path, "/Users?count=1");
    assert!(log.iter().all(|entry| !entry.details.0.to_string().contains("geese")));
    assert_eq!(log.len(), 4);
}
