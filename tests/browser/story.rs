//! The main job, as a person sees it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{chromium::Chromium, demo::Demo, passkey};

const PASSWORD: &str = "seven geese over the harbour";

/// A SCIM client provisions a person; the person sets a password, is made to enrol MFA, signs in to
/// product apps by single sign-on, each of which learns only its own claims; deprovisioning ends
/// everything within a second.
#[tokio::test]
async fn a_person_provisioned_over_scim_signs_in_to_two_products_with_mfa() {
    let demo = Demo::start().await;
    let chromium = Chromium::start().await;
    let connection = demo.world["connections"]
        .as_array()
        .expect("connections")
        .iter()
        .find(|connection| {
            demo.world["users"]
                .as_array()
                .is_some_and(|users| users.iter().any(|user| user["provisioned_by"] == connection["base_url"]))
        })
        .expect("a connection that has provisioned somebody")
        .clone();

    let login = "nora.story@example.com";
    let person = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": login,
        "name": { "givenName": "Nora", "familyName": "Story" },
        "emails": [{ "value": login, "type": "work", "primary": true }],
        "active": true
    });
    let (status, created) = demo.scim(&connection, "POST", "/Users", Some(person)).await;
    assert_eq!(status, 201, "{created}");
    let id = created["id"].as_str().expect("an id").to_owned();

    let link = demo.link_mailed_to(login).await;
    chromium.open(&link).await;
    chromium.picture("activate").await;
    set_password(&chromium).await;
    enrol_totp(&chromium).await;

    // The connection gives a portal role too, so the portal is where they land.
    chromium.wait_for_url(demo.portal()).await;

    // From here single sign-on: no further question, and no way into what was not given.
    let mut held = Vec::new();
    for slug in demo.apps() {
        chromium.open(&demo.app(&slug)).await;
        chromium.press("sign-in").await;
        if chromium.url().await.as_str().starts_with(demo.issuer()) {
            chromium.find("no-access").await;
            chromium.picture("no-access").await;
            continue;
        }
        assert_eq!(chromium.text_of("signed-in").await, login);
        chromium.picture(&format!("app-{slug}")).await;
        let claims: Value = serde_json::from_str(&chromium.text_of("claims").await).expect("claims");
        for other in demo.apps().iter().filter(|other| **other != slug) {
            assert!(!claims.to_string().contains(other.as_str()), "{slug} learns of {other}: {claims}");
        }
        chromium.press("refresh").await;
        assert_eq!(chromium.text_of("signed-in").await, login);
        held.push(slug);
    }
    assert_eq!(held.len(), 2, "the connection gives two products, not {held:?}");
    chromium.open(demo.portal()).await;
    chromium.wait_for_url(demo.portal()).await;
    chromium.picture("portal-home-basic").await;

    let deactivate = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "active", "value": false }]
    });
    let (status, answer) = demo.scim(&connection, "PATCH", &format!("/Users/{id}"), Some(deactivate)).await;
    assert!(matches!(status, 200 | 204), "{status} {answer}");
    let ended = Instant::now();
    for slug in &held {
        loop {
            chromium.open(&demo.app(slug)).await;
            if chromium.has("sign-in").await && !chromium.has("signed-in").await {
                break;
            }
            assert!(ended.elapsed() < Duration::from_secs(1), "{slug} still has a session");
        }
        assert!(demo.has_seen_logout(slug).await, "{slug} was told by a valid logout token");
    }
    chromium.open(demo.portal()).await;
    chromium.find("login-form").await;
    chromium.open(&demo.app(&held[0])).await;
    chromium.press("sign-in").await;
    assert!(chromium.url().await.as_str().starts_with(demo.issuer()), "the SSO session is gone too");
    chromium.find("login-form").await;
    chromium.stop().await;
}

