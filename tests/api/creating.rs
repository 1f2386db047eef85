//! Making people (P2, P4): one request, every fault at once, a mail with the link and nothing of it elsewhere.

use castellan::organizations::Policy;
use serde_json::json;

use super::{caller, delivered, problem, somebody, switch_products_on};
use crate::support::Castellan;

/// P2, P3: the person is invited with the roles asked for, and the link leaves by mail alone (row 147).
#[tokio::test]
async fn a_created_person_is_invited_by_mail() {
    let castellan = Castellan::start_with(|config| config.demo = true).await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world, &world.partner).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let users = format!("/organizations/{}/users", world.partner.id);
    let new = json!({
        "given_name": "  Tomasz ", "family_name": "Nowicki", "email": "Tomasz@brackwater.example",
        "portal_role": "basic",
        "products": [{ "slug": "recover", "roles": ["operator", "viewer"], "subtree": true }],
    });
    let answer = admin.send("POST", &users, &new).await;
    let made = answer.expect(201);
    assert_eq!(made["status"], "invited");
    assert_eq!(made["display_name"], "Tomasz Nowicki");
    assert_eq!(made["portal_role"]["slug"], "basic");
    let recover = made["access"].as_array().expect("access").iter().find(|one| one["product"]["slug"] == "recover");
    assert_eq!(recover.expect("the product")["roles"].as_array().map(Vec::len), Some(2));
    assert_eq!(recover.expect("the product")["subtree"], true);
    assert!(answer.header("location").ends_with(made["id"].as_str().expect("an id")));

    let mails = delivered(&castellan).await;
    assert_eq!(mails[0].to, "Tomasz@brackwater.example");
    let link = &mails[0].links[0];
    assert!(link.starts_with("http://localhost:8080/login/activate?token="), "{link}");
    let token = link.split('=').next_back().expect("a token");
    for path in
        [users.clone(), format!("{users}?status=invited"), format!("{users}/{}", made["id"].as_str().expect("id"))]
    {
        assert!(!admin.get(&path).await.body.contains(token));
    }
    assert!(!answer.body.contains(token));

    let list = admin.get(&format!("{users}?status=invited")).await.expect(200);
    assert_eq!(list["counts"], json!({ "active": 1, "invited": 1, "deactivated": 0 }));
    assert_eq!(list["users"][0]["login_name"], "Tomasz@brackwater.example");

    // I3: another link, and the old one is dead.
    admin.post(&format!("{users}/{}/invite", made["id"].as_str().expect("an id"))).await.has_status(204);
    let again = delivered(&castellan).await;
    assert_eq!(again.len(), 2);
    assert_ne!(again[0].links, again[1].links);
}

/// All faults at once, each with its place and what to do; nothing is made.
#[tokio::test]
async fn every_fault_is_told_at_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world, &world.partner).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let users = format!("/organizations/{}/users", world.partner.id);
    let new = json!({
        "given_name": " ", "family_name": "x\u{202e}y", "email": "support@brackwater.example", "portal_role": "king",
        "products": [
            { "slug": "recover", "roles": [] }, { "slug": "relay", "roles": ["emperor"] },
            { "slug": "unknown", "roles": ["viewer"] }, { "slug": "portal", "roles": ["administrator"] },
        ],
    });
    let answer = admin.send("POST", &users, &new).await;
    assert_eq!(problem(&answer, 422), "invalid-fields");
    let errors = answer.json()["errors"].clone();
    let pointers: Vec<&str> =
        errors.as_array().expect("errors").iter().filter_map(|error| error["pointer"].as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/given_name",
            "/family_name",
            "/email",
            "/portal_role",
            "/products/0/roles",
            "/products/1/roles/0",
            "/products/2/slug",
            "/products/3/slug",
        ]
    );
    assert_eq!(errors[2]["code"], "role-address");
    assert_eq!(admin.get(&users).await.expect(200)["counts"]["invited"], 0);
}

/// P4: role addresses are people's nowhere, unless the policy of the organization allows them.
#[tokio::test]
async fn role_addresses_need_a_policy() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let users = format!("/organizations/{}/users", world.partner.id);
    let new = json!({ "given_name": "The", "family_name": "Desk", "email": "support@brackwater.example" });
    admin.send("POST", &users, &new).await.has_status(422);
    let policy = Policy { role_addresses_allowed: Some(true), ..Policy::default() };
    castellan.set_policy(world.partner.id, policy).await;
    admin.send("POST", &users, &new).await.has_status(201);
    assert_eq!(admin.send("POST", &users, &new).await.expect(422)["errors"][0]["code"], "taken");
}

