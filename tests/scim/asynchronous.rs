//! Requests that are answered before they are performed (RFC 9967 §2.5.1).

use std::collections::BTreeMap;

use castellan::{
    background,
    connections::{Vendor, asynchronous as accepted},
    organizations::Organization,
    secret::Secret,
    webhooks,
};
use serde_json::{Value, json};

use super::{Tool, active_at_once, at, refused, webhooks::Receiver};
use crate::support::{Answer, Castellan, claims};

const LATER: &[(&str, &str)] = &[("prefer", "respond-async")];

impl Tool<'_> {
    /// Sends a bulk request for later and answers its transaction.
    pub async fn bulk_later(&self, operations: Value) -> String {
        self.later("POST", "/Bulk", &bulk(None, operations)).await
    }

    /// Sends any request for later and answers its transaction.
    pub async fn later(&self, method: &str, endpoint: &str, body: &Value) -> String {
        transaction(&self.request(method, endpoint, LATER, body.to_string()).await)
    }

    pub async fn total(&self) -> i64 {
        self.get("/Users?count=0").await.expect(200)["totalResults"].as_i64().expect("a total")
    }
}

fn bulk(fail_on_errors: Option<u32>, operations: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "failOnErrors": fail_on_errors,
        "Operations": operations,
    })
}

pub fn made(user_name: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": user_name, "data": { "userName": user_name } })
}

#[track_caller]
fn transaction(answer: &Answer) -> String {
    answer.has_status(202);
    assert_eq!((answer.body.as_str(), answer.header("preference-applied")), ("", "respond-async"));
    assert!(!answer.header("set-txn").is_empty());
    answer.header("set-txn").to_owned()
}

/// A webhook of the organization.
pub async fn listening(castellan: &Castellan, organization: &Organization) -> Receiver {
    let receiver = Receiver::start().await;
    let (master, id, now) = (castellan.app.master.clone(), organization.id, castellan.now());
    let url = receiver.url.clone();
    castellan
        .write(async move |tx| {
            let secret = Secret::from_text("cst_wh_of_a_test");
            webhooks::insert(tx, &master, (id, url.as_str(), &secret), now).await
        })
        .await;
    receiver
}

/// Everything that is due, once.
pub async fn settle(castellan: &Castellan) {
    background::settle(&castellan.app).await.expect("what is due");
}

/// Which operations have been told of since the last time, by transaction: the subject's URI and the outcome.
pub fn told(receiver: &Receiver) -> BTreeMap<String, (String, Value)> {
    let mut told = BTreeMap::new();
    for (_, _, token) in receiver.take() {
        let said = claims(&token);
        if let Some(outcome) = said["events"].get("urn:ietf:params:scim:event:misc:asyncresp") {
            assert_eq!(said["sub_id"]["format"], "scim");
            let (txn, uri) = (said["txn"].as_str().expect("a txn"), said["sub_id"]["uri"].as_str().expect("a URI"));
            let before = told.insert(txn.to_owned(), (uri.to_owned(), outcome.clone()));
            assert!(before.is_none(), "told of twice: {txn}");
        }
    }
    told
}

/// The statuses of a bulk request, in its order.
pub fn statuses(told: &BTreeMap<String, (String, Value)>, transaction: &str) -> Vec<String> {
    let mut found: Vec<(usize, String)> = told
        .iter()
        .filter_map(|(txn, (_, outcome))| {
            let place = txn.strip_prefix(transaction)?.strip_prefix(':')?.parse().ok()?;
            Some((place, outcome["status"].as_str().expect("a string").to_owned()))
        })
        .collect();
    found.sort();
    assert!(found.iter().enumerate().all(|(expected, (place, _))| expected == *place), "none is missing: {found:?}");
    found.into_iter().map(|(_, status)| status).collect()
}

