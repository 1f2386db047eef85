//! `sortBy` and `sortOrder` (RFC 7644 §3.4.2.3).

use serde_json::{Value, json};

use super::{ENTERPRISE, Tool, refused};
use crate::support::Castellan;

fn names(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().expect("a list").iter();
    let name = |resource: &Value| resource["userName"].as_str().or(resource["displayName"].as_str()).map(str::to_owned);
    resources.map(|resource| name(resource).expect("a name")).collect()
}

async fn four(tool: &Tool<'_>) {
    for (number, person) in [
        json!({
            "userName": "cid", "displayName": "alpha", "externalId": "b", "title": "Zebra",
            "name": { "familyName": "Ålund" },
            "emails": [{ "value": "z@x.example", "type": "home" }, { "value": "a@x.example", "primary": true }],
        }),
        json!({ "userName": "Ada", "displayName": "Beta", "externalId": "B", ENTERPRISE: { "department": "ops" } }),
        json!({ "userName": "bob", "name": { "familyName": "brown" }, "title": "apple", "emails": [{ "value": "m@x.example" }] }),
        json!({ "userName": "dee", "displayName": "ALPHA", "externalId": "a", ENTERPRISE: { "department": "HR" } }),
    ]
    .into_iter()
    .enumerate()
    {
        tool.castellan.advance(u64::try_from(number).expect("small") + 1);
        tool.post("/Users", &person).await.expect(201);
    }
}

#[tokio::test]
async fn lists_come_in_the_order_that_was_asked_for() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    four(&tool).await;
    for (sort_by, ascending) in [
        // Case does not count, and a missing value comes last.
        ("userName", ["Ada", "bob", "cid", "dee"]),
        ("USERNAME", ["Ada", "bob", "cid", "dee"]),
        ("name.familyName", ["bob", "cid", "Ada", "dee"]),
        ("displayName", ["cid", "dee", "Ada", "bob"]),
        // caseExact.
        ("externalId", ["Ada", "dee", "cid", "bob"]),
        ("meta.created", ["cid", "Ada", "bob", "dee"]),
        ("meta.lastModified", ["cid", "Ada", "bob", "dee"]),
        ("id", ["cid", "Ada", "bob", "dee"]),
        // The primary value, or the first; a complex attribute is sorted by its value.
        ("emails.value", ["cid", "bob", "Ada", "dee"]),
        ("emails", ["cid", "bob", "Ada", "dee"]),
        // What no column holds.
        ("title", ["bob", "cid", "Ada", "dee"]),
        (&format!("{ENTERPRISE}:department"), ["dee", "Ada", "cid", "bob"]),
    ] {
        let list = tool.get(&format!("/Users?sortBy={sort_by}")).await.expect(200);
        assert_eq!(names(&list), ascending, "{sort_by}");
        let list = tool.get(&format!("/Users?sortBy={sort_by}&sortOrder=descending")).await.expect(200);
        assert_eq!(names(&list), ascending.into_iter().rev().collect::<Vec<_>>(), "{sort_by} descending");
        let page = tool.get(&format!("/Users?sortBy={sort_by}&startIndex=2&count=2")).await.expect(200);
        assert_eq!(names(&page), ascending[1..3], "{sort_by}, a page");
        assert_eq!(page["totalResults"], 4);
    }
    let filtered = tool.get("/Users?sortBy=userName&sortOrder=Descending&filter=displayName+pr").await.expect(200);
    assert_eq!(names(&filtered), ["dee", "cid", "Ada"]);
    let filtered = tool.get("/Users?sortBy=title&filter=userName+ne+%22x%22+and+title+pr").await.expect(200);
    assert_eq!(names(&filtered), ["bob", "cid"]);
}

#[tokio::test]
async fn an_order_that_is_none_is_refused() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    refused(&tool.get("/Users?sortBy=shoeSize").await, 400, "invalidPath");
    refused(&tool.get("/Users?sortBy=name").await, 400, "invalidPath");
    refused(&tool.get("/Users?sortBy=password").await, 400, "invalidPath");
    refused(&tool.get("/Users?sortBy=userName&sortOrder=sideways").await, 400, "invalidValue");
}

/// A search over several types is one list, sorted as one; what a type does not have comes last.
#[tokio::test]
async fn several_types_are_sorted_as_one_list() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    four(&tool).await;
    tool.group("Aardvarks", &[]).await;
    tool.group("zebras", &[]).await;
    let search = |more: Value| {
        let mut body = json!({ "sortBy": "displayName" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let list = tool.post("/.search", &search(json!({}))).await.expect(200);
    let sorted = ["Aardvarks", "cid", "dee", "Ada", "zebras", "bob"];
    assert_eq!((names(&list), &list["totalResults"]), (sorted.map(str::to_owned).to_vec(), &json!(6)));
    let list = tool.post("/.search", &search(json!({ "startIndex": 4, "count": 2 }))).await.expect(200);
    assert_eq!(names(&list), ["Ada", "zebras"]);
    let list = tool.get("?sortBy=userName&sortOrder=descending&count=3").await.expect(200);
    assert_eq!(names(&list)[2], "dee", "groups have no user name and come first");
}
