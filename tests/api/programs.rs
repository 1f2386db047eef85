//! Tokens for programs: of connections and of the API itself.

use castellan::organizations;
use serde_json::{Value, json};

use super::{api_token, caller, problem, switch_products_on};
use crate::support::Castellan;

/// V1, row 79: a connection's token is told once, works at once, and is nowhere afterwards.
#[tokio::test]
async fn a_connection_is_made_and_its_token_told_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world, &world.partner).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let connections = format!("/organizations/{}/connections", world.partner.id);
    let new = json!({
        "name": "Peoplehall HR", "vendor": "entra",
        "default_products": [{ "slug": "recover", "roles": ["viewer"] }],
    });
    let made = admin.send("POST", &connections, &new).await.expect(201);
    let token = made["token"].as_str().expect("a token").to_owned();
    assert!(token.starts_with("cst_scim_"));
    assert_eq!(made["connection"]["default_products"][0]["roles"], json!(["viewer"]));
    let path = format!("{connections}/{}", made["connection"]["id"].as_str().expect("an id"));
    for path in [&connections, &path] {
        assert!(!admin.get(path).await.body.contains(&token));
    }
    let base = made["connection"]["base_url"].as_str().expect("a URL").to_owned();
    let users = base.strip_prefix("http://localhost:8080").expect("ours").to_owned() + "/Users";
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(200);

    let second = admin.send("POST", &format!("{path}/tokens"), &json!({})).await.expect(201);
    let third = admin.send("POST", &format!("{path}/tokens"), &json!({})).await;
    assert_eq!(problem(&third, 409), "two-live-tokens");
    let tokens = second["connection"]["tokens"].as_array().expect("tokens");
    let first = tokens.iter().find(|one| token.ends_with(one["hint"].as_str().expect("a hint"))).expect("the first");
    let first = format!("{path}/tokens/{}", first["id"].as_str().expect("an id"));
    admin.send("DELETE", &first, &Value::Null).await.has_status(204);
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(401);
    let second = second["token"].as_str().expect("a token");
    castellan.json("GET", &users, second, &Value::Null).await.has_status(200);
    admin.send("DELETE", &first, &Value::Null).await.has_status(404);
}

/// A tool gives no portal role, and nothing of a product that the organization lacks.
#[tokio::test]
async fn a_connection_gives_only_what_is_its_organizations() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let connections = format!("/organizations/{}/connections", world.partner.id);
    for product in ["portal", "recover"] {
        let new = json!({ "name": "HR", "default_products": [{ "slug": product, "roles": ["administrator"] }] });
        assert_eq!(problem(&admin.send("POST", &connections, &new).await, 422), "invalid-fields");
    }
    for wrong in
        [json!({ "name": " " }), json!({ "name": "x", "vendor": "y" }), json!({ "name": "x", "token_days": 0 })]
    {
        admin.send("POST", &connections, &wrong).await.has_status(422);
    }
    assert_eq!(admin.get(&connections).await.expect(200)["connections"], json!([]));
}

/// Row 93: an API token holds no more than its maker, is told once, and ends at once.
#[tokio::test]
async fn an_api_token_holds_no_more_than_its_maker() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tokens = format!("/organizations/{}/api-tokens", world.partner.id);
    for permission in ["portal:products:manage", "recover:jobs:run", "portal:unknown:thing"] {
        let answer = admin.send("POST", &tokens, &json!({ "name": "x", "permissions": [permission] })).await;
        assert_eq!(problem(&answer, 403), "not-yours-to-give", "{permission}");
    }
    let new = json!({ "name": "Nightly report", "permissions": ["portal:users:read"] });
    let made = admin.send("POST", &tokens, &new).await.expect(201);
    let token = made["token"].as_str().expect("a token").to_owned();
    assert!(token.starts_with("cst_api_"));
    assert!(!admin.get(&tokens).await.body.contains(&token));
    let users = format!("/api/v1/organizations/{}/users", world.client.id);
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(200);
    let elsewhere = format!("/api/v1/organizations/{}/users", world.other_partner.id);
    castellan.json("GET", &elsewhere, &token, &Value::Null).await.has_status(404);
    castellan.json("GET", "/api/v1/me", &token, &Value::Null).await.has_status(404);

    let id = made["api_token"]["id"].as_str().expect("an id");
    admin.send("DELETE", &format!("{tokens}/{id}"), &Value::Null).await.has_status(204);
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(401);
}

