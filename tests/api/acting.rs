//! What administrators do to people, and what becomes of it.

use castellan::access::Subject;
use serde_json::{Value, json};

use super::{caller, problem, somebody, switch_products_on};
use crate::support::Castellan;

/// P11: sessions, tokens and refresh end with the commit; reactivation gives the access back.
#[tokio::test]
async fn deactivation_ends_everything_and_reactivation_brings_access_back() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let other = somebody(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    castellan.assign(Subject::User(other.user.id), &world.recover, &["operator"], world.partner.id).await;
    let client = castellan.client(&world.recover).create().await;
    let mut browser = castellan.signed_in(&other).await;
    let tokens = client.tokens(&mut browser).await;
    let (access, refresh) =
        (tokens["access_token"].as_str().expect("one"), tokens["refresh_token"].as_str().expect("one"));
    let path = format!("/organizations/{}/users/{}", world.partner.id, other.user.id);

    admin.post(&format!("{path}/deactivate")).await.has_status(204);
    assert_eq!(client.introspect(access).await["active"], false);
    client.refresh(refresh).await.refuses(400, "invalid_grant");
    assert_eq!(admin.get(&path).await.expect(200)["status"], "deactivated");
    assert_eq!(problem(&admin.post(&format!("{path}/deactivate")).await, 409), "wrong-state");
    assert_eq!(problem(&admin.post(&format!("{path}/reset-password")).await, 409), "wrong-state");

    admin.post(&format!("{path}/reactivate")).await.has_status(204);
    let detail = admin.get(&path).await.expect(200);
    assert_eq!(detail["status"], "active");
    assert!(detail["products"].as_array().expect("products").iter().any(|one| one["slug"] == "recover"));
    client.refresh(refresh).await.refuses(400, "invalid_grant");
}

/// P7: roles are set and taken; what comes by other ways stays; the product must be the organization's.
#[tokio::test]
async fn access_is_given_and_taken() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let other = somebody(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    let path = format!("/organizations/{}/users/{}", world.partner.id, other.user.id);
    let operator = json!({ "roles": ["operator"], "subtree": true });
    let answer = admin.send("PUT", &format!("{path}/products/recover"), &operator).await;
    assert_eq!(answer.expect(422)["errors"][0]["code"], "unknown-product");
    switch_products_on(&castellan, &world, &world.partner).await;
    let detail = admin.send("PUT", &format!("{path}/products/recover"), &operator).await.expect(200);
    assert_eq!(detail["products"][0]["slug"], "recover");
    let viewer = json!({ "roles": ["viewer"] });
    let detail = admin.send("PUT", &format!("{path}/products/recover"), &viewer).await.expect(200);
    let recover = detail["access"].as_array().expect("access").iter().find(|one| one["product"]["slug"] == "recover");
    assert_eq!(recover.expect("recover")["roles"], json!([{ "slug": "viewer", "name": "viewer" }]));
    assert_eq!(recover.expect("recover")["subtree"], false);
    let detail = admin.send("DELETE", &format!("{path}/products/recover"), &Value::Null).await.expect(200);
    assert_eq!(detail["products"], json!([]));
    // A grant over what lies below must be the giver's over all of it.
    let promoted = admin.send("PUT", &format!("{path}/products/portal"), &json!({ "roles": ["administrator"] })).await;
    assert_eq!(promoted.expect(200)["portal_role"]["slug"], "administrator");
}

/// M4: every factor and session goes, and the person must enrol again.
#[tokio::test]
async fn resetting_mfa_ends_sessions() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let other = caller(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    other.get("/me").await.has_status(200);
    let path = format!("/organizations/{}/users/{}", world.partner.id, other.person.user.id);
    admin.post(&format!("{path}/reset-mfa")).await.has_status(204);
    other.get("/me").await.has_status(401);
    assert_eq!(admin.get(&path).await.expect(200)["second_factors"], json!([]));
}

/// `GET /me/products`: one's own products with roles and places, the portal apart.
#[tokio::test]
async fn one_sees_ones_own_products() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let me = caller(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    castellan.assign(Subject::User(me.person.user.id), &world.recover, &["operator"], world.client.id).await;
    let products = me.get("/me/products").await.expect(200);
    assert_eq!(products["products"].as_array().map(Vec::len), Some(1));
    assert_eq!(products["products"][0]["slug"], "recover");
    assert_eq!(products["products"][0]["access"][0]["organization"]["name"], "Harbour Dental");
    let who = me.get("/me").await.expect(200);
    assert_eq!(who["portal_roles"], json!([{ "slug": "basic", "name": "Basic" }]));
}
