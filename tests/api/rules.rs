//! Rules that give roles: whose they are to change, how freshly one must have signed in, and who set them.

use castellan::{access::Subject, mfa::Method};
use serde_json::{Value, json};

use super::{Caller, api_token, bearer, caller, problem, somebody, switch_products_on, token_for_api};
use crate::support::{Answer, Castellan, World};

/// A connection of the partner whose rules an administrator over the whole partner has set, and that administrator.
async fn scene(castellan: &Castellan) -> (World, Caller<'_>, String) {
    let world = castellan.world().await;
    switch_products_on(castellan, &world, &world.partner).await;
    let mara = caller(castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let connections = format!("/organizations/{}/connections", world.partner.id);
    let made = mara.send("POST", &connections, &json!({ "name": "Peoplehall HR" })).await.expect(201);
    let path = format!("{connections}/{}", made["connection"]["id"].as_str().expect("an id"));
    mara.send("PATCH", &path, &rules()).await.has_status(200);
    (world, mara, path)
}

/// Each of them for the client organizations too.
fn rules() -> Value {
    json!({
        "default_products": [{ "slug": "recover", "roles": ["viewer"], "subtree": true }],
        "assignable": [{ "slug": "relay", "roles": ["operator"], "subtree": true }],
        "group_roles": [{ "group": "Crew", "product": "recover", "roles": ["operator", "viewer"], "subtree": true }],
    })
}

/// An administrator of the partner alone, not of its client organizations.
async fn local<'c>(castellan: &'c Castellan, world: &World) -> Caller<'c> {
    let person = somebody(castellan, &world.partner, "lena@brackwater.example", "").await;
    let portal = castellan.portal().await;
    castellan.assign_here(Subject::User(person.user.id), &portal, &["administrator"], world.partner.id).await;
    let bearer = bearer(castellan, &person).await;
    Caller { castellan, person, bearer }
}

/// What the lists of a connection are, without who set them.
fn listed(connection: &Value) -> Value {
    let mut lists = json!({});
    for name in ["default_products", "assignable", "group_roles"] {
        lists[name] = connection[name].clone();
        for rule in lists[name].as_array_mut().expect("a list") {
            let rule = rule.as_object_mut().expect("a rule");
            rule.remove("set_by");
            rule.remove("yours");
        }
    }
    lists
}

/// A rule is refused as one that must stay, and the answer says so.
#[track_caller]
fn must_stay(answer: &Answer) {
    assert_eq!(problem(answer, 403), "not-yours-to-give");
    let errors = answer.json()["errors"].clone();
    let error = errors.as_array().expect("errors").iter().find(|error| error["code"] == "not-yours-to-change");
    let detail = error.unwrap_or_else(|| panic!("{errors}"))["detail"].as_str().expect("a sentence").to_owned();
    assert!(detail.contains("Send it along as it is, or ask an administrator"), "{detail}");
}

