//! A dry run answers as if, logs what would change, and changes nothing (issue 3, item 6).

use castellan::connections::Vendor;
use serde_json::{Value, json};

use super::{Tool, at, mails, refused, settings};
use crate::{api::caller, support::Castellan};

#[tokio::test]
async fn a_dry_run_answers_as_if_and_changes_nothing() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tool = Tool::with(&castellan, &world.partner, Vendor::Generic, settings()).await;
    let ada = tool.person("ada@brackwater.example").await;
    let staff = tool.group("Staff", &[&ada]).await;
    let ada = tool.get(&at(&ada)).await.expect(200);
    let path = format!("/organizations/{}/connections/{}", world.partner.id, tool.connection.id);
    admin.send("PATCH", &path, &json!({ "dry_run": true })).await.expect(200);
    mails(&castellan).await;

    let made =
        tool.post("/Users", &json!({ "userName": "eve@brackwater.example", "title": "Clerk" })).await.expect(201);
    assert_eq!(made["title"], "Clerk");
    refused(&tool.get(&at(&made)).await, 404, "");
    let ended = tool.patch(&at(&ada), json!([{ "op": "replace", "path": "active", "value": false }])).await.expect(200);
    assert_eq!(ended["active"], false);
    tool.patch(&at(&staff), json!([{ "op": "replace", "path": "displayName", "value": "Crew" }])).await.expect(200);
    tool.delete(&at(&staff)).await.has_status(204);
    tool.delete(&at(&ada)).await.has_status(204);
    refused(&tool.post("/Users", &json!({ "userName": "ADA@brackwater.example" })).await, 409, "uniqueness");
    assert_eq!(tool.get(&at(&ada)).await.expect(200), ada);
    assert_eq!(tool.get(&at(&staff)).await.expect(200), staff);
    assert!(mails(&castellan).await.is_empty(), "nobody is invited or told");

    tool.log(11).await;
    let log = admin.get(&format!("{path}/log?outcome=rehearsed")).await.expect(200);
    let methods: Vec<&Value> =
        log["entries"].as_array().expect("entries").iter().map(|entry| &entry["method"]).collect();
    assert_eq!(methods.len(), 5, "{log}");
    let would = admin.get(&format!("{path}/log?outcome=rehearsed&method=POST")).await.expect(200);
    let title = json!({ "attribute": "title", "before": null, "after": "Clerk" });
    assert!(would["entries"][0]["changes"].as_array().expect("changes").contains(&title));

    admin.send("PATCH", &path, &json!({ "dry_run": false })).await.expect(200);
    tool.person("eve@brackwater.example").await;
}
