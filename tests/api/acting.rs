//! What administrators do to people, and what becomes of it.

use castellan::access::Subject;
use serde_json::{Value, json};

use super::{caller, delivered, problem, somebody, switch_products_on};
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

/// Row 129: however often a link is asked for, one account is mailed a few times an hour. Nobody is told, the
/// last link goes on working, and the trail says what was not sent.
#[tokio::test]
async fn one_account_is_mailed_a_few_times_an_hour() {
    let castellan = Castellan::start_with(|config| {
        config.demo = true;
        config.limits.account_mails_per_hour = 5;
    })
    .await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tomasz = somebody(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    let dora = somebody(&castellan, &world.partner, "dora@brackwater.example", "basic").await;
    let reset = |id| format!("/organizations/{}/users/{id}/reset-password", world.partner.id);
    for _ in 0..50 {
        admin.post(&reset(tomasz.user.id)).await.has_status(204);
    }
    let mails = delivered(&castellan).await;
    assert_eq!(mails.len(), 5);
    let mut opening = 0;
    for mail in &mails {
        let link = mail.links[0].strip_prefix("http://localhost:8080").expect("ours");
        opening += usize::from(castellan.get(link).await.status == 200);
    }
    assert_eq!(opening, 1, "the last one that was sent, and no older one");
    assert_eq!(castellan.audited(world.partner.id, "password.reset_sent").await.len(), 5);
    let withheld = castellan.audited(world.partner.id, "mail.withheld").await;
    assert_eq!(withheld.len(), 45);
    assert_eq!((withheld[0].subject_id, withheld[0].outcome.as_str()), (Some(tomasz.user.id.0), "refused"));

    admin.post(&reset(dora.user.id)).await.has_status(204);
    assert_eq!(delivered(&castellan).await.len(), 6, "another account has its own");
    castellan.advance(3601);
    let admin = caller(&castellan, &world.partner, "anton@brackwater.example", "administrator").await;
    admin.post(&reset(tomasz.user.id)).await.has_status(204);
    assert_eq!(delivered(&castellan).await.len(), 7);
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
