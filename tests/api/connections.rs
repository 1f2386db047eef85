//! The life of a connection (product.md V1): its rules, its pauses, its tokens, its end.

use serde_json::{Value, json};

use super::{Caller, caller, problem, switch_products_on};
use crate::support::{Castellan, World};

/// A connection of the partner: its path in the API, its `/Users`, and its token.
async fn connection(admin: &Caller<'_>, world: &World, more: Value) -> (String, String, String) {
    let mut body = json!({ "name": "Peoplehall HR" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let path = format!("/organizations/{}/connections", world.partner.id);
    let made = admin.send("POST", &path, &body).await.expect(201);
    let base = made["connection"]["base_url"].as_str().expect("a URL");
    let users = base.strip_prefix("http://localhost:8080").expect("ours").to_owned() + "/Users";
    let path = format!("{path}/{}", made["connection"]["id"].as_str().expect("an id"));
    (path, users, made["token"].as_str().expect("a token").to_owned())
}

#[tokio::test]
async fn rules_are_changed_and_count_from_the_next_request_on() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world, &world.partner).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (path, users, token) = connection(&admin, &world, json!({ "on_create": "activate" })).await;
    let change = json!({
        "name": " HR of Brackwater ", "on_delete": "deactivate", "strict": true, "rate_limit": null,
        "guard": { "share": 10, "minimum": 3 },
        "default_products": [{ "slug": "recover", "roles": ["viewer"], "subtree": true }],
    });
    let changed = admin.send("PATCH", &path, &change).await.expect(200);
    assert_eq!(changed["name"], "HR of Brackwater");
    assert_eq!((&changed["on_create"], &changed["on_delete"]), (&json!("activate"), &json!("deactivate")));
    assert_eq!((&changed["rate_limit"], &changed["strict"]), (&Value::Null, &json!(true)));
    assert_eq!(changed["guard"], json!({ "share": 10, "minimum": 3 }));
    assert_eq!(changed["default_products"][0]["role_slugs"], json!(["viewer"]));
    assert_eq!(changed["default_products"][0]["subtree"], true);
    assert_eq!(admin.get(&path).await.expect(200), changed);
    castellan.json("POST", &users, &token, &json!({ "userName": "a", "nonsense": 1 })).await.has_status(400);
    let person = castellan.json("POST", &users, &token, &json!({ "userName": "a" })).await.expect(201);
    let person = format!("/organizations/{}/users/{}", world.partner.id, person["id"].as_str().expect("an id"));
    assert_eq!(admin.get(&person).await.expect(200)["access"][0]["subtree"], true);

    let off = admin.send("PATCH", &path, &json!({ "guard": null })).await.expect(200);
    assert_eq!((&off["guard"], &off["strict"]), (&Value::Null, &json!(true)), "what is absent stays");
    for wrong in [
        json!({ "name": "" }),
        json!({ "on_create": "x" }),
        json!({ "on_delete": "erase" }),
        json!({ "guard": { "share": 0, "minimum": 1 } }),
        json!({ "guard": { "share": 5, "minimum": 0 } }),
        json!({ "rate_limit": 0 }),
        json!({ "default_products": [{ "slug": "portal", "roles": ["administrator"] }] }),
    ] {
        assert_eq!(problem(&admin.send("PATCH", &path, &wrong).await, 422), "invalid-fields", "{wrong}");
    }
    assert_eq!(admin.get(&path).await.expect(200), off);
}

#[tokio::test]
async fn a_paused_connection_lets_nobody_in_until_it_is_resumed() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (path, users, token) = connection(&admin, &world, json!({})).await;
    let health = admin.get(&format!("{path}/health")).await.expect(200);
    assert_eq!((&health["open"], &health["last_used_at"]), (&json!(true), &Value::Null));
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(200);

    assert_eq!(admin.post(&format!("{path}/pause")).await.expect(200)["status"], "paused");
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(401);
    let health = admin.get(&format!("{path}/health")).await.expect(200);
    assert_eq!(health["open"], false);
    assert!(health["checks"][0]["detail"].as_str().expect("a sentence").contains("paused"));
    assert!(health["last_used_at"].is_string());
    assert_eq!(admin.post(&format!("{path}/resume")).await.expect(200)["status"], "active");
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(200);
}

#[tokio::test]
async fn a_rotation_ends_the_old_token_when_it_says() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (path, users, old) = connection(&admin, &world, json!({ "token_days": 90 })).await;
    let tokens = format!("{path}/tokens");
    let long = admin.send("POST", &tokens, &json!({ "others_end_in_days": 31 })).await;
    assert_eq!(problem(&long, 422), "invalid-fields");
    let made = admin.send("POST", &tokens, &json!({ "days": 30, "others_end_in_days": 7 })).await.expect(201);
    let new = made["token"].as_str().expect("a token");
    castellan.advance(7 * 86_400 - 60);
    castellan.json("GET", &users, &old, &Value::Null).await.has_status(200);
    castellan.advance(60);
    castellan.json("GET", &users, &old, &Value::Null).await.has_status(401);
    castellan.json("GET", &users, new, &Value::Null).await.has_status(200);
    castellan.advance(23 * 86_400);
    castellan.json("GET", &users, new, &Value::Null).await.has_status(401);
}

#[tokio::test]
async fn people_of_a_deleted_connection_stay_and_are_managed_by_hand() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world, &world.partner).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let products = json!({ "default_products": [{ "slug": "recover", "roles": ["viewer"] }] });
    let (path, users, token) = connection(&admin, &world, products).await;
    let ada =
        castellan.json("POST", &users, &token, &json!({ "userName": "ada@brackwater.example" })).await.expect(201);
    let groups = users.replace("/Users", "/Groups");
    let group = json!({ "displayName": "Staff", "members": [{ "value": ada["id"] }] });
    castellan.json("POST", &groups, &token, &group).await.has_status(201);
    admin.send("DELETE", &path, &Value::Null).await.has_status(204);
    admin.get(&path).await.has_status(404);
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(401);
    let person = format!("/organizations/{}/users/{}", world.partner.id, ada["id"].as_str().expect("an id"));
    let detail = admin.get(&person).await.expect(200);
    assert_eq!((&detail["connection"], &detail["status"]), (&Value::Null, &json!("invited")));
    assert_eq!(detail["access"][0]["product"]["slug"], "recover");
    let names = json!({ "given_name": "Ada", "family_name": "Ash" });
    admin.send("PATCH", &person, &names).await.expect(200);
}
