//! Our own extension of User: what the connection gives in products, and the state of the account
//! (product.md V2, V5; security.md rows 75 and 98).

use std::sync::Arc;

use castellan::{
    access::{self, Subject},
    connections::{DefaultAssignment, Settings, Vendor, log::Logged},
    id::UserId,
    mfa::{Method, totp},
    organizations::Organization,
    products::Product,
    users,
};
use serde_json::{Value, json};

use super::{CASTELLAN, Tool, USER, active_at_once, at, defaults, refused, settings};
use crate::{
    api::switch_products_on,
    support::{Castellan, Person, World},
};

/// A tool of the partner whose people start as viewers of Recover, and may be given operator, in Relay too.
async fn tool<'c>(castellan: &'c Castellan, world: &World) -> Tool<'c> {
    switch_products_on(castellan, world, &world.partner).await;
    switch_products_on(castellan, world, &world.client).await;
    let mut assignable = defaults(castellan, &world.recover, &["operator"]).await;
    assignable.extend(defaults(castellan, &world.relay, &["operator"]).await);
    let assignable = assignable.into_iter().map(|listed| DefaultAssignment { subtree: true, ..listed }).collect();
    let default_assignments = defaults(castellan, &world.recover, &["viewer"]).await;
    let settings = Settings { default_assignments, assignable, account_state: true, ..active_at_once() };
    Tool::with(castellan, &world.partner, Vendor::Generic, settings).await
}

fn over(organization: &Organization, role: &str, subtree: bool) -> Value {
    json!({ "role": role, "organization": organization.id, "subtree": subtree })
}

fn named(name: &str, assignments: &[Value]) -> Value {
    json!({ "userName": name, CASTELLAN: { "assignments": assignments } })
}

fn assignments(person: &Value) -> Vec<Value> {
    person[CASTELLAN]["assignments"].as_array().cloned().unwrap_or_default()
}

async fn roles(castellan: &Castellan, person: &Value, product: &Product) -> Vec<String> {
    let user: UserId = person["id"].as_str().expect("an id").parse().expect("an id");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let held = access::entitlement(&mut db, Subject::User(user), product.id, castellan.now()).await.expect("a read");
    held.map(|held| held.roles).unwrap_or_default()
}

#[tokio::test]
async fn a_tool_gives_and_takes_what_it_may() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = tool(&castellan, &world).await;
    // Who is not told otherwise has the defaults, and the attribute is unassigned.
    let ada = tool.person("ada").await;
    assert_eq!((&ada["schemas"], ada.get(CASTELLAN)), (&json!([USER]), None));
    assert_eq!(roles(&castellan, &ada, &world.recover).await, ["viewer"]);

    // POST names others in their place; an absent organization is the connection's own.
    let short = json!({ "role": "recover:operator" });
    let bob = tool.post("/Users", &named("bob", &[short, json!({ "role": "relay:operator" })])).await.expect(201);
    let both = [over(&world.partner, "recover:operator", false), over(&world.partner, "relay:operator", false)];
    assert_eq!((&bob["schemas"], assignments(&bob)), (&json!([USER, CASTELLAN]), both.to_vec()));
    assert_eq!(roles(&castellan, &bob, &world.recover).await, ["operator"]);
    assert_eq!(roles(&castellan, &bob, &world.relay).await, ["operator"]);
    let filter = json!({ "filter": "userName eq \"bob\"" });
    assert_eq!(tool.post("/Users/.search", &filter).await.expect(200)["Resources"][0][CASTELLAN], bob[CASTELLAN]);

    // PATCH adds and removes; what is there already changes nothing; without any it is the defaults again.
    let path = format!("{CASTELLAN}:assignments");
    let add = |value: &Value| json!([{ "op": "add", "path": path, "value": [value] }]);
    let below = over(&world.client, "recover:operator", false);
    let patched = tool.patch(&at(&ada), add(&below)).await.expect(200);
    assert_eq!((&patched["meta"]["version"], assignments(&patched)), (&json!("W/\"2\""), vec![below.clone()]));
    assert_eq!(tool.patch(&at(&ada), add(&below)).await.expect(200), patched);
    assert_eq!(roles(&castellan, &ada, &world.recover).await, ["operator"]);
    let patched = tool.patch(&at(&ada), add(&over(&world.partner, "recover:viewer", false))).await.expect(200);
    assert_eq!(assignments(&patched).len(), 2);
    assert_eq!(roles(&castellan, &ada, &world.recover).await, ["operator", "viewer"]);
    let gone = json!([{ "op": "remove", "path": format!("{path}[role eq \"recover:operator\"]") }]);
    let patched = tool.patch(&at(&ada), gone).await.expect(200);
    assert_eq!((patched.get(CASTELLAN), &patched["meta"]["version"]), (None, &json!("W/\"4\"")));
    assert_eq!(roles(&castellan, &ada, &world.recover).await, ["viewer"]);

    // PUT names all of them, or says nothing and leaves them.
    let put = tool.put(&at(&bob), &json!({ "userName": "bob", "title": "x" })).await.expect(200);
    assert_eq!(assignments(&put), both);
    let one = over(&world.partner, "recover:operator", true);
    let put = tool.put(&at(&bob), &named("bob", std::slice::from_ref(&one))).await.expect(200);
    assert_eq!(assignments(&put), [one]);
    assert!(roles(&castellan, &bob, &world.relay).await.is_empty());
    let log = tool.log(1).await;
    let after = |entry: &Logged| entry.details.0["changed"][CASTELLAN]["after"].to_string();
    assert!(log.iter().any(|entry| after(entry).contains("recover:operator")));
    let removed = json!([{ "op": "remove", "path": path }]);
    assert_eq!(tool.patch(&at(&bob), removed).await.expect(200).get(CASTELLAN), None);
    assert_eq!(roles(&castellan, &bob, &world.recover).await, ["viewer"]);
}

