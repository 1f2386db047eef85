//! Lists, filters and projection (RFC 7644 §3.4.2, §3.9).

use serde_json::{Value, json};

use super::{ENTERPRISE, Tool, at, refused};
use crate::support::Castellan;

fn names(list: &Value) -> Vec<&str> {
    let resources = list["Resources"].as_array().expect("a list");
    resources
        .iter()
        .map(|resource| resource["userName"].as_str().or(resource["displayName"].as_str()).expect("a name"))
        .collect()
}

fn encoded(filter: &str) -> String {
    form_urlencoded::byte_serialize(filter.as_bytes()).collect()
}

/// What few share is read at once, what many share in pages: both are told whole.
#[tokio::test]
async fn a_lookup_finds_all_who_share_a_value_however_many() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for number in 0..25 {
        let shared = if number < 9 { "few@shared.example" } else { "many@shared.example" };
        let emails = json!([{ "value": shared, "type": "other" }]);
        let person = json!({ "userName": format!("person{number:02}"), "emails": emails });
        tool.post("/Users", &person).await.expect(201);
    }
    for (address, total) in [("few@shared.example", 9), ("many@shared.example", 16)] {
        let query = format!("/Users?filter=emails.value%20eq%20%22{address}%22");
        let all = tool.get(&query).await.expect(200);
        assert_eq!((all["totalResults"].as_u64(), all["itemsPerPage"].as_u64()), (Some(total), Some(total)));
        let page = tool.get(&format!("{query}&count=4&startIndex=5")).await.expect(200);
        assert_eq!(page["totalResults"].as_u64(), Some(total));
        assert_eq!(page["Resources"].as_array().expect("a page"), &all["Resources"].as_array().expect("all")[4..8]);
    }
}

#[tokio::test]
async fn pages_are_counted_from_one_and_stay_in_order() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for number in 0..7 {
        tool.person(&format!("person-{number}")).await;
        castellan.advance(1);
    }
    for (query, start, expected) in [
        ("", 1, (0..7).collect::<Vec<_>>()),
        ("?startIndex=1&count=2", 1, vec![0, 1]),
        ("?startIndex=3&count=2", 3, vec![2, 3]),
        ("?startIndex=7&count=100", 7, vec![6]),
        ("?startIndex=8", 8, vec![]),
        ("?startIndex=0&count=1", 1, vec![0]),
        ("?startIndex=-5&count=1", 1, vec![0]),
        ("?count=0", 1, vec![]),
        ("?count=-1", 1, vec![]),
        ("?count=100000", 1, (0..7).collect()),
        // OneLogin ends URLs so.
        ("?", 1, (0..7).collect()),
        ("?count=1&", 1, vec![0]),
    ] {
        let list = tool.get(&format!("/Users{query}")).await.expect(200);
        let expected: Vec<String> = expected.into_iter().map(|number: i32| format!("person-{number}")).collect();
        assert_eq!(names(&list), expected, "{query}");
        assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        assert_eq!((&list["totalResults"], &list["startIndex"]), (&json!(7), &json!(start)), "{query}");
        assert_eq!(list["itemsPerPage"], expected.len());
    }
    refused(&tool.get("/Users?count=many").await, 400, "invalidValue");
}

