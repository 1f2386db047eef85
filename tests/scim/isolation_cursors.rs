//! A cursor is good for the list it was made for, of its own connection, and for nothing else (security.md
//! rows 91, 93; RFC 9865 §3; issue 3, must show 6).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Tool,
    isolation::{Side, id, tells_nothing},
    refused,
};
use crate::support::{Answer, Castellan};

/// Every kind of list: its endpoint and what makes it another one.
const LISTS: [(&str, &str); 9] = [
    ("/Users", ""),
    ("/Users", "filter=displayName%20pr"),
    ("/Users", "filter=emails.value%20pr"),
    ("/Users", "sortBy=displayName"),
    ("/Users", "sortBy=displayName&sortOrder=descending"),
    ("/Groups", ""),
    ("/Groups", "filter=displayName%20pr"),
    ("/Groups", "sortBy=displayName"),
    ("", "filter=displayName%20pr"),
];

async fn page(tool: &Tool<'_>, (endpoint, query): (&str, &str), cursor: &str, count: usize) -> Answer {
    tool.get(&format!("{endpoint}?cursor={cursor}&count={count}&{query}")).await
}

/// All pages of a list, by cursor; each page is judged.
async fn walk(
    tool: &Tool<'_>,
    list: (&str, &str),
    count: usize,
    judge: impl Fn(&Answer),
) -> (Vec<String>, Vec<String>) {
    let (mut found, mut cursors, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let answer = page(tool, list, &cursor, count).await;
        judge(&answer);
        let body = answer.expect(200);
        found.extend(body["Resources"].as_array().into_iter().flatten().map(|resource| id(resource).to_owned()));
        let Some(next) = body.get("nextCursor").and_then(Value::as_str) else { return (found, cursors) };
        next.clone_into(&mut cursor);
        cursors.push(cursor.clone());
        assert!(cursors.len() < 50, "no end: {list:?}");
    }
}

#[tokio::test]
async fn a_cursor_of_one_connection_opens_no_list_of_another() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mine = Side::new(&castellan, &world.client, "harbour").await;
    let others = [
        Side::new(&castellan, &world.other_client, "mill").await,
        // Another tool of the same organization, and one of the organization above.
        Side::new(&castellan, &world.client, "quay").await,
        Side::new(&castellan, &world.partner, "brackwater").await,
    ];
    for list in LISTS {
        let (_, cursors) = walk(&mine.tool, list, 1, |_| ()).await;
        assert!(!cursors.is_empty(), "{list:?}");
        for cursor in &cursors {
            for other in &others {
                for target in LISTS {
                    let answer = page(&other.tool, target, cursor, 1).await;
                    refused(&answer, 400, "invalidCursor");
                    tells_nothing(&answer, &mine, cursor);
                }
                for endpoint in ["/.search", "/Users/.search", "/Groups/.search"] {
                    let answer = other.tool.post(endpoint, &json!({ "cursor": cursor, "count": 1 })).await;
                    refused(&answer, 400, "invalidCursor");
                }
            }
            page(&mine.tool, list, cursor, 1).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_cursor_of_one_list_opens_no_other_list_of_its_connection() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mine = Side::new(&castellan, &world.client, "harbour").await;
    for list in LISTS {
        let (_, cursors) = walk(&mine.tool, list, 1, |_| ()).await;
        for cursor in &cursors {
            for target in LISTS.into_iter().filter(|target| *target != list) {
                let answer = page(&mine.tool, target, cursor, 1).await;
                assert_eq!(answer.status.as_u16(), 400, "{list:?} at {target:?}: {}", answer.body);
                refused(&answer, 400, "invalidCursor");
            }
        }
    }
}

#[tokio::test]
async fn paging_through_everything_shows_ones_own_and_nothing_else() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    // In turns, so that the rows of all lie between one another.
    let mine = Side::new(&castellan, &world.client, "harbour").await;
    let other = Side::new(&castellan, &world.other_client, "mill").await;
    let near = Side::new(&castellan, &world.client, "quay").await;
    for name in ["late-0", "late-1"] {
        for side in [&mine, &other, &near] {
            side.tool.person(&format!("{name}-{}", side.tool.connection.id)).await;
        }
    }
    let own: BTreeSet<String> = mine.everything().map(|resource| id(resource).to_owned()).collect();
    for list in LISTS {
        for count in [1, 2, 200] {
            let judge = |answer: &Answer| {
                for side in [&other, &near] {
                    tells_nothing(answer, side, &format!("{list:?}"));
                }
            };
            let (found, _) = walk(&mine.tool, list, count, judge).await;
            let distinct: BTreeSet<String> = found.iter().cloned().collect();
            assert_eq!(distinct.len(), found.len(), "{list:?}: nobody twice");
            let late = distinct.difference(&own).count();
            assert!(late == 0 || late == 2, "{list:?}: one's own late ones or none: {late}");
            for id in distinct.difference(&own) {
                let person = mine.tool.get(&format!("/Users/{id}")).await.expect(200);
                assert!(person["userName"].as_str().expect("a name").starts_with("late-"));
            }
        }
    }
    let (users, _) = walk(&mine.tool, LISTS[0], 2, |_| ()).await;
    assert_eq!(users.len(), 5);
}
