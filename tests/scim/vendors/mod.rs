//! Conversations of real vendors' tools, request by request in their wire form (issue 3, must show 2).
//!
//! Each `.json` file is one tool's cycle, put together from the sources it names and written in our own
//! words; nobody's service was called. A step has the request, the status, and what the answer must hold:
//! members that the file leaves out may be there, lists have the same length. `{name}` stands for what an
//! earlier step has kept from its answer.

use std::collections::BTreeMap;

use castellan::{
    connections::{OnCreate, Vendor},
    id::UserId,
    users,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tool, at, settings};
use crate::support::Castellan;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    vendor: String,
    /// Where each request is described.
    sources: Vec<String>,
    #[serde(default)]
    active_at_once: bool,
    headers: BTreeMap<String, String>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// What the tool is doing.
    what: String,
    /// Method and target below the base URL.
    request: String,
    body: Option<Value>,
    status: u16,
    /// What the answer must hold.
    answer: Option<Value>,
    /// JSON pointers of what it must not have.
    #[serde(default)]
    absent: Vec<String>,
    /// Names for values of the answer, by JSON pointer.
    #[serde(default)]
    keep: BTreeMap<String, String>,
    /// What the accounts of these people must be afterwards; `null` is gone.
    #[serde(default)]
    accounts: BTreeMap<String, Option<String>>,
    /// What the provisioning log must warn of.
    #[serde(default)]
    warnings: Vec<String>,
}

async fn replay(text: &str) {
    let conversation: Conversation = serde_json::from_str(text).expect("a conversation");
    assert!(!conversation.sources.is_empty());
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut settings = settings();
    if conversation.active_at_once {
        settings.on_create = OnCreate::Activate;
    }
    let vendor = conversation.vendor.parse::<Vendor>().expect("a vendor");
    let tool = Tool::with(&castellan, &world.client, vendor, settings).await;
    let mut kept = BTreeMap::from([("base".to_owned(), tool.castellan.app.config.url(&tool.connection.path()))]);
    for (done, step) in conversation.steps.iter().enumerate() {
        replay_step(&tool, &conversation.headers, step, &mut kept, done).await;
        castellan.advance(1);
    }
}

async fn replay_step(
    tool: &Tool<'_>,
    headers: &BTreeMap<String, String>,
    step: &Step,
    kept: &mut BTreeMap<String, String>,
    done: usize,
) {
    let what = &step.what;
    let filled = fill(&step.request, kept);
    let (method, target) = filled.split_once(' ').expect("a method and a target");
    let authorization = format!("Bearer {}", tool.token);
    let mut all: Vec<(&str, &str)> = vec![("authorization", &authorization)];
    all.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let body = step.body.as_ref().map(|body| fill(&body.to_string(), kept)).unwrap_or_default();
    let answer = tool.castellan.request(method, &tool.path(target), &all, body).await;
    assert_eq!(answer.status.as_u16(), step.status, "{what}: {}", answer.body);
    let json = if answer.body.is_empty() { Value::Null } else { answer.json() };
    if let Some(expected) = &step.answer {
        let expected: Value = serde_json::from_str(&fill(&expected.to_string(), kept)).expect("JSON");
        if let Err(difference) = holds(&json, &expected, "") {
            panic!("{what}: {difference}\n{json:#}");
        }
    }
    for pointer in &step.absent {
        assert_eq!(json.pointer(pointer), None, "{what}: {pointer}");
    }
    for (name, pointer) in &step.keep {
        let value = json.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{what}: no {pointer}"));
        kept.insert(name.clone(), value.to_owned());
    }
    for (name, expected) in &step.accounts {
        let id: UserId = kept[name].parse().expect("an id");
        let mut db = tool.castellan.app.store.reader().await.expect("a reader");
        let user = users::find(&mut db, id).await.expect("a read");
        let status = user.map(|user| user.status.as_str().to_owned());
        assert_eq!(&status, expected, "{what}: {name}");
    }
    // V4: whatever a tool asks is in the log.
    let log = tool.log(done + 1).await;
    assert_eq!((log[0].method.as_str(), log[0].status), (method, i64::from(step.status)), "{what}");
    let warnings: Vec<&str> =
        log[0].details.0["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(warnings.len(), step.warnings.len(), "{what}: {warnings:?}");
    for expected in &step.warnings {
        assert!(warnings.iter().any(|warning| warning.starts_with(expected.as_str())), "{what}: {warnings:?}");
    }
}

/// Puts what was kept in the place of `{name}`.
fn fill(text: &str, kept: &BTreeMap<String, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Whether `value` has all of `expected`.
fn holds(value: &Value, expected: &Value, at: &str) -> Result<(), String> {
    match (value, expected) {
        (Value::Object(members), Value::Object(expected)) => expected.iter().try_for_each(|(name, expected)| {
            let member = members.get(name).ok_or_else(|| format!("{at}/{name} is missing"))?;
            holds(member, expected, &format!("{at}/{name}"))
        }),
        (Value::Array(elements), Value::Array(expected)) if elements.len() == expected.len() => {
            let mut pairs = elements.iter().zip(expected).enumerate();
            pairs.try_for_each(|(index, (element, expected))| holds(element, expected, &format!("{at}/{index}")))
        }
        (value, expected) if value == expected => Ok(()),
        (value, expected) => Err(format!("{at} is {value}, not {expected}")),
    }
}

#[tokio::test]
async fn entra_id_without_its_compliance_flag() {
    replay(include_str!("entra.json")).await;
}

#[tokio::test]
async fn entra_id_with_its_compliance_flag() {
    replay(include_str!("entra_compliant.json")).await;
}

#[tokio::test]
async fn okta_with_an_app_of_its_catalogue() {
    replay(include_str!("okta_catalogue.json")).await;
}

#[tokio::test]
async fn okta_with_a_custom_app() {
    replay(include_str!("okta_custom.json")).await;
}

#[tokio::test]
async fn okta_pushing_groups() {
    replay(include_str!("okta_group_push.json")).await;
}

#[tokio::test]
async fn onelogin() {
    replay(include_str!("onelogin.json")).await;
}

#[tokio::test]
async fn jumpcloud_activating() {
    replay(include_str!("jumpcloud.json")).await;
}

#[tokio::test]
async fn tools_that_are_no_vendors() {
    replay(include_str!("generic.json")).await;
}

/// PostHog#47336: a replace of members by the new one only. RFC 7644 §3.5.2.3 has them all replaced, and
/// Okta's full push relies on it.
#[tokio::test]
async fn a_group_that_loses_most_members_at_once_is_warned_of() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let mut people = Vec::new();
    for number in 0..12 {
        people.push(tool.person(&format!("person-{number}")).await);
    }
    let group = tool.group("Staff", &people.iter().collect::<Vec<_>>()).await;
    castellan.advance(1);
    let replace = json!([{ "op": "replace", "path": "members", "value": [{ "value": people[0]["id"] }] }]);
    let after = tool.patch(&at(&group), replace).await.expect(200);
    assert_eq!(after["members"].as_array().map(Vec::len), Some(1));
    let warnings = tool.log(14).await[0].details.0["warnings"].clone();
    assert_eq!(warnings, json!(["members: 11 were removed by one request, more than are left"]));
}