#[tokio::test]
async fn each_operation_of_an_accepted_bulk_request_is_told_of_when_it_has_ended() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let tool = Tool::new(&castellan, &world.client).await;
    let (bob, cyd) = (tool.person("bob").await, tool.person("cyd").await);
    settle(&castellan).await;
    receiver.take();

    let answer = tool
        .request(
            "POST",
            "/Bulk",
            &[("prefer", "return=minimal, Respond-Async; x=1"), ("accept", "text/html")],
            bulk(
                None,
                json!([
                    { "method": "POST", "path": "/Users", "bulkId": "one", "data": { "userName": "ada", "title": "Boss" } },
                    { "method": "PUT", "path": at(&bob), "version": "W/\"7\"", "data": { "userName": "bob" } },
                    { "method": "PATCH", "path": at(&bob), "data": [{ "op": "replace", "path": "emails[value eq \"canary@x\"].type", "value": "home" }] },
                    { "method": "POST", "path": "/Users", "bulkId": "two", "data": { "userName": "bob" } },
                    { "method": "POST", "path": "/Groups", "bulkId": "staff", "data": { "displayName": "Staff", "members": [{ "value": "bulkId:one" }] } },
                    { "method": "DELETE", "path": at(&cyd) },
                    { "method": "GET", "path": "/Users" },
                ]),
            )
            .to_string(),
        )
        .await;
    let txn = transaction(&answer);
    assert_eq!(answer.header("location"), "", "a bulk request makes no resource of its own");
    assert_eq!(tool.total().await, 2, "nothing is done yet");

    background::settle(&castellan.app).await.expect("what is due");
    let tokens = receiver.take();
    let said: Vec<Value> = tokens.iter().map(|(_, _, token)| claims(token)).collect();
    let shows = |word: &str| said.iter().any(|event| event.to_string().contains(word));
    assert!(!shows("Boss") && !shows("canary"), "no values, not in paths either");
    let outcome = |index: usize| {
        let txn = format!("{txn}:{index}");
        let asynchronous = |event: &&Value| {
            event["txn"] == txn.as_str() && event["events"].get("urn:ietf:params:scim:event:misc:asyncresp").is_some()
        };
        let found: Vec<&Value> = said.iter().filter(asynchronous).collect();
        assert_eq!(found.len(), 1, "one event for operation {index}");
        let uri = found[0]["sub_id"]["uri"].as_str().expect("a URI").to_owned();
        (uri, found[0]["events"]["urn:ietf:params:scim:event:misc:asyncresp"].clone())
    };
    let (uri, one) = outcome(0);
    assert_eq!((&one["method"], &one["bulkId"], &one["status"]), (&json!("POST"), &json!("one"), &json!("201")));
    let ada = tool.get(&uri).await.expect(200);
    assert_eq!((&ada["title"], &ada["meta"]["location"]), (&json!("Boss"), &one["location"]));
    assert_eq!(ada["meta"]["version"], one["version"]);
    assert_eq!(ada["groups"][0]["display"], "Staff", "references are filled");
    assert!(one.get("response").is_none());
    let change = "urn:ietf:params:scim:event:prov:create:notice";
    let is_its_change =
        |event: &&Value| event["events"].get(change).is_some() && event["sub_id"]["uri"] == uri.as_str();
    let provisioned = said.iter().find(is_its_change).expect("the change itself");
    assert_eq!(provisioned["txn"], format!("{txn}:0"), "one transaction");

    let (uri, stale) = outcome(1);
    assert_eq!((uri, &stale["status"], &stale["response"]["status"]), (at(&bob), &json!("412"), &json!("412")));
    assert_eq!(stale["location"], bob["meta"]["location"]);
    let (_, no_target) = outcome(2);
    assert_eq!((&no_target["status"], &no_target["response"]["scimType"]), (&json!("400"), &json!("noTarget")));
    let (uri, taken) = outcome(3);
    assert_eq!((uri.as_str(), &taken["status"]), ("/Users", &json!("409")));
    assert_eq!(taken["response"]["scimType"], "uniqueness");
    assert_eq!(taken["response"]["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert!(taken.get("location").is_none());
    assert_eq!(outcome(4).1["status"], "201");
    assert_eq!((outcome(5).0, outcome(5).1["status"].clone()), (at(&cyd), json!("204")));
    assert_eq!((outcome(6).0.as_str(), outcome(6).1["status"].clone()), ("/Bulk", json!("400")));

    // As the log of a synchronous one, and the answer that was given.
    let log = tool.log(10).await;
    let of =
        |method: &str, status: i64| log.iter().filter(|entry| entry.method == method && entry.status == status).count();
    assert_eq!((of("POST", 202), of("POST", 201), of("PUT", 412), of("DELETE", 204)), (1, 4, 1, 1));
    let answered = log.iter().find(|entry| entry.status == 202).expect("the answer");
    assert_eq!((answered.path.as_str(), &answered.details.0["transaction"]), ("/Bulk", &json!(txn)));
    settle(&castellan).await;
    assert!(told(&receiver).is_empty(), "once");
}

#[tokio::test]
async fn requests_to_one_resource_are_performed_later_too() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let tool = Tool::new(&castellan, &world.client).await;
    let bob = tool.person("bob").await;
    let staff = tool.group("Staff", &[]).await;

    let answer = tool.request("PUT", &at(&bob), LATER, json!({ "userName": "bob", "title": "Lead" }).to_string()).await;
    assert_eq!(answer.header("location"), bob["meta"]["location"].as_str().expect("a location"));
    let put = transaction(&answer);
    let post = tool.later("POST", "/Users", &json!({ "userName": "ada", "nickName": "bulkId:x" })).await;
    let stale = [LATER, &[("if-match", "W/\"77\"")]].concat();
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "displayName", "value": "Crew" }],
    });
    let stale = transaction(&tool.request("PATCH", &at(&staff), &stale, patch.to_string()).await);
    let patch = tool.later("PATCH", &at(&staff), &patch).await;
    let gone = tool.later("DELETE", "/Users/00000000-0000-7000-8000-000000000000", &Value::Null).await;
    let delete = transaction(&tool.request("DELETE", &at(&staff), LATER, String::new()).await);
    settle(&castellan).await;
    let told = told(&receiver);
    let status = |txn: &str| told[txn].1["status"].as_str().expect("a string").to_owned();
    assert_eq!(
        [&put, &post, &stale, &patch, &gone, &delete].map(|txn| status(txn)),
        ["200", "201", "412", "200", "404", "204"]
    );
    let ada = tool.get(&told[&post].0).await.expect(200);
    assert_eq!(ada["nickName"], "bulkId:x", "which is no reference outside of a bulk request");
    assert_eq!(tool.get(&at(&bob)).await.expect(200)["title"], "Lead");
    refused(&tool.get(&at(&staff)).await, 404, "");

    // Reads, and what has a condition that only an immediate answer can meet, are answered.
    tool.request("GET", "/Users", LATER, String::new()).await.has_status(200);
    tool.request("POST", "/Users/.search", LATER, "{}".to_owned()).await.has_status(200);
    let conditional = [LATER, &[("if-none-match", "W/\"77\"")]].concat();
    tool.request("DELETE", &at(&bob), &conditional, String::new()).await.has_status(204);
}

