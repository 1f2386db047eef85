//! Fifty at once on one resource (issue 3, must show 4): no update is lost, nothing fails, and the
//! version moves once for each change that changes something.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Tool, at};
use crate::support::{Answer, Castellan};

const AT_ONCE: usize = 50;

fn version(resource: &Value) -> usize {
    let version = resource["meta"]["version"].as_str().expect("a version");
    version.trim_start_matches("W/").trim_matches('"').parse().expect("a number")
}

fn operations(operations: Value) -> String {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations }).to_string()
}

/// Sends all at once, and answers how many had each status.
async fn at_once(tool: &Tool<'_>, endpoint: &str, bodies: Vec<String>, headers: &[(&str, &str)]) -> Vec<Answer> {
    join_all(bodies.into_iter().map(|body| tool.request("PATCH", endpoint, headers, body))).await
}

fn statuses(answers: &[Answer]) -> BTreeSet<u16> {
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_at_once_all_come() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let mut people = Vec::new();
    for number in 0..AT_ONCE {
        people.push(tool.person(&format!("person-{number}")).await["id"].clone());
    }
    let group = tool.group("Staff", &[]).await;
    let add = |id: &Value| operations(json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]));
    let answers = at_once(&tool, &at(&group), people.iter().map(add).collect(), &[]).await;
    assert_eq!(statuses(&answers), BTreeSet::from([200]), "{:?}", answers.iter().find(|a| a.status != 200));
    let after = tool.get(&at(&group)).await.expect(200);
    assert_eq!(after["members"].as_array().map(Vec::len), Some(AT_ONCE));
    assert_eq!(version(&after), 1 + AT_ONCE, "once for each");
    let versions: BTreeSet<usize> = answers.iter().map(|answer| version(&answer.json())).collect();
    assert_eq!(versions.len(), AT_ONCE, "no two changes have one version");

    // Once more: nothing to change, nothing moves.
    let answers = at_once(&tool, &at(&group), people.iter().map(add).collect(), &[]).await;
    assert_eq!(statuses(&answers), BTreeSet::from([200]));
    assert_eq!(version(&tool.get(&at(&group)).await.expect(200)), 1 + AT_ONCE);

    // Half go while the name changes and others are added again.
    let bodies = people.iter().enumerate().map(|(number, id)| match number % 4 {
        0 | 1 => operations(json!([{ "op": "remove", "path": format!("members[value eq {id}]") }])),
        2 => operations(json!([{ "op": "replace", "path": "displayName", "value": format!("Staff {number}") }])),
        _ => add(id),
    });
    let bodies: Vec<String> = bodies.collect();
    let (removals, renames) = (26, 12);
    let answers = at_once(&tool, &at(&group), bodies, &[]).await;
    assert_eq!(statuses(&answers), BTreeSet::from([200]), "{:?}", answers.iter().find(|a| a.status != 200));
    let after = tool.get(&at(&group)).await.expect(200);
    assert_eq!(after["members"].as_array().map(Vec::len), Some(AT_ONCE - removals));
    assert_eq!(version(&after), 1 + AT_ONCE + removals + renames);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_person_at_once_are_all_kept() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada").await;
    let add = |number: usize| {
        operations(
            json!([{ "op": "add", "path": format!("phoneNumbers[type eq \"line {number}\"].value"), "value": number.to_string() }]),
        )
    };
    for moved in [1 + AT_ONCE, 1 + AT_ONCE] {
        let answers = at_once(&tool, &at(&person), (0..AT_ONCE).map(add).collect(), &[]).await;
        assert_eq!(statuses(&answers), BTreeSet::from([200]), "{:?}", answers.iter().find(|a| a.status != 200));
        let after = tool.get(&at(&person)).await.expect(200);
        let numbers: BTreeSet<&str> = after["phoneNumbers"]
            .as_array()
            .expect("numbers")
            .iter()
            .map(|number| number["value"].as_str().expect("a value"))
            .collect();
        assert_eq!(numbers.len(), AT_ONCE);
        assert_eq!(version(&after), moved, "once for each, and not again for what is there");
    }
}

/// RFC 7644 §3.14: of those who have seen one version, one may change it.
#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_insist_on_a_version_one_wins() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let (person, group) = (tool.person("ada").await, tool.group("Staff", &[]).await);
    let mut people = Vec::new();
    for number in 0..AT_ONCE {
        people.push(tool.person(&format!("person-{number}")).await["id"].clone());
    }
    let titles =
        (0..AT_ONCE).map(|n| operations(json!([{ "op": "replace", "path": "title", "value": n.to_string() }])));
    let members =
        people.iter().map(|id| operations(json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])));
    for (resource, bodies) in [(&person, titles.collect::<Vec<_>>()), (&group, members.collect())] {
        let answers = at_once(&tool, &at(resource), bodies, &[("if-match", "W/\"1\"")]).await;
        assert_eq!(statuses(&answers), BTreeSet::from([200, 412]));
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        let after = tool.get(&at(resource)).await.expect(200);
        assert_eq!(version(&after), 2);
        assert_eq!(after["members"].as_array().map_or(1, Vec::len), 1);
    }
}