/// V5: never an administrator, never more than was listed, never beyond its organization; and nothing of
/// such a request is done.
#[tokio::test]
async fn a_tool_gives_nothing_that_is_not_its_to_give() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let portal = castellan.portal().await;
    let mut greedy = active_at_once();
    greedy.assignable = defaults(&castellan, &portal, &["administrator", "accountant", "basic"]).await;
    let everywhere = defaults(&castellan, &world.recover, &["viewer"]).await.into_iter();
    greedy.assignable.extend(everywhere.map(|listed| DefaultAssignment { subtree: true, ..listed }));
    switch_products_on(&castellan, &world, &world.partner).await;
    let tool = Tool::with(&castellan, &world.partner, Vendor::Generic, greedy).await;
    let ada = tool.person("ada").await;
    for wrong in [
        over(&world.partner, "portal:administrator", false),
        over(&world.partner, "portal:accountant", false),
        over(&world.partner, "recover:operator", false),
        over(&world.partner, "relay:viewer", false),
        over(&world.partner, "portal:basic", false),
        // The client does not have the product.
        over(&world.client, "recover:viewer", false),
        over(&world.other_partner, "recover:viewer", false),
        over(&world.partner, "recover:nothing", false),
        over(&world.partner, "viewer", false),
        json!({ "role": "recover:viewer", "organization": "1" }),
    ] {
        let path = format!("{CASTELLAN}:assignments");
        let add =
            json!([{ "op": "add", "path": "title", "value": "x" }, { "op": "add", "path": path, "value": [wrong] }]);
        refused(&tool.patch(&at(&ada), add).await, 403, "");
        refused(&tool.post("/Users", &named("bob", std::slice::from_ref(&wrong))).await, 403, "");
        refused(&tool.put(&at(&ada), &named("ada", &[wrong])).await, 403, "");
    }
    assert_eq!(tool.get(&at(&ada)).await.expect(200), ada);
    assert_eq!(tool.get("/Users").await.expect(200)["totalResults"], 1);
    tool.post(
        "/Users",
        &named("bob", &[over(&world.partner, "recover:viewer", true), over(&world.partner, "recover:viewer", false)]),
    )
    .await
    .expect(201);
    refused(&tool.post("/Users", &named("cyd", &[json!({ "subtree": true })])).await, 400, "invalidValue");

    // What may be given stands in the schema, for this connection.
    let schema = tool.get(&format!("/Schemas/{CASTELLAN}")).await.expect(200);
    let subs = schema["attributes"][0]["subAttributes"].as_array().expect("a list").clone();
    assert_eq!(subs[0]["canonicalValues"], json!(["recover:viewer"]));
    assert_eq!(subs[1]["canonicalValues"], json!([world.partner.id]));

    // Where nothing was listed the tool gives its defaults and chooses nothing, as the schema says.
    let default_assignments = defaults(&castellan, &world.recover, &["viewer"]).await;
    let fixed = Settings { default_assignments, account_state: true, ..settings() };
    let fixed = Tool::with(&castellan, &world.client, Vendor::Generic, fixed).await;
    let schema = fixed.get(&format!("/Schemas/{CASTELLAN}")).await.expect(200);
    assert!(!schema["attributes"].to_string().contains("assignments"));
    let asked = named("eve", &[json!({ "role": "recover:operator" })]);
    let eve = fixed.post("/Users", &asked).await.expect(201);
    assert_eq!((eve.get(CASTELLAN), roles(&castellan, &eve, &world.recover).await), (None, vec!["viewer".to_owned()]));
    fixed.put(&at(&eve), &asked).await.expect(200);
    let add =
        json!([{ "op": "add", "path": format!("{CASTELLAN}:assignments"), "value": [{ "role": "recover:operator" }] }]);
    refused(&fixed.patch(&at(&eve), add.clone()).await, 400, "invalidPath");
    assert_eq!(roles(&castellan, &eve, &world.recover).await, ["viewer"]);
    assert_eq!(
        fixed.get(&format!("{}?attributes={CASTELLAN}", at(&eve))).await.expect(200)[CASTELLAN]["status"],
        "invited"
    );

    // And where not even the state of accounts is told, there is no such extension.
    let plain = Tool::with(&castellan, &world.client, Vendor::Generic, settings()).await;
    plain.get(&format!("/Schemas/{CASTELLAN}")).await.has_status(404);
    assert!(!plain.get("/ResourceTypes").await.expect(200).to_string().contains(CASTELLAN));
    let ian = plain.post("/Users", &named("ian", &[json!({ "role": "recover:operator" })])).await.expect(201);
    assert!(roles(&castellan, &ian, &world.recover).await.is_empty());
    refused(&plain.patch(&at(&ian), add).await, 400, "invalidPath");
    let asked = plain.get(&format!("{}?attributes={CASTELLAN}:status,userName", at(&ian))).await.expect(200);
    assert_eq!(asked.get(CASTELLAN), None);
}

