//! The provisioning log (product.md V4): what an administrator finds in it, and what stays out.

use castellan::{background, connections::Vendor};
use serde_json::{Value, json};

use super::{Tool, active_at_once, at};
use crate::{
    api::{Caller, caller, problem},
    support::Castellan,
};

async fn entries(admin: &Caller<'_>, tool: &Tool<'_>, query: &str) -> Vec<Value> {
    let path =
        format!("/organizations/{}/connections/{}/log{query}", tool.connection.organization_id, tool.connection.id);
    admin.get(&path).await.expect(200)["entries"].as_array().expect("entries").clone()
}

#[tokio::test]
async fn each_request_is_found_by_person_outcome_method_and_words() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tool = Tool::new(&castellan, &world.partner).await;
    let ada = json!({ "userName": "ada@brackwater.example", "displayName": "Ada Åsholm", "title": "Clerk" });
    let ada = tool.post("/Users", &ada).await.expect(201);
    tool.patch(&at(&ada), json!([{ "op": "replace", "path": "title", "value": "Lead" }])).await.expect(200);
    tool.patch(&at(&ada), json!([{ "op": "replace", "path": "title", "value": "Lead" }])).await.expect(200);
    tool.post("/Users", &json!({ "userName": "ADA@brackwater.example" })).await.has_status(409);
    tool.get("/Users?filter=userName%20eq%20%22nobody%22").await.expect(200);
    tool.log(5).await;

    let all = entries(&admin, &tool, "").await;
    let outcomes: Vec<&str> = all.iter().map(|entry| entry["outcome"].as_str().expect("a word")).collect();
    assert_eq!(outcomes.len(), 5);
    for outcome in ["changed", "unchanged", "refused", "read"] {
        assert!(outcomes.contains(&outcome), "{outcome}: {outcomes:?}");
    }
    let changed = entries(&admin, &tool, "?outcome=changed&method=PATCH").await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["changes"], json!([{ "attribute": "title", "before": "Clerk", "after": "Lead" }]));
    assert_eq!(changed[0]["name"], "Ada Åsholm");
    let refused = entries(&admin, &tool, "?outcome=refused").await;
    assert_eq!((&refused[0]["status"], &refused[0]["name"]), (&json!(409), &json!("ADA@brackwater.example")));
    assert!(refused[0]["reason"].as_str().expect("a reason").contains("userName"));
    assert_eq!(entries(&admin, &tool, "?q=a%CC%8Asholm").await.len(), 3, "any case, any composition");
    assert_eq!(entries(&admin, &tool, "?q=nobody").await.len(), 1);
    assert_eq!(entries(&admin, &tool, "?q=100%25").await.len(), 0, "a percent sign is itself");
    let id = ada["id"].as_str().expect("an id");
    assert_eq!(entries(&admin, &tool, &format!("?resource={id}")).await.len(), 3);
    let path = format!("/organizations/{}/connections/{}/log", world.partner.id, tool.connection.id);
    assert_eq!(problem(&admin.get(&format!("{path}?outcome=nonsense")).await, 422), "invalid-fields");

    // Pages, each after the last of the one before.
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let page = admin.get(&format!("{path}?limit=2{before}")).await.expect(200);
        seen.extend(page["entries"].as_array().expect("entries").iter().map(|entry| entry["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    assert_eq!(seen, all.iter().map(|entry| entry["id"].clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn no_secret_is_in_the_log() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tool = Tool::with(&castellan, &world.partner, Vendor::Generic, active_at_once()).await;
    let password = "eleven grey geese in a row";
    let body = json!({ "userName": "ada@brackwater.example", "password": password, "title": tool.token.as_str() });
    let ada = tool.post("/Users", &body).await.expect(201);
    tool.patch(&at(&ada), json!([{ "op": "replace", "path": "password", "value": "twelve other geese in a row" }]))
        .await;
    tool.get(&format!("/Users?access_token={}&password=hunter2", tool.token)).await.has_status(200);
    tool.get(&format!("/Users/{}", tool.token)).await.has_status(404);
    let logged = format!("{:?}", tool.log(3).await);
    for secret in [password, "twelve other geese", tool.token.as_str(), "hunter2"] {
        assert!(!logged.contains(secret), "{secret} in {logged}");
    }
    let shown = format!("{:?}", entries(&admin, &tool, "").await);
    assert!(shown.contains("(redacted)") && !shown.contains(&tool.token));
}

#[tokio::test]
async fn removal_takes_the_persons_data_out_of_the_log() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tool = Tool::new(&castellan, &world.partner).await;
    let ada = json!({ "userName": "ada@brackwater.example", "displayName": "Ada Ash" });
    let ada = tool.post("/Users", &ada).await.expect(201);
    tool.delete(&at(&ada)).await.has_status(204);
    let shown = entries(&admin, &tool, "").await;
    assert_eq!(shown.len(), 2);
    assert!(!format!("{shown:?}").contains("Ada Ash") && !format!("{shown:?}").contains("ada@"));
}

#[tokio::test]
async fn the_log_keeps_thirty_days() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.partner).await;
    tool.person("old@brackwater.example").await;
    castellan.advance(29 * 86_400);
    tool.person("young@brackwater.example").await;
    background::settle(&castellan.app).await.expect("settled");
    assert_eq!(tool.log(2).await.len(), 2, "nothing goes early");
    castellan.advance(2 * 86_400);
    background::settle(&castellan.app).await.expect("settled");
    let left = tool.log(1).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].subject, "young@brackwater.example");
}
