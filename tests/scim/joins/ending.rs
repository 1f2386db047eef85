//! What ends a membership, and that it ends nothing else.

use castellan::connections::{DefaultAssignment, GroupRole, Guard, OnDelete, Settings, Vendor};
use serde_json::{Value, json};

use super::{Scene, believed, id};
use crate::{
    scim::{Tool, at, defaults, outbox, refused, settings},
    support::Castellan,
};

#[tokio::test]
async fn active_false_ends_the_membership_alone_and_active_true_asks_again() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (resource, mail) = scene.ask().await;
    scene.accept(&mail).await;
    let (browser, tokens) = scene.sign_in().await;
    assert_eq!(scene.activate(&resource, false).await["active"], false);
    scene.assert_signed_out(browser, &tokens).await;
    assert!(!scene.is_member().await);
    assert_eq!(castellan.audited(world.client.id, "membership.ended").await.len(), 1);

    assert_eq!(scene.activate(&resource, true).await["active"], true);
    assert!(scene.roles().await.is_empty(), "joining is the person's decision each time");
    let again = scene.invitation().await.expect("another mail");
    scene.accept(&again).await;
    assert_eq!(scene.roles().await, ["viewer"]);
    assert!(scene.is_member().await);
}

#[tokio::test]
async fn delete_ends_the_membership_alone_and_the_resource_is_gone() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let viewer = defaults(&castellan, &world.recover, &["viewer"]).await;
    let kept = Settings { default_assignments: viewer, on_delete: OnDelete::Deactivate, ..settings() };
    let scene = Scene::with(&castellan, &world, kept).await;
    let (resource, mail) = scene.ask().await;
    scene.accept(&mail).await;
    let (browser, tokens) = scene.sign_in().await;
    scene.tool.delete(&at(&resource)).await.has_status(204);
    scene.assert_signed_out(browser, &tokens).await;
    assert!(!scene.is_member().await);
    refused(&scene.tool.get(&at(&resource)).await, 404, "");
    assert_eq!(scene.tool.get("/Users").await.expect(200)["totalResults"], 0);
    let (again, _) = scene.ask().await;
    assert_ne!(again["id"], resource["id"]);
    assert!(scene.roles().await.is_empty());
}

/// V2: what comes by groups counts too, and ends with them.
#[tokio::test]
async fn groups_give_and_take_through_a_stand_in() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let operator = defaults(&castellan, &world.recover, &["operator"]).await;
    let rule = |given: DefaultAssignment| GroupRole {
        group: "Operators".to_owned(),
        product: given.product,
        roles: given.roles,
        subtree: false,
        origin: None,
    };
    let mapped = Settings { group_roles: operator.into_iter().map(rule).collect(), ..settings() };
    let scene = Scene::with(&castellan, &world, mapped).await;
    let (resource, mail) = scene.ask().await;
    let inner = scene.tool.group("Inner", &[&resource]).await;
    let group = scene.tool.group("Operators", &[&inner]).await;
    assert_eq!(scene.tool.get(&at(&inner)).await.expect(200)["members"][0]["display"], "Zoe of Harbour");
    assert!(scene.roles().await.is_empty());
    scene.accept(&mail).await;
    assert_eq!(scene.roles().await, ["operator"]);
    let (browser, tokens) = scene.sign_in().await;
    let out = format!("members[value eq \"{}\"]", id(&resource));
    scene.tool.patch(&at(&inner), json!([{ "op": "remove", "path": out }])).await.expect(200);
    scene.assert_signed_out(browser, &tokens).await;
    let back = json!([{ "op": "add", "path": "members", "value": [{ "value": resource["id"] }] }]);
    scene.tool.patch(&at(&group), back).await.expect(200);
    assert_eq!(scene.roles().await, ["operator"]);
    let (browser, tokens) = scene.sign_in().await;
    scene.tool.delete(&at(&group)).await.has_status(204);
    scene.assert_signed_out(browser, &tokens).await;
}

#[tokio::test]
async fn a_stand_in_is_its_connections_alone_and_two_end_apart() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (resource, mail) = scene.ask().await;
    let viewer = defaults(&castellan, &world.recover, &["viewer"]).await;
    let neighbour = Settings { default_assignments: viewer, ..settings() };
    let neighbour = Tool::with(&castellan, &world.client, Vendor::Generic, neighbour).await;
    refused(&neighbour.get(&at(&resource)).await, 404, "");
    refused(&neighbour.delete(&at(&resource)).await, 404, "");
    let second = neighbour.post("/Users", &believed()).await.expect(201);
    assert_ne!(second["id"], resource["id"]);
    scene.accept(&scene.invitation().await.expect("a mail of the second")).await;
    scene.accept(&mail).await;
    scene.activate(&resource, false).await;
    assert!(scene.is_member().await, "by the other connection");
    assert_eq!(scene.roles().await, ["viewer"]);
    neighbour.delete(&at(&second)).await.has_status(204);
    assert!(!scene.is_member().await && scene.roles().await.is_empty());
}

#[tokio::test]
async fn deleting_the_connection_ends_its_stand_ins() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let admin = scene.admin().await;
    let (resource, mail) = scene.ask().await;
    scene.accept(&mail).await;
    let (browser, tokens) = scene.sign_in().await;
    let connection = format!("/organizations/{}/connections/{}", world.client.id, scene.tool.connection.id);
    admin.send("DELETE", &connection, &Value::Null).await.has_status(204);
    scene.assert_signed_out(browser, &tokens).await;
    assert!(!scene.is_member().await);
    let users = format!("/organizations/{}/users", world.client.id);
    admin.get(&format!("{users}/{}", id(&resource))).await.has_status(404);
}

/// V3: whom a run has ended is taken back with what they had.
#[tokio::test]
async fn whoever_had_joined_is_taken_back_with_the_rest_of_a_run() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let viewer = defaults(&castellan, &world.recover, &["viewer"]).await;
    let guard = Some(Guard { share: 20, minimum: 2 });
    let scene = Scene::with(&castellan, &world, Settings { guard, default_assignments: viewer, ..settings() }).await;
    let (resource, mail) = scene.ask().await;
    scene.accept(&mail).await;
    let ada = scene.tool.person("ada@harbour.example").await;
    outbox(&castellan).await;
    scene.activate(&resource, false).await;
    assert!(scene.roles().await.is_empty());
    let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
    refused(&scene.tool.patch(&at(&ada), operations).await, 409, "");
    assert_eq!(scene.roles().await, ["viewer"]);
    assert!(scene.is_member().await && scene.invitation().await.is_none());
    let admin = scene.admin().await;
    let held = format!("/organizations/{}/connections/{}/held", world.client.id, scene.tool.connection.id);
    admin.post(&format!("{held}/release")).await.expect(200);
    assert!(scene.roles().await.is_empty() && !scene.is_member().await);
    scene.assert_untouched().await;
}
