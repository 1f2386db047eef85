//! The mass-change guard, as the administrator sees it (product.md V1, V3; issue 3, must show 5).

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{chromium::Chromium, demo::Demo, story::sign_in};

const PEOPLE: usize = 500;
/// 60 % of them.
const LEAVERS: usize = 300;

/// An administrator connects a tool in a minute; its export would deactivate 60 % of 500 people, is held with
/// nothing changed, and one click lets it through.
#[tokio::test]
async fn an_export_that_would_deactivate_most_people_is_held_until_one_click() {
    let demo = Demo::start().await;
    let chromium = Chromium::start().await;
    let user = demo.user(|user| user["totp_secret"].is_string() && user["portal_role"] == "administrator").clone();
    chromium.open(&format!("{}/connections", demo.portal())).await;
    sign_in(&chromium, &user).await;
    chromium.wait_for_url(demo.portal()).await;
    chromium.open(&format!("{}/connections", demo.portal())).await;
    chromium.picture("connections").await;
    let connection = connect(&chromium).await;

    let staff = hire(&demo, &connection).await;
    chromium.client.refresh().await.expect("the page again");
    chromium.picture("connection").await;
    let statuses = leave(&demo, &connection, &staff[..LEAVERS]).await;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 409).count() >= LEAVERS - PEOPLE / 5);
    assert_eq!(active(&demo, &connection).await, PEOPLE, "nothing changed");

    chromium.open(connection["page"].as_str().expect("a page")).await;
    let held = chromium.text_of("held-h").await;
    assert_eq!(held, format!("Held: this run would deactivate {LEAVERS} users of {PEOPLE}"));
    chromium.picture("connection-held").await;
    chromium
        .find("held-change")
        .await
        .find(fantoccini::Locator::Css("summary"))
        .await
        .expect("a fold")
        .click()
        .await
        .expect("it opens");
    assert!(chromium.text_of("held-people").await.contains("Person 7"));
    chromium.picture("connection-held-people").await;
    chromium.open(&format!("{}/log?outcome=held", connection["page"].as_str().expect("a page"))).await;
    chromium.picture("connection-log").await;

    chromium.open(connection["page"].as_str().expect("a page")).await;
    chromium.press("held-release").await;
    assert!(chromium.text_of("toast").await.contains("let through"));
    assert!(!chromium.has("held-change").await);
    chromium.picture("connection-released").await;
    assert_eq!(active(&demo, &connection).await, PEOPLE - LEAVERS);
    chromium.stop().await;
}

/// Makes the connection by the form, without a limit of requests, and answers what a tool needs of it.
async fn connect(chromium: &Chromium) -> Value {
    chromium.press("create-connection").await;
    chromium.picture("connection-new").await;
    chromium.type_into("name", "Peoplehall HR of the northern and the southern branches, with everybody in it").await;
    chromium.find("on-create-activate").await.click().await.expect("a choice");
    chromium.press("create-connection-submit").await;
    let (base, token) = (chromium.text_of("base").await, chromium.text_of("token").await);
    chromium.picture("connection-made").await;
    chromium.press("edit-rules").await;
    let page = chromium.url().await.as_str().trim_end_matches("/rules").to_owned();
    chromium.type_into("rate", "").await;
    chromium.picture("connection-rules").await;
    chromium.press("rules-save").await;
    json!({ "base_url": base, "token": token, "page": page })
}

async fn hire(demo: &Demo, connection: &Value) -> Vec<String> {
    let hired = stream::iter(0..PEOPLE).map(|number| async move {
        let person = json!({
            "userName": format!("person{number}@northern.example"),
            "displayName": format!("Person {number}"),
            "externalId": format!("HR-{number}"),
        });
        let (status, made) = demo.scim(connection, "POST", "/Users", Some(person)).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().expect("an id").to_owned()
    });
    hired.buffered(8).collect().await
}

/// One request for each, as tools send them.
async fn leave(demo: &Demo, connection: &Value, staff: &[String]) -> Vec<u16> {
    let left = stream::iter(staff).map(|id| async move {
        let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        demo.scim(connection, "PATCH", &format!("/Users/{id}"), Some(body)).await.0
    });
    left.buffered(4).collect().await
}

async fn active(demo: &Demo, connection: &Value) -> usize {
    let (_, list) = demo.scim(connection, "GET", "/Users?filter=active%20eq%20true&count=0", None).await;
    usize::try_from(list["totalResults"].as_u64().expect("a total")).expect("a number")
}