#[tokio::test]
async fn whoever_may_not_give_a_rule_neither_changes_it_nor_leaves_it_out() {
    let castellan = Castellan::start().await;
    let (world, mara, path) = scene(&castellan).await;
    let lena = local(&castellan, &world).await;
    let before = mara.get(&path).await.expect(200);
    let seen = lena.get(&path).await.expect(200);
    for name in ["default_products", "assignable", "group_roles"] {
        assert_eq!((&before[name][0]["yours"], &seen[name][0]["yours"]), (&json!(true), &json!(false)), "{name}");
    }
    let weaker = |product: &str, slug: &str| json!([{ slug: product, "roles": ["viewer"] }]);
    for change in [
        json!({ "group_roles": [] }),
        json!({ "group_roles": [{ "group": "Crew", "product": "recover", "roles": ["viewer"], "subtree": false }] }),
        json!({ "group_roles": [{ "group": "crew", "product": "recover", "roles": ["operator", "viewer"], "subtree": true }] }),
        json!({ "assignable": [] }),
        json!({ "assignable": weaker("relay", "slug") }),
        json!({ "default_products": [] }),
        json!({ "default_products": weaker("recover", "slug") }),
    ] {
        must_stay(&lena.send("PATCH", &path, &change).await);
    }
    let crew = lena.send("PATCH", &path, &json!({ "group_roles": [] })).await;
    assert!(crew.body.contains("Crew") && crew.body.contains("recover: operator, viewer"), "{}", crew.body);
    assert_eq!(mara.get(&path).await.expect(200), before);

    // What is absent stays, and what is sent as it is stays with whoever set it, beside what is one's own to set.
    lena.send("PATCH", &path, &json!({ "name": "HR" })).await.has_status(200);
    let mut more = rules();
    let own = json!({ "group": "Desk", "product": "relay", "roles": ["viewer"] });
    more["group_roles"].as_array_mut().expect("a list").insert(0, own);
    more["assignable"].as_array_mut().expect("a list").push(json!({ "slug": "recover", "roles": ["viewer"] }));
    let after = lena.send("PATCH", &path, &more).await.expect(200);
    assert_eq!(after["group_roles"][1]["roles"].as_array().map(Vec::len), Some(2), "one rule, two roles");
    for (rule, who) in [
        (&after["default_products"][0], &mara),
        (&after["assignable"][0], &mara),
        (&after["assignable"][1], &lena),
        (&after["group_roles"][0], &lena),
        (&after["group_roles"][1], &mara),
    ] {
        assert_eq!(rule["set_by"]["id"], json!(who.person.user.id), "{rule}");
        assert_eq!(rule["yours"], who.person.user.id == lena.person.user.id);
    }

    // And what is one's own may go.
    let after = lena.send("PATCH", &path, &rules()).await.expect(200);
    assert_eq!(listed(&after), listed(&before));
    // Neither does a program that gives no roles take them away.
    let program =
        api_token(&castellan, &world.partner, &["portal:connections:read", "portal:connections:manage"]).await;
    let send = async |change: &Value| castellan.json("PATCH", &format!("/api/v1{path}"), &program, change).await;
    must_stay(&send(&json!({ "group_roles": [] })).await);
    send(&rules()).await.has_status(200);
    assert_eq!(listed(&mara.get(&path).await.expect(200)), listed(&before));
    assert_eq!(mara.send("PATCH", &path, &json!({ "group_roles": [] })).await.expect(200)["group_roles"], json!([]));
}

/// M7: a rule gives many people rights at once.
#[tokio::test]
async fn rules_that_give_more_ask_for_a_fresh_sign_in() {
    let castellan = Castellan::start().await;
    let (world, mara, path) = scene(&castellan).await;
    let portal = castellan.portal().await;
    let client = castellan.client(&portal).scopes("openid api").create().await;
    let mut browser = castellan.signed_in_by(&mara.person, &[Method::Totp]).await;
    castellan.advance(16 * 60);
    let old = token_for_api(&client, &mut browser).await;
    let path = format!("/api/v1{path}");
    let before = castellan.json("GET", &path, &old, &Value::Null).await.expect(200);
    let relay = json!({ "slug": "relay", "roles": ["operator", "viewer"], "subtree": true });
    let recover = json!({ "slug": "recover", "roles": ["viewer"], "subtree": true });
    let crew = &rules()["group_roles"][0];
    let more = [
        json!({ "group_roles": [crew, { "group": "Desk", "product": "relay", "roles": ["viewer"] }] }),
        json!({ "assignable": [relay] }),
        json!({ "default_products": [recover, relay] }),
        json!({ "account_state": true }),
    ];
    for change in &more {
        let refused = castellan.json("PATCH", &path, &old, change).await;
        assert_eq!(problem(&refused, 401), "sign-in-too-old", "{change}");
        assert!(refused.header("www-authenticate").contains("insufficient_user_authentication"));
    }
    assert_eq!(castellan.json("GET", &path, &old, &Value::Null).await.expect(200), before);

    let fresh = bearer(&castellan, &mara.person).await;
    for change in &more {
        castellan.json("PATCH", &path, &fresh, change).await.has_status(200);
    }
    // What gives no more needs none, and ending access never does.
    for change in [
        json!({ "name": "HR", "strict": true }),
        json!({ "group_roles": [crew] }),
        rules(),
        json!({ "account_state": false }),
        json!({ "group_roles": [{ "group": "Crew", "product": "recover", "roles": ["viewer"] }] }),
        json!({ "default_products": [], "assignable": [], "group_roles": [] }),
    ] {
        castellan.json("PATCH", &path, &old, &change).await.has_status(200);
    }
    // A program signs in never, and is judged by its permissions.
    let program = ["portal:connections:read", "portal:connections:manage", "portal:users:update"];
    let program = api_token(&castellan, &world.partner, &program).await;
    castellan.json("PATCH", &path, &program, &rules()).await.has_status(200);
}

