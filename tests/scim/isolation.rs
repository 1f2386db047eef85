//! A connection sees and touches its own resources only (security.md rows 91, 93; issue 3, must show 6).

use castellan::{connections::Vendor, users::Status};
use serde_json::{Value, json};

use super::{Tool, at, refused, settings};
use crate::support::Castellan;

fn id(resource: &Value) -> &str {
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

/// A name that lives elsewhere is refused, and nothing is told or changed of its holder (V6 comes later).
#[tokio::test]
async fn a_login_name_that_lives_elsewhere_is_taken_and_no_more_is_said() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let elsewhere = castellan.person(&world.other_client, "zoe@mill.example").create().await;
    let here = castellan.person(&world.client, "portal@harbour.example").create().await;
    let answers = [
        tool.post("/Users", &json!({ "userName": "ZOE@mill.example", "active": false })).await,
        tool.post("/Users", &json!({ "userName": "portal@harbour.example", "active": false })).await,
    ];
    for answer in &answers {
        refused(answer, 409, "uniqueness");
    }
    assert_eq!(answers[0].json(), answers[1].json());
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
