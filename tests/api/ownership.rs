//! What a connection owns of a person is read here, and changed in its tool (product.md V2; issue 3).

use castellan::{
    connections::{GroupRole, OnDelete, Settings, Vendor},
    id::UserId,
};
use serde_json::{Value, json};

use super::{Caller, caller, problem, switch_products_on};
use crate::{
    scim::{Tool, active_at_once, at, defaults},
    support::{Castellan, World},
};

/// A tool of the partner whose people start as viewers of Recover, and whose group Crew gives Relay.
async fn tool<'c>(castellan: &'c Castellan, world: &World) -> Tool<'c> {
    let default_assignments = defaults(castellan, &world.recover, &["viewer"]).await;
    let relay = defaults(castellan, &world.relay, &["viewer"]).await.remove(0);
    let crew = GroupRole {
        group: "Crew".to_owned(),
        product: relay.product,
        roles: relay.roles,
        subtree: false,
        origin: None,
    };
    let on_delete = OnDelete::Deactivate;
    let settings = Settings { default_assignments, group_roles: vec![crew], on_delete, ..active_at_once() };
    Tool::with(castellan, &world.partner, Vendor::Generic, settings).await
}

async fn scene(castellan: &Castellan) -> (World, Caller<'_>, Tool<'_>, Value, String) {
    let world = castellan.world().await;
    switch_products_on(castellan, &world, &world.partner).await;
    let admin = caller(castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tool = tool(castellan, &world).await;
    let ada = tool.person("ada@brackwater.example").await;
    let path = format!("/organizations/{}/users/{}", world.partner.id, ada["id"].as_str().expect("an id"));
    (world, admin, tool, ada, path)
}

/// Product, connection, group, and whether it may be taken away by hand.
fn access<'d>(detail: &'d Value) -> Vec<(&'d str, &'d str, &'d str, bool)> {
    let entries = detail["access"].as_array().expect("a list").iter();
    let mut access: Vec<_> = entries
        .map(|entry| {
            let text = |value: &'d Value| value.as_str().unwrap_or_default();
            let (product, connection) = (text(&entry["product"]["slug"]), text(&entry["connection"]["name"]));
            (product, connection, text(&entry["group"]), entry["by_hand"].as_bool().expect("a word"))
        })
        .collect();
    access.sort_unstable();
    access
}

#[tokio::test]
async fn names_and_addresses_of_a_connection_are_refused_with_its_name() {
    let castellan = Castellan::start().await;
    let (_, admin, tool, ada, path) = scene(&castellan).await;
    let before = admin.get(&path).await.expect(200);
    assert_eq!(before["connection"]["name"], "A tool");
    let names = json!({ "given_name": "Ada", "family_name": "Ash" });
    let refused = admin.send("PATCH", &path, &names).await;
    assert_eq!(problem(&refused, 409), "owned-by-connection");
    assert!(refused.json()["detail"].as_str().expect("a sentence").contains("A tool"));
    for field in ["email", "login_name", "display_name", "connection"] {
        admin.send("PATCH", &path, &json!({ field: "x@example.com" })).await.has_status(400);
    }
    assert_eq!(admin.get(&path).await.expect(200), before);
    assert_eq!(tool.get(&at(&ada)).await.expect(200), ada);
}

#[tokio::test]
async fn roles_of_a_connection_say_so_and_are_not_taken_by_hand() {
    let castellan = Castellan::start().await;
    let (_, admin, tool, ada, path) = scene(&castellan).await;
    tool.group("Crew", &[&ada]).await;
    let given = [("recover", "A tool", "", false), ("relay", "A tool", "Crew", false)];
    assert_eq!(access(&admin.get(&path).await.expect(200)), given);
    for product in ["recover", "relay"] {
        let refused = admin.send("DELETE", &format!("{path}/products/{product}"), &Value::Null).await;
        assert_eq!(problem(&refused, 409), "owned-by-connection", "{product}");
        assert!(refused.json()["detail"].as_str().expect("a sentence").contains("A tool"));
    }
    assert_eq!(access(&admin.get(&path).await.expect(200)), given);

    // What is given by hand stands beside it, and is taken by hand.
    let recover = format!("{path}/products/recover");
    let more = admin.send("PUT", &recover, &json!({ "roles": ["operator"] })).await.expect(200);
    assert_eq!(access(&more), [("recover", "", "", true), given[0], given[1]]);
    assert_eq!(access(&admin.send("DELETE", &recover, &Value::Null).await.expect(200)), given);
    assert_eq!(problem(&admin.send("DELETE", &recover, &Value::Null).await, 409), "owned-by-connection");
    admin.send("DELETE", &format!("{path}/products/portal"), &Value::Null).await.has_status(200);
}

#[tokio::test]
async fn whom_a_connection_has_let_go_is_the_administrators_again() {
    let castellan = Castellan::start().await;
    let (_, admin, tool, ada, path) = scene(&castellan).await;
    let bob = tool.person("bob@brackwater.example").await;
    tool.delete(&at(&ada)).await.has_status(204);
    assert_eq!(access(&admin.get(&path).await.expect(200)), [("recover", "A tool", "", true)]);
    admin.post(&format!("{path}/reactivate")).await.has_status(204);
    let recover = format!("{path}/products/recover");
    assert!(access(&admin.send("DELETE", &recover, &Value::Null).await.expect(200)).is_empty());
    admin.send("PATCH", &path, &json!({ "given_name": "Ada" })).await.has_status(200);

    // So are all of them when the connection ends.
    let connection = format!("/organizations/{}/connections/{}", tool.connection.organization_id, tool.connection.id);
    admin.send("DELETE", &connection, &Value::Null).await.has_status(204);
    let id: UserId = bob["id"].as_str().expect("an id").parse().expect("an id");
    let path = format!("/organizations/{}/users/{id}", tool.connection.organization_id);
    assert_eq!(access(&admin.get(&path).await.expect(200)), [("recover", "", "", true)]);
    let recover = format!("{path}/products/recover");
    assert!(access(&admin.send("DELETE", &recover, &Value::Null).await.expect(200)).is_empty());
}