#[tokio::test]
async fn where_nobody_would_be_told_the_answer_is_the_usual_one() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.other_partner).await;
    let tool = Tool::new(&castellan, &world.client).await;
    let answer = tool.request("POST", "/Bulk", LATER, bulk(None, json!([made("ada")])).to_string()).await;
    assert_eq!(answer.expect(200)["Operations"][0]["status"], "201");
    let single = tool.request("POST", "/Users", LATER, json!({ "userName": "bob" }).to_string()).await;
    assert_eq!(single.expect(201)["userName"], "bob");
    for answer in [answer, single] {
        assert_eq!((answer.header("preference-applied"), answer.header("set-txn")), ("", ""));
    }
    settle(&castellan).await;
    assert!(receiver.take().is_empty());
    let configuration = tool.get("/ServiceProviderConfig").await.expect(200);
    assert!(configuration.get("securityEvents").is_none(), "it is not configured for events");

    let other = Tool::new(&castellan, &world.other_partner).await;
    let events = other.get("/ServiceProviderConfig").await.expect(200)["securityEvents"].clone();
    assert_eq!(events["asyncRequest"], "request");
    let uris = events["eventUris"].as_array().expect("URIs");
    assert!(uris.contains(&json!("urn:ietf:params:scim:event:misc:asyncresp")));
    assert!(uris.contains(&json!("urn:ietf:params:scim:event:prov:patch:notice")));
}

