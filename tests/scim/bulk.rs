//! `/Bulk` (RFC 7644 §3.7).

use serde_json::{Value, json};

use super::{ENTERPRISE, Tool, at, refused};
use crate::support::{Answer, Castellan};

impl Tool<'_> {
    async fn bulk(&self, operations: Value) -> Vec<Value> {
        self.bulk_until(None, operations).await
    }

    async fn bulk_until(&self, fail_on_errors: Option<u32>, operations: Value) -> Vec<Value> {
        let answer = self.post("/Bulk", &request(fail_on_errors, &operations)).await;
        let body = answer.expect(200);
        assert_eq!(answer.header("content-type"), "application/scim+json");
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
        body["Operations"].as_array().expect("a list").clone()
    }

    async fn at_location(&self, outcome: &Value) -> Value {
        let answer: Answer = self.get(&at(&json!({ "meta": { "location": outcome["location"] } }))).await;
        let resource = answer.expect(200);
        assert_eq!(resource["meta"]["version"], outcome["version"], "the answer names the version that is there");
        resource
    }
}

fn request(fail_on_errors: Option<u32>, operations: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "failOnErrors": fail_on_errors,
        "Operations": operations,
    })
}

fn made(kind: &str, bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": format!("/{kind}s"), "bulkId": bulk_id, "data": data })
}

fn path(resource: &Value) -> String {
    at(resource)
}

fn statuses(outcomes: &[Value]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome["status"].as_str().expect("a string")).collect()
}

#[tokio::test]
async fn operations_of_every_method_are_done_and_answered_in_order() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let (bob, cyd, dee) = (tool.person("bob").await, tool.person("cyd").await, tool.person("dee").await);
    let outcomes = tool
        .bulk(json!([
            made("User", "one", json!({ "userName": "ada", "displayName": "Ada" })),
            { "method": "put", "path": path(&bob), "data": { "userName": "bob", "title": "Boss" } },
            { "method": "PATCH", "path": path(&cyd), "bulkId": "mine", "data": [{ "op": "add", "path": "title", "value": "Hand" }] },
            { "method": "PATCH", "path": path(&cyd), "data": { "Operations": [{ "op": "add", "path": "nickName", "value": "C" }] } },
            { "method": "DELETE", "path": path(&dee) },
        ]))
        .await;
    assert_eq!(statuses(&outcomes), ["201", "200", "200", "200", "204"]);
    let ada = tool.at_location(&outcomes[0]).await;
    assert_eq!((&outcomes[0]["bulkId"], &ada["displayName"]), (&json!("one"), &json!("Ada")));
    assert_eq!(outcomes[0]["location"], ada["meta"]["location"]);
    assert_eq!(tool.at_location(&outcomes[1]).await["title"], "Boss");
    assert_eq!((&outcomes[2]["bulkId"], &outcomes[2]["method"]), (&json!("mine"), &json!("PATCH")));
    assert_eq!(tool.at_location(&outcomes[3]).await["title"], "Hand");
    assert_eq!(outcomes[4]["location"], dee["meta"]["location"]);
    assert!(outcomes.iter().all(|outcome| outcome.get("response").is_none()), "only errors have a body");
    refused(&tool.get(&at(&dee)).await, 404, "");
}