/// Like an assignment, a rule outlives whoever gave it; so everybody can see who that was, and whether they still could.
#[tokio::test]
async fn a_rule_says_who_set_it_and_when_and_stays_when_they_go() {
    let castellan = Castellan::start().await;
    let (world, mara, path) = scene(&castellan).await;
    let set_at = castellan.now().to_rfc3339();
    let tomasz = caller(&castellan, &world.partner, "tomasz@brackwater.example", "administrator").await;
    let origin = async |who: &Caller<'_>| {
        let connection = who.get(&path).await.expect(200);
        let rule = &connection["group_roles"][0];
        assert_eq!(connection["assignable"][0]["set_by"], rule["set_by"]);
        rule["set_by"].clone()
    };
    let by_mara = json!({
        "kind": "user", "id": mara.person.user.id, "name": mara.person.user.name(), "at": set_at, "still_may": true,
    });
    assert_eq!(origin(&tomasz).await, by_mara);

    castellan.advance(60);
    let people = format!("/organizations/{}/users", world.partner.id);
    let hers = format!("{people}/{}", mara.person.user.id);
    tomasz.send("PUT", &format!("{hers}/products/portal"), &json!({ "roles": ["basic"] })).await.has_status(200);
    let mut demoted = by_mara.clone();
    demoted["still_may"] = json!(false);
    assert_eq!(origin(&tomasz).await, demoted);
    tomasz.post(&format!("{hers}/deactivate")).await.has_status(204);
    assert_eq!(origin(&tomasz).await, demoted);
    tomasz.send("DELETE", &hers, &Value::Null).await.has_status(204);
    let mut removed = demoted.clone();
    removed["name"] = Value::Null;
    assert_eq!(origin(&tomasz).await, removed);
    let rules_now = tomasz.get(&path).await.expect(200);
    assert_eq!(rules_now["group_roles"][0]["roles"].as_array().map(Vec::len), Some(2), "it stays");

    // A rule that is changed is whose it was changed by; the log says what ended, and whose it had been.
    let change = json!({ "group_roles": [{ "group": "Crew", "product": "recover", "roles": ["viewer"] }] });
    tomasz.send("PATCH", &path, &change).await.has_status(200);
    let connection = tomasz.get(&path).await.expect(200);
    assert_eq!(connection["group_roles"][0]["set_by"]["id"], json!(tomasz.person.user.id));
    assert_eq!(connection["group_roles"][0]["set_by"]["at"], castellan.now().to_rfc3339());
    let events = castellan.audited(world.partner.id, "connection.changed").await;
    let details: Vec<Value> =
        events.iter().map(|event| serde_json::from_str(&event.details).expect("details")).collect();
    let crew = |roles: Value, subtree: bool| json!({ "group": "Crew", "product": "recover", "roles": roles, "subtree": subtree });
    let (first, last) = (&details[0]["rules"], &details[1]["rules"]["group_roles"]);
    let mut both = crew(json!(["operator", "viewer"]), true);
    assert_eq!(first["group_roles"]["set"], json!([both]));
    assert_eq!(first["assignable"]["set"], json!([{ "product": "relay", "roles": ["operator"], "subtree": true }]));
    assert_eq!(last["set"], json!([crew(json!(["viewer"]), false)]));
    both["set"] = last["ended"][0]["set"].clone();
    assert_eq!(last["ended"], json!([both]));
    assert_eq!(both["set"]["by"], json!({ "user": mara.person.user.id }));
    assert!(both["set"]["at"].is_number());
}

/// Of somebody above, one learns that there is a rule, and not who they are.
#[tokio::test]
async fn whoever_is_not_yours_to_see_is_not_named() {
    let castellan = Castellan::start().await;
    let (world, mara, path) = scene(&castellan).await;
    let vera = caller(&castellan, &world.provider, "vera@vendor.example", "administrator").await;
    let change = json!({ "assignable": [{ "slug": "relay", "roles": ["viewer"], "subtree": true }] });
    vera.send("PATCH", &path, &change).await.has_status(200);
    let seen = mara.get(&path).await;
    let origin = seen.expect(200)["assignable"][0]["set_by"].clone();
    assert_eq!((&origin["name"], &origin["still_may"]), (&Value::Null, &json!(true)));
    assert!(!seen.body.contains("vera"));

    // A program is named to those who manage programs.
    let program = ["portal:connections:read", "portal:connections:manage", "portal:users:update"];
    let program = api_token(&castellan, &world.partner, &program).await;
    let change = json!({ "assignable": [{ "slug": "relay", "roles": ["operator"], "subtree": true }] });
    castellan.json("PATCH", &format!("/api/v1{path}"), &program, &change).await.has_status(200);
    let origin = mara.get(&path).await.expect(200)["assignable"][0]["set_by"].clone();
    assert_eq!((&origin["kind"], &origin["name"]), (&json!("api_token"), &json!("test")));
}