#[tokio::test]
async fn what_is_wrong_with_the_request_itself_is_said_at_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let tool = Tool::new(&castellan, &world.client).await;
    let bob = tool.person("bob").await;
    let send = async |method: &str, endpoint: &str, body: String| tool.request(method, endpoint, LATER, body).await;
    refused(&send("POST", "/Bulk", "{".to_owned()).await, 400, "invalidSyntax");
    refused(&send("POST", "/Bulk", json!({ "Operations": 1 }).to_string()).await, 400, "invalidSyntax");
    let many = bulk(None, Value::Array(vec![made("ada"); 1001]));
    refused(&send("POST", "/Bulk", many.to_string()).await, 413, "");
    refused(&send("POST", "/Bulk", " ".repeat(3 << 20)).await, 413, "");
    refused(&send("POST", "/Users", "{}".to_owned()).await, 400, "invalidValue");
    refused(&send("POST", "/Nothing", "{}".to_owned()).await, 404, "");
    refused(&send("PUT", &at(&bob), "[]".to_owned()).await, 400, "invalidSyntax");
    let wrong = json!({ "Operations": [{ "op": "explode", "path": "title" }] });
    refused(&send("PATCH", &at(&bob), wrong.to_string()).await, 400, "invalidSyntax");
    let nobody = Tool { castellan: &castellan, connection: tool.connection.clone(), token: "x".to_owned() };
    refused(&nobody.request("POST", "/Bulk", LATER, bulk(None, json!([])).to_string()).await, 401, "");
    assert!(castellan.database.accepted_requests().await.is_empty());
    settle(&castellan).await;
    assert!(told(&receiver).is_empty());
    assert_eq!(tool.total().await, 1);
}

#[tokio::test]
async fn what_is_kept_of_a_request_is_sealed_and_goes_when_it_is_done() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let tool = Tool::with(&castellan, &world.client, Vendor::Generic, active_at_once()).await;
    let secret = "correct-horse-battery-canary-9";
    let person = json!({ "userName": "ada", "password": secret });
    let operation = json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": person });
    let txn = tool.bulk_later(json!([operation])).await;
    let kept = castellan.database.accepted_requests().await;
    assert_eq!(kept.len(), 1);
    let is_readable = |kept: &Vec<u8>| {
        let text = String::from_utf8_lossy(kept).into_owned();
        [secret, "userName", "ada"].into_iter().any(|word| text.contains(word))
    };
    assert!(!kept.iter().any(is_readable));
    settle(&castellan).await;
    assert!(castellan.database.accepted_requests().await.is_empty());
    assert_eq!(statuses(&told(&receiver), &txn), ["201"]);
    assert!(tool.log(2).await.iter().all(|entry| !entry.details.0.to_string().contains(secret)));
}

#[tokio::test]
async fn requests_of_one_connection_keep_their_order_and_too_many_are_refused() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.client).await;
    let bob = tool.person("bob").await;
    let retitled = |title: String| {
        let data = json!([{ "op": "add", "path": "nickName", "value": title }, { "op": "replace", "path": "title", "value": title }]);
        json!([{ "method": "PATCH", "path": at(&bob), "data": data }])
    };
    let mut transactions = Vec::new();
    for number in 0..accepted::MOST {
        transactions.push(tool.bulk_later(retitled(number.to_string())).await);
    }
    let answer = tool.request("POST", "/Bulk", LATER, bulk(None, retitled("x".to_owned())).to_string()).await;
    refused(&answer, 429, "");
    assert_eq!(answer.header("retry-after"), "1");
    let others = other.bulk_later(json!([made("zoe")])).await;
    settle(&castellan).await;
    let told = told(&receiver);
    let mut versions = Vec::new();
    for transaction in &transactions {
        let outcome = &told[&format!("{transaction}:0")].1;
        assert_eq!(outcome["status"], "200");
        let version = outcome["version"].as_str().expect("a version").trim_start_matches("W/").trim_matches('"');
        versions.push(version.parse::<i64>().expect("a number"));
    }
    assert!(versions.is_sorted(), "{versions:?}");
    assert_eq!(statuses(&told, &others), ["201"]);
    assert_eq!(tool.get(&at(&bob)).await.expect(200)["title"], (accepted::MOST - 1).to_string());
    tool.bulk_later(retitled("there is room again".to_owned())).await;
}

/// RFC 9967 §2.5.1.2 wants one event for each operation, RFC 7644 §3.7 that the rest is left undone.
#[tokio::test]
async fn operations_after_as_many_errors_as_are_allowed_are_told_of_as_not_attempted() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let tool = Tool::new(&castellan, &world.client).await;
    tool.person("ada").await;
    let body = bulk(Some(1), json!([made("bob"), made("ada"), made("cyd"), made("dee")]));
    let txn = tool.later("POST", "/Bulk", &body).await;
    settle(&castellan).await;
    let told = told(&receiver);
    assert_eq!(statuses(&told, &txn), ["201", "409", "424", "424"]);
    assert_eq!(told[&format!("{txn}:2")].1["response"]["status"], "424");
    assert_eq!(tool.total().await, 2);
}