/// Row 93: a token begets no tokens, which would outlive it.
#[tokio::test]
async fn an_api_token_makes_no_further_ones() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let parent = api_token(&castellan, &world.partner, &["portal:tokens:manage", "portal:users:read"]).await;
    let tokens = format!("/api/v1/organizations/{}/api-tokens", world.partner.id);
    let new = json!({ "name": "child", "permissions": ["portal:users:read"] });
    let answer = castellan.json("POST", &tokens, &parent, &new).await;
    assert_eq!(problem(&answer, 403), "for-people");
    let listed = castellan.json("GET", &tokens, &parent, &Value::Null).await.expect(200);
    assert_eq!(listed["tokens"].as_array().map(Vec::len), Some(1), "it sees those there are, itself");
}

/// Rows 68, 77, P11: whatever ends the maker or the organization ends the token, at once and while it lasts.
#[tokio::test]
async fn an_api_token_lives_no_longer_than_its_maker_and_its_organization() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let jonas = caller(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    let tokens = format!("/organizations/{}/api-tokens", world.partner.id);
    let new = json!({ "name": "Nightly report", "permissions": ["portal:users:read"] });
    let token = jonas.send("POST", &tokens, &new).await.expect(201)["token"].as_str().expect("a token").to_owned();
    let of_operator = api_token(&castellan, &world.partner, &["portal:users:read"]).await;
    let users = format!("/api/v1/organizations/{}/users", world.partner.id);
    let reads = async |token: &str| castellan.json("GET", &users, token, &Value::Null).await.status.as_u16();
    assert_eq!(reads(&token).await, 200);

    // Demoted: the token holds no more than its maker.
    let jonas = format!("/organizations/{}/users/{}", world.partner.id, jonas.person.user.id);
    let role = |slug: &str| json!({ "roles": [slug] });
    mara.send("PUT", &format!("{jonas}/products/portal"), &role("basic")).await.has_status(200);
    assert_eq!(reads(&token).await, 404);
    mara.send("PUT", &format!("{jonas}/products/portal"), &role("administrator")).await.has_status(200);
    assert_eq!(reads(&token).await, 200);

    mara.post(&format!("{jonas}/deactivate")).await.has_status(204);
    assert_eq!(reads(&token).await, 401);
    let listed = mara.get(&tokens).await.expect(200);
    let of_jonas = listed["tokens"].as_array().expect("tokens").iter().find(|one| one["name"] == "Nightly report");
    assert_eq!(of_jonas.expect("the token")["live"], false);
    mara.post(&format!("{jonas}/reactivate")).await.has_status(204);
    assert_eq!(reads(&token).await, 200);
    mara.send("DELETE", &jonas, &Value::Null).await.has_status(204);
    assert_eq!(reads(&token).await, 401);

    assert_eq!(reads(&of_operator).await, 200, "what the operator made depends on nobody");
    let (partner, now) = (world.partner.id, castellan.now());
    castellan
        .write(async move |tx| organizations::set_status(tx, partner, organizations::Status::Suspended, now).await)
        .await;
    assert_eq!(reads(&of_operator).await, 401);
}

/// A token that has ended opens nothing.
#[tokio::test]
async fn an_api_token_ends() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tokens = format!("/organizations/{}/api-tokens", world.partner.id);
    let new = json!({ "name": "x", "permissions": ["portal:users:read"], "days": 1 });
    let token = admin.send("POST", &tokens, &new).await.expect(201)["token"].as_str().expect("a token").to_owned();
    let users = format!("/api/v1/organizations/{}/users", world.partner.id);
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(200);
    castellan.advance(24 * 3600);
    castellan.json("GET", &users, &token, &Value::Null).await.has_status(401);
    let forever = api_token(&castellan, &world.partner, &["portal:users:read"]).await;
    castellan.json("GET", &users, &forever, &Value::Null).await.has_status(200);
}