/// Row 30: an address is one address.
#[tokio::test]
async fn one_address_gets_one_mail() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let users = format!("/organizations/{}/users", world.partner.id);
    for email in [
        json!("a@b.example,c@d.example"),
        json!("a@b.example;c@d.example"),
        json!("a@b.example\nBcc: c@d.example"),
        json!("a@b.example\u{0}"),
        json!("<a@b.example>"),
    ] {
        let new = json!({ "given_name": "A", "family_name": "B", "email": email });
        admin.send("POST", &users, &new).await.has_status(422);
    }
    let new = json!({ "given_name": "A", "family_name": "B", "email": ["a@b.example", "c@d.example"] });
    admin.send("POST", &users, &new).await.has_status(400);
}

/// Row 81: nothing can be assigned that is not written down.
#[tokio::test]
async fn unknown_fields_are_refused() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let other = somebody(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    let users = format!("/organizations/{}/users", world.partner.id);
    let path = format!("{users}/{}", other.user.id);
    for field in [
        "id",
        "organization_id",
        "created_at",
        "status",
        "is_admin",
        "password_hash",
        "email_verified",
        "email",
        "mfa",
        "login_name",
        "realm",
        "connection_id",
    ] {
        let answer = admin.send("PATCH", &path, &json!({ "given_name": "X", field: "x" })).await;
        assert_eq!(problem(&answer, 400), "malformed-request", "{field}");
        let new = json!({ "given_name": "A", "family_name": "B", "email": "a@b.example", "extra": 1 });
        admin.send("POST", &users, &new).await.has_status(400);
    }
    assert_eq!(admin.get(&path).await.expect(200)["given_name"], "tomasz");
    admin.send("PATCH", &path, &json!({ "given_name": "Tom" })).await.has_status(200);
    let text = castellan
        .request("PATCH", &format!("/api/v1{path}"), &[("authorization", &format!("Bearer {}", admin.bearer))], "{}")
        .await;
    assert_eq!(problem(&text, 400), "malformed-request");
}

/// Row 114: names are text, wherever they are shown.
#[tokio::test]
async fn names_are_kept_as_they_are() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let users = format!("/organizations/{}/users", world.partner.id);
    for (index, name) in ["${7*7}", "{{7*7}}", "#{7*7}", "<b>x</b>", "O'Neil & \"Co\"", "=1+1"].iter().enumerate() {
        let new = json!({ "given_name": name, "family_name": "Z", "email": format!("n{index}@b.example") });
        assert_eq!(admin.send("POST", &users, &new).await.expect(201)["given_name"], *name);
    }
}

/// P1: lists are searched in any case, sorted by name and paged by the last one seen.
#[tokio::test]
async fn lists_are_searched_and_paged() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    for login in ["eva", "Ádám", "dora", "bela", "Cecil", "100%", "a_b"] {
        castellan.person(&world.partner, &format!("{login}@brackwater.example")).create().await;
    }
    let users = format!("/organizations/{}/users", world.partner.id);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("{users}?limit=3{after}")).await.expect(200);
        let names = page["users"].as_array().expect("users").iter();
        seen.extend(names.map(|user| user["given_name"].as_str().expect("a name").to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["100%", "a_b", "bela", "Cecil", "dora", "eva", "mara", "Ádám"]);
    let found = async |q: &str| {
        let page = admin.get(&format!("{users}?q={q}")).await.expect(200);
        let users = page["users"].as_array().expect("users").clone();
        users.iter().map(|user| user["given_name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("CECIL@").await, ["Cecil"]);
    assert_eq!(found("%C3%A1d%C3%A1m").await, ["Ádám"]);
    assert_eq!(found("0%25").await, ["100%"], "a percent sign is a percent sign");
    assert_eq!(found("a_b").await, ["a_b"]);
    assert!(found("nobody").await.is_empty());
    admin.get(&format!("{users}?status=removed")).await.has_status(422);
    admin.get(&format!("{users}?limit=x")).await.has_status(400);
}