/// §3.7.2: a reference may come before what it refers to.
#[tokio::test]
async fn references_are_filled_forwards_in_data_and_paths() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let crew = tool.group("Crew", &[]).await;
    let outcomes = tool
        .bulk(json!([
            made("Group", "staff", json!({ "displayName": "Staff", "members": [{ "value": "bulkId:ada" }, { "value": "bulkId:bob" }] })),
            { "method": "PATCH", "path": "/Groups/bulkId:staff", "data": [
                { "op": "remove", "path": "members[value eq \"bulkId:bob\"]" },
                { "op": "add", "path": "members", "value": [{ "value": "bulkId:cyd" }] },
            ] },
            { "method": "PUT", "path": path(&crew), "data": { "displayName": "Crew", "members": [{ "value": "bulkId:cyd" }] } },
            made("User", "bob", json!({ "userName": "bob", ENTERPRISE: { "manager": { "value": "bulkId:ada" } } })),
            made("User", "ada", json!({ "userName": "ada" })),
            made("User", "cyd", json!({ "userName": "cyd" })),
        ]))
        .await;
    assert_eq!(statuses(&outcomes), ["201", "200", "200", "201", "201", "201"]);
    let ids: Vec<&str> =
        outcomes.iter().map(|o| o["location"].as_str().expect("one").rsplit('/').next().expect("an id")).collect();
    let (bob, ada, cyd) = (ids[3], ids[4], ids[5]);
    let values = |group: &Value| {
        let members = group["members"].as_array().expect("members").iter();
        members.map(|member| member["value"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let mut expected = [ada, cyd];
    expected.sort_unstable();
    assert_eq!(values(&tool.at_location(&outcomes[1]).await), expected);
    assert_eq!(values(&tool.at_location(&outcomes[2]).await), [cyd]);
    assert_eq!(tool.at_location(&outcomes[3]).await[ENTERPRISE]["manager"]["value"], ada);
    assert_eq!(outcomes[1]["location"], outcomes[0]["location"]);
    assert_ne!(bob, ada);
}

#[tokio::test]
async fn a_circle_of_references_is_closed() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let managed_by = |name: &str, manager: &str| {
        let manager = json!({ "value": format!("bulkId:{manager}") });
        made("User", name, json!({ "userName": name, ENTERPRISE: { "department": "D", "manager": manager } }))
    };
    let outcomes = tool
        .bulk_until(
            Some(1),
            json!([
                managed_by("ada", "bob"),
                managed_by("bob", "cyd"),
                managed_by("cyd", "ada"),
                managed_by("dee", "dee")
            ]),
        )
        .await;
    assert_eq!(statuses(&outcomes), ["201"; 4]);
    let mut people = Vec::new();
    for outcome in &outcomes {
        people.push(tool.at_location(outcome).await);
    }
    for (person, manager) in [(0, 1), (1, 2), (2, 0), (3, 3)] {
        let expected = json!({ "department": "D", "manager": { "value": people[manager]["id"] } });
        assert_eq!(people[person][ENTERPRISE], expected, "{person}");
    }
}

/// What cannot be resolved fails its operation, and a POST that failed has left nothing.
#[tokio::test]
async fn a_reference_to_nothing_fails_its_operation_alone() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    tool.person("taken").await;
    let managed_by = |name: &str, user_name: &str, manager: &str| {
        let manager = json!({ "value": format!("bulkId:{manager}") });
        made("User", name, json!({ "userName": user_name, ENTERPRISE: { "manager": manager } }))
    };
    let outcomes = tool
        .bulk(json!([
            managed_by("ada", "ada", "nobody"),
            made("User", "bob", json!({ "userName": "taken" })),
            managed_by("cyd", "cyd", "bob"),
            { "method": "PATCH", "path": "/Users/bulkId:bob", "data": [{ "op": "add", "path": "title", "value": "x" }] },
            // Circles, one of whom cannot be made: the first that is tried, and the last.
            managed_by("dee", "dee", "eve"),
            managed_by("eve", "taken", "dee"),
            managed_by("fay", "taken", "gus"),
            managed_by("gus", "gus", "fay"),
            made("User", "hal", json!({ "userName": "hal" })),
        ]))
        .await;
    assert_eq!(statuses(&outcomes), ["409", "409", "409", "409", "409", "409", "409", "409", "201"]);
    for outcome in &outcomes[..8] {
        assert_eq!(outcome["response"]["status"], "409");
        assert_eq!(outcome["response"]["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(outcome.get("location"), None, "{outcome}");
    }
    assert_eq!(outcomes[1]["response"]["scimType"], "uniqueness");
    let list = tool.get("/Users").await.expect(200);
    let users = list["Resources"].as_array().expect("a list").iter();
    let mut names: Vec<&str> = users.map(|user| user["userName"].as_str().expect("a name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["hal", "taken"]);
}

#[tokio::test]
async fn enough_errors_end_the_job() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let nobody = "/Users/0198a000-0000-7000-8000-000000000001";
    let operations = json!([
        made("User", "a", json!({ "userName": "ada" })),
        { "method": "DELETE", "path": nobody },
        made("User", "b", json!({ "userName": "bob" })),
        { "method": "DELETE", "path": nobody },
        made("User", "c", json!({ "userName": "cyd" })),
    ]);
    assert_eq!(statuses(&tool.bulk_until(Some(1), operations.clone()).await), ["201", "404"]);
    assert_eq!(statuses(&tool.bulk_until(Some(2), operations.clone()).await), ["409", "404"]);
    assert_eq!(statuses(&tool.bulk_until(Some(4), operations.clone()).await), ["409", "404", "201", "404", "201"]);
    assert_eq!(statuses(&tool.bulk(operations).await), ["409", "404", "409", "404", "409"]);
}

/// §3.7: the version of an operation is its If-Match.
#[tokio::test]
async fn versions_are_insisted_on() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let (ada, bob) = (tool.person("ada").await, tool.person("bob").await);
    let title = json!([{ "op": "add", "path": "title", "value": "x" }]);
    let outcomes = tool
        .bulk(json!([
            { "method": "PATCH", "path": path(&ada), "version": "W/\"7\"", "data": title },
            { "method": "PATCH", "path": path(&ada), "version": ada["meta"]["version"], "data": title },
            { "method": "PUT", "path": path(&ada), "version": ada["meta"]["version"], "data": { "userName": "ada" } },
            { "method": "DELETE", "path": path(&bob), "version": "W/\"2\"" },
            { "method": "DELETE", "path": path(&bob), "version": "W/\"1\"" },
        ]))
        .await;
    assert_eq!(statuses(&outcomes), ["412", "200", "412", "412", "204"]);
    assert_eq!(outcomes[0]["location"], ada["meta"]["location"]);
    assert_eq!(outcomes[1]["version"], "W/\"2\"");
}

#[tokio::test]
async fn what_is_no_operation_is_refused_by_itself() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.other_client).await;
    let zoe = other.person("zoe").await;
    let outcomes = tool
        .bulk(json!([
            7,
            { "method": "GET", "path": "/Users" },
            { "method": "POST", "path": "/Users", "data": { "userName": "no-bulk-id" } },
            { "method": "POST", "path": "/Users/1", "bulkId": "a", "data": { "userName": "x" } },
            { "method": "PATCH", "path": "/Users", "data": [] },
            { "method": "POST", "path": "/Shoes", "bulkId": "b", "data": {} },
            { "method": "POST", "path": "/Users", "bulkId": "c" },
            { "method": "DELETE", "path": path(&zoe) },
            { "method": "PUT", "path": path(&zoe), "data": { "userName": "zoe" } },
            made("User", "twice", json!({ "userName": "one" })),
            made("User", "twice", json!({ "userName": "two" })),
        ]))
        .await;
    let expected = ["400", "400", "400", "400", "400", "404", "400", "404", "404", "201", "400"];
    assert_eq!(statuses(&outcomes), expected);
    assert_eq!(other.get(&at(&zoe)).await.expect(200), zoe);
    for body in [json!({}), json!([]), json!({ "Operations": {} }), json!({ "Operations": [], "failOnErrors": "x" })] {
        refused(&tool.post("/Bulk", &body).await, 400, "invalidSyntax");
    }
    assert!(tool.bulk(json!([])).await.is_empty());
}