/// Core roles and entitlements, and the state of the account: true, read-only, and only where asked for.
#[tokio::test]
async fn what_a_person_holds_and_where_they_stand_is_told_on_request() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = tool(&castellan, &world).await;
    let sent = json!({
        "userName": "ada@brackwater.example", "roles": [{ "value": "portal:administrator" }], "entitlements": [{ "value": "x" }],
        CASTELLAN: { "status": "active", "mfa": { "enrolled": true } },
    });
    let ada = tool.post("/Users", &sent).await.expect(201);
    for name in ["roles", "entitlements"] {
        assert_eq!(ada.get(name), None, "only where asked for");
    }
    assert_eq!(ada.get(CASTELLAN), None);
    let user: UserId = ada["id"].as_str().expect("an id").parse().expect("an id");
    castellan.assign(Subject::User(user), &world.relay, &["operator"], world.partner.id).await;
    // What somebody else's organization gives is not this tool's to know.
    castellan.assign(Subject::User(user), &world.relay, &["viewer"], world.other_partner.id).await;

    let all = format!("{}?attributes=roles,entitlements,{CASTELLAN}", at(&ada));
    let asked = tool.get(&all).await.expect(200);
    let value = |name: &str, product: &str| json!({ "value": name, "type": product });
    let mut roles = asked["roles"].as_array().expect("roles").clone();
    roles.sort_by_key(ToString::to_string);
    assert_eq!(roles, [value("recover:viewer", "recover"), value("relay:operator", "relay")]);
    assert!(asked["entitlements"].as_array().expect("a list").contains(&value("recover:jobs:read", "recover")));
    let state = &asked[CASTELLAN];
    assert_eq!(
        (&state["status"], &state["emailVerified"], state.get("lastLogin")),
        (&json!("active"), &json!(false), None)
    );
    assert_eq!(state["mfa"], json!({ "enrolled": false, "required": false }));
    assert!(assignments(&asked).is_empty(), "what others gave is not the tool's");

    for path in
        ["roles".to_owned(), "entitlements".to_owned(), format!("{CASTELLAN}:status"), format!("{CASTELLAN}:mfa")]
    {
        refused(&tool.patch(&at(&ada), json!([{ "op": "add", "path": path, "value": "x" }])).await, 400, "mutability");
    }
    let (keys, now) = (Arc::clone(&castellan.app.master), castellan.now());
    castellan
        .write(async move |tx| {
            users::verify_email(tx, user, now).await?;
            totp::enroll(tx, &keys, user, b"12345678901234567890", now).await
        })
        .await;
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let user = users::find(&mut db, user).await.expect("a read").expect("a user");
    drop(db);
    let person = Person { user, password: String::new() };
    castellan.signed_in_by(&person, &[Method::Totp]).await;
    let state = tool.get(&all).await.expect(200)[CASTELLAN].clone();
    assert_eq!(state["mfa"], json!({ "enrolled": true, "required": false, "methods": ["totp"] }));
    assert!(state["lastLogin"].is_string());
    assert_eq!(state["emailVerified"], true);
    tool.patch(&at(&ada), json!([{ "op": "replace", "path": "active", "value": false }])).await.expect(200);
    assert_eq!(tool.get(&all).await.expect(200)[CASTELLAN]["status"], "deactivated");
}