#[tokio::test]
async fn filters_find_people() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let ada = json!({
        "userName": "Ada@harbour.example", "externalId": "Ab", "displayName": "Ada Ash", "title": "50% off",
        "emails": [{ "value": "ada@work.example", "type": "work" }], ENTERPRISE: { "department": "Sales" },
    });
    let ada = tool.post("/Users", &ada).await.expect(201);
    tool.post("/Users", &json!({ "userName": "bob", "externalId": "b", "active": false })).await.expect(201);
    tool.group("Staff", &[&ada]).await;
    let both = vec!["Ada@harbour.example", "bob"];
    let one = vec!["Ada@harbour.example"];
    let (id, none) = (ada["id"].as_str().expect("an id"), vec![]);
    for (filter, expected) in [
        (r#"userName eq "ADA@HARBOUR.example""#.to_owned(), &one),
        (r#"userName Eq "nobody@harbour.example""#.to_owned(), &none),
        (r#"userName eq "a b""#.to_owned(), &none),
        (r#"externalId eq "Ab""#.to_owned(), &one),
        (r#"externalId eq "ab""#.to_owned(), &none),
        (format!(r#"id eq "{id}""#), &one),
        (r#"id eq "1""#.to_owned(), &none),
        (r#"displayName eq "ada ash""#.to_owned(), &one),
        (r#"userName eq "ada@harbour.example" and externalId eq "Ab""#.to_owned(), &one),
        (r#"userName eq "ada@harbour.example" and externalId eq "b""#.to_owned(), &none),
        (r#"userName eq "bob" or externalId eq "Ab""#.to_owned(), &both),
        (r#"emails[type eq "work"].value eq "ADA@work.example""#.to_owned(), &one),
        (r#"emails co "work""#.to_owned(), &one),
        (r#"active eq true"#.to_owned(), &one),
        (r#"not (active eq true)"#.to_owned(), &vec!["bob"]),
        (r#"title co "0%""#.to_owned(), &one),
        (r#"title co "_""#.to_owned(), &none),
        (format!(r#"{ENTERPRISE}:department eq "sales""#), &one),
        (r#"groups.display eq "Staff""#.to_owned(), &one),
        (r#"meta.created pr and userName pr"#.to_owned(), &both),
        (r#"userName eq "' OR 1=1 --""#.to_owned(), &none),
    ] {
        let list = tool.get(&format!("/Users?filter={}", encoded(&filter))).await.expect(200);
        let mut found = names(&list);
        found.sort_unstable();
        assert_eq!(&found, expected, "{filter}");
        assert_eq!(list["totalResults"], expected.len());
    }
    let list = tool.get(&format!("/Users?startIndex=2&count=1&filter={}", encoded("userName pr"))).await.expect(200);
    assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(2), &json!(1)));
    for (filter, expected) in [
        (r#"displayName eq "STAFF""#, vec!["Staff"]),
        (r#"displayName eq "x""#, vec![]),
        (&format!(r#"members.value eq "{id}""#), vec!["Staff"]),
        (&format!(r#"members eq "{id}""#), vec!["Staff"]),
    ] {
        let list =
            tool.get(&format!("/Groups?excludedAttributes=members&filter={}", encoded(filter))).await.expect(200);
        assert_eq!(names(&list), expected, "{filter}");
    }
}

/// Security.md rows 95 and 96.
#[tokio::test]
async fn filters_that_are_none_are_refused() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    tool.person("ada").await;
    let deep = format!("{}userName pr{}", "(".repeat(1000), ")".repeat(1000));
    for filter in [
        "userName",
        "userName eq",
        "userName eq bob",
        "shoeSize eq 1",
        "password eq \"x\"",
        "password pr",
        "1 eq 1",
        &deep,
    ] {
        refused(&tool.get(&format!("/Users?filter={}", encoded(filter))).await, 400, "invalidFilter");
    }
}

#[tokio::test]
async fn answers_show_the_attributes_that_were_asked_for() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let sent = json!({ "userName": "ada", "name": { "givenName": "A", "familyName": "B" }, "title": "T" });
    let answer = tool.post("/Users?attributes=userName", &sent).await.expect(201);
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&answer), ["schemas", "id", "userName"]);
    let id = answer["id"].as_str().expect("an id");
    let read = tool.get(&format!("/Users/{id}?attributes=name.givenName,title")).await.expect(200);
    assert_eq!(keys(&read), ["schemas", "id", "name", "title"]);
    assert_eq!(read["name"], json!({ "givenName": "A" }));
    let read = tool.get(&format!("/Users/{id}?excludedAttributes=meta,name,id")).await.expect(200);
    assert_eq!(keys(&read), ["schemas", "id", "userName", "title", "active"]);
    let list = tool.get("/Users?attributes=id").await.expect(200);
    assert_eq!(keys(&list["Resources"][0]), ["schemas", "id"]);
    let operations = json!([{ "op": "replace", "path": "title", "value": "U" }]);
    let patched = tool.patch(&format!("/Users/{id}?attributes=title"), operations).await.expect(200);
    assert_eq!(keys(&patched), ["schemas", "id", "title"]);
}

/// RFC 7644 §3.4.3: for filters with personal data.
#[tokio::test]
async fn a_search_by_post_is_a_list() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada").await;
    tool.person("bob").await;
    let search = json!({ "filter": "userName eq \"ADA\"", "attributes": ["userName"], "startIndex": 1, "count": 5 });
    let list = tool.post("/Users/.search", &search).await.expect(200);
    assert_eq!((names(&list), &list["totalResults"]), (vec!["ada"], &json!(1)));
    assert_eq!(list["Resources"][0].get("meta"), None);
    assert_eq!(at(&person), format!("/Users/{}", list["Resources"][0]["id"].as_str().expect("an id")));
    assert_eq!(tool.post("/Groups/.search", &json!({})).await.expect(200)["totalResults"], 0);
    refused(&tool.post("/Users/.search", &json!({ "count": "x" })).await, 400, "invalidValue");
}

/// The same at the root, over all types: users first, then groups, counted together.
#[tokio::test]
async fn a_search_at_the_root_is_over_all_types() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for name in ["ada", "bob", "cyd"] {
        tool.post("/Users", &json!({ "userName": name, "displayName": "Staff" })).await.expect(201);
        castellan.advance(1);
    }
    for name in ["Crew", "Staff"] {
        tool.group(name, &[]).await;
        castellan.advance(1);
    }
    for (search, total, found) in [
        (json!({}), 5, vec!["ada", "bob", "cyd", "Crew", "Staff"]),
        (json!({ "startIndex": 2, "count": 3 }), 5, vec!["bob", "cyd", "Crew"]),
        (json!({ "startIndex": 5, "count": 3 }), 5, vec!["Staff"]),
        (json!({ "startIndex": 6 }), 5, vec![]),
        (json!({ "filter": "displayName eq \"staff\"" }), 4, vec!["ada", "bob", "cyd", "Staff"]),
        (json!({ "filter": "displayName eq \"staff\"", "startIndex": 4 }), 4, vec!["Staff"]),
        (json!({ "filter": "userName eq \"bob\"" }), 1, vec!["bob"]),
        (json!({ "filter": "members pr" }), 0, vec![]),
    ] {
        let list = tool.post("/.search", &search).await.expect(200);
        assert_eq!((names(&list), &list["totalResults"]), (found, &json!(total)), "{search}");
    }
    refused(&tool.post("/.search", &json!({ "filter": "shoeSize pr" })).await, 400, "invalidFilter");
}