/// A passkey enrolled on the account page signs its owner in without a name or a password.
#[tokio::test]
async fn a_passkey_signs_in_without_a_user_name() {
    let demo = Demo::start().await;
    let chromium = Chromium::start().await;
    passkey::plug_in_authenticator(&chromium).await;
    let user = demo.user(|user| user["totp_secret"].is_string() && user["portal_role"] == "administrator").clone();
    chromium.open(&format!("{}/account", demo.issuer())).await;
    sign_in(&chromium, &user).await;
    chromium.picture("account").await;
    chromium.press("add-passkey").await;
    chromium.picture("account-passkey").await;
    chromium.press("passkey-submit").await;
    // Nobody in the demo has recovery codes yet: they come with the first factor of one's own.
    chromium.press("continue").await;
    chromium.wait_for_url(&format!("{}/account?", demo.issuer())).await;
    assert!(chromium.text_of("factors").await.contains("My passkey"));
    chromium.open(&format!("{}/logout", demo.issuer())).await;
    chromium.press("logout-confirm").await;
    chromium.find("logged-out").await;

    chromium.open(&format!("{}/login", demo.issuer())).await;
    chromium.press("login-passkey").await;
    chromium.wait_for_url(&format!("{}/account", demo.issuer())).await;
    assert!(chromium.text_of("factors").await.contains("My passkey"), "it is its owner's account");
    chromium.stop().await;
}

/// The portal by single sign-on: tiles, users, and no more than its reader may see.
#[tokio::test]
async fn a_partner_administrator_opens_the_portal_and_its_users() {
    let demo = Demo::start().await;
    let chromium = Chromium::start().await;
    let user = demo.user(|user| user["totp_secret"].is_string() && user["portal_role"] == "administrator").clone();
    chromium.open(demo.portal()).await;
    chromium.picture("login").await;
    sign_in(&chromium, &user).await;
    chromium.wait_for_url(demo.portal()).await;
    chromium.picture("portal-home").await;
    chromium.open(&format!("{}/users", demo.portal())).await;
    assert!(chromium.text("main").await.contains(user["login"].as_str().expect("a login")));
    chromium.picture("portal-users").await;
    chromium.stop().await;
}

async fn set_password(chromium: &Chromium) {
    chromium.type_into("new-password", PASSWORD).await;
    chromium.type_into("new-password-again", PASSWORD).await;
    chromium.press("password-submit").await;
}

/// Walks through forced enrolment with an authenticator app and the recovery codes.
async fn enrol_totp(chromium: &Chromium) {
    if chromium.has("method-totp").await {
        chromium.picture("enrol-choose").await;
        chromium.press("method-totp").await;
    }
    let secret = chromium.text_of("totp-secret").await;
    chromium.picture("enrol-totp").await;
    chromium.type_into("code", &totp(&secret)).await;
    chromium.press("code-submit").await;
    chromium.find("continue").await;
    chromium.picture("recovery-codes").await;
    chromium.press("continue").await;
}

pub async fn sign_in(chromium: &Chromium, user: &Value) {
    chromium.type_into("username", user["login"].as_str().expect("a login")).await;
    chromium.press("login-submit").await;
    chromium.type_into("password", user["password"].as_str().expect("a password")).await;
    chromium.picture("login-password").await;
    chromium.press("login-submit").await;
    let code = totp(user["totp_secret"].as_str().expect("a TOTP secret"));
    chromium.find("login-form").await;
    if chromium.has("method-totp").await {
        chromium.press("method-totp").await;
    }
    chromium.type_into("code", &code).await;
    chromium.picture("login-code").await;
    chromium.press("code-submit").await;
}

/// The code that an authenticator app shows now (RFC 6238).
fn totp(secret: &str) -> String {
    let base32: String = secret.chars().filter(|c| !c.is_whitespace()).collect();
    let seed = totp_rs::Secret::try_from_base32(&base32).expect("base32");
    let totp = totp_rs::Builder::new().with_secret(seed).build_noncompliant();
    totp.generate_current().to_string()
}