/// §3.7.4: what is advertised is enforced.
#[tokio::test]
async fn a_job_has_the_advertised_limits() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let bulk = tool.get("/ServiceProviderConfig").await.expect(200)["bulk"].clone();
    assert_eq!((&bulk["supported"], &bulk["maxOperations"]), (&json!(true), &json!(1000)));
    let operation = json!({ "method": "DELETE", "path": "/Users/x" });
    assert_eq!(tool.bulk(Value::Array(vec![operation.clone(); 1000])).await.len(), 1000);
    refused(&tool.post("/Bulk", &request(None, &Value::Array(vec![operation.clone(); 1001]))).await, 413, "");
    let most = usize::try_from(bulk["maxPayloadSize"].as_u64().expect("a number")).expect("a size");
    let mut body = request(None, &json!([operation])).to_string();
    body.push_str(&" ".repeat(most - body.len()));
    tool.request("POST", "/Bulk", &[], body.clone()).await.expect(200);
    refused(&tool.request("POST", "/Bulk", &[], format!("{body} ")).await, 413, "");
}

/// V4: each operation is in the log as a request of its own.
#[tokio::test]
async fn every_operation_is_logged() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    tool.bulk(json!([
        made("User", "a", json!({ "userName": "ada" })),
        { "method": "DELETE", "path": "/Users/nobody" },
    ]))
    .await;
    let mut log: Vec<(String, String, i64)> =
        tool.log(3).await.into_iter().map(|entry| (entry.method, entry.path, entry.status)).collect();
    log.sort();
    let expected = [("DELETE", "/Users/nobody", 404), ("POST", "/Bulk", 200), ("POST", "/Users", 201)];
    assert_eq!(log, expected.map(|(method, path, status)| (method.to_owned(), path.to_owned(), status)));
}

/// RFC 7644 §3.11: a connection is nobody's account.
#[tokio::test]
async fn there_is_no_me() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        refused(&tool.request(method, "/Me", &[], String::new()).await, 501, "");
    }
}
