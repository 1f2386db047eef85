//! Paging by cursor (RFC 9865).

use serde_json::{Value, json};

use super::{Tool, refused};
use crate::support::Castellan;

async fn people(tool: &Tool<'_>, count: usize) {
    for number in 0..count {
        tool.post("/Users", &json!({ "userName": format!("person-{number}"), "title": format!("T{}", number % 2) }))
            .await
            .expect(201);
        tool.castellan.advance(1);
    }
}

fn ids(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().expect("a list").iter();
    resources.map(|resource| resource["id"].as_str().expect("an id").to_owned()).collect()
}

/// Follows the cursors to the end; answers the ids of each page.
async fn walk(tool: &Tool<'_>, endpoint: &str, query: &str) -> Vec<Vec<String>> {
    let (mut cursor, mut pages) = (String::new(), Vec::new());
    loop {
        let list = tool.get(&format!("{endpoint}?cursor={cursor}&{query}")).await.expect(200);
        assert_eq!(list["itemsPerPage"], ids(&list).len());
        assert_eq!(list.get("startIndex"), None);
        pages.push(ids(&list));
        assert!(pages.len() < 100, "no end");
        let Some(next) = list.get("nextCursor") else { return pages };
        next.as_str().expect("text").clone_into(&mut cursor);
        // RFC 3986 §2.3: unreserved characters, so that it needs no escaping.
        assert!(cursor.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)), "{cursor}");
    }
}

#[tokio::test]
async fn cursors_lead_through_the_whole_list_and_end_with_it() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    people(&tool, 7).await;
    let all = ids(&tool.get("/Users").await.expect(200));
    for (count, sizes) in [(3, vec![3, 3, 1]), (7, vec![7]), (1, vec![1; 7]), (200, vec![7])] {
        let pages = walk(&tool, "/Users", &format!("count={count}")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{count}");
        assert_eq!(pages.concat(), all);
    }
    let first = tool.get("/Users?cursor&count=2").await.expect(200);
    assert_eq!(first["totalResults"], 7);
    for (query, found) in [
        ("filter=userName+sw+%22PERSON%22&count=2", 7),
        ("filter=title+eq+%22t0%22&count=2", 4),
        ("filter=userName+eq+%22person-3%22&count=2", 1),
        ("filter=userName+eq+%22nobody%22&count=2", 0),
        ("sortBy=userName&sortOrder=descending&count=2", 7),
        ("sortBy=displayName&count=3", 7),
        ("sortBy=title&count=3", 7),
        ("sortBy=title&filter=title+eq+%22T1%22&count=2", 3),
    ] {
        let in_one = ids(&tool.get(&format!("/Users?{}", query.replace("count=", "x="))).await.expect(200));
        let pages = walk(&tool, "/Users", query).await.concat();
        assert_eq!((pages.len(), pages), (found, in_one), "{query}");
    }
    assert_eq!(castellan.get(&tool.path("/Users?cursor")).await.status.as_u16(), 401);
}

/// A resource that comes or goes between two pages moves no other.
#[tokio::test]
async fn what_comes_and_goes_between_pages_moves_nothing() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    people(&tool, 6).await;
    let all = ids(&tool.get("/Users").await.expect(200));
    let first = tool.get("/Users?cursor=&count=3").await.expect(200);
    tool.delete(&format!("/Users/{}", all[0])).await.has_status(204);
    tool.delete(&format!("/Users/{}", all[2])).await.has_status(204);
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let second = tool.get(&format!("/Users?cursor={cursor}&count=3")).await.expect(200);
    assert_eq!(ids(&second), all[3..]);
    assert_eq!(tool.get("/Users?count=0").await.expect(200)["totalResults"], 4);
}

#[tokio::test]
async fn cursors_go_through_several_types() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    people(&tool, 4).await;
    for name in ["A", "B", "C"] {
        tool.group(name, &[]).await;
    }
    for more in
        [json!({}), json!({ "sortBy": "meta.created" }), json!({ "sortBy": "displayName", "sortOrder": "descending" })]
    {
        let mut body = json!({ "count": 2, "cursor": "" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let mut whole = body.clone();
        whole.as_object_mut().expect("an object").retain(|name, _| name.starts_with("sort"));
        let whole = ids(&tool.post("/.search", &whole).await.expect(200));
        let mut found = Vec::new();
        loop {
            let list = tool.post("/.search", &body).await.expect(200);
            assert_eq!(list["totalResults"], 7);
            found.extend(ids(&list));
            let Some(next) = list.get("nextCursor") else { break };
            body["cursor"] = next.clone();
        }
        assert_eq!(found, whole, "{more}");
        assert_eq!(found.len(), 7);
    }
}

/// RFC 9865 §3; must show 6 of the provisioning issue: one connection's cursor opens nothing for another.
#[tokio::test]
async fn cursors_of_others_altered_ones_and_old_ones_are_refused() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.partner).await;
    people(&tool, 3).await;
    let next = |list: Value| list["nextCursor"].as_str().expect("a cursor").to_owned();
    let cursor = next(tool.get("/Users?cursor&count=1").await.expect(200));
    refused(&other.get(&format!("/Users?cursor={cursor}&count=1")).await, 400, "invalidCursor");
    for (place, changed) in [(3, 'A'), (20, 'B'), (cursor.len() - 4, 'C')] {
        let mut altered: Vec<char> = cursor.chars().collect();
        altered[place] = if altered[place] == changed { 'x' } else { changed };
        let altered: String = altered.into_iter().collect();
        refused(&tool.get(&format!("/Users?cursor={altered}&count=1")).await, 400, "invalidCursor");
    }
    refused(&tool.get("/Users?cursor=x&count=1").await, 400, "invalidCursor");
    // Another list than the one it was made for.
    for query in ["filter=active+eq+true", "sortBy=userName", "sortOrder=descending"] {
        refused(&tool.get(&format!("/Users?cursor={cursor}&count=1&{query}")).await, 400, "invalidCursor");
    }
    refused(&tool.get(&format!("/Groups?cursor={cursor}&count=1")).await, 400, "invalidCursor");
    // The size of a page and what is shown of it are no part of the list.
    tool.get(&format!("/Users?cursor={cursor}&count=2&attributes=userName")).await.expect(200);
    for count in ["0", "-1", "201", "many"] {
        refused(&tool.get(&format!("/Users?cursor&count={count}")).await, 400, "invalidCount");
    }
    castellan.advance(3599);
    tool.get(&format!("/Users?cursor={cursor}&count=1")).await.expect(200);
    castellan.advance(1);
    refused(&tool.get(&format!("/Users?cursor={cursor}&count=1")).await, 400, "expiredCursor");
}

#[tokio::test]
async fn the_configuration_tells_of_paging_and_sorting() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let configuration = tool.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(configuration["sort"], json!({ "supported": true }));
    let pagination = &configuration["pagination"];
    assert_eq!(pagination["cursor"], true);
    assert_eq!(pagination["index"], true);
    assert_eq!(pagination["defaultPaginationMethod"], "index");
    assert_eq!((&pagination["defaultPageSize"], &pagination["maxPageSize"]), (&json!(100), &json!(200)));
    assert_eq!(pagination["cursorTimeout"], 3600);
}
