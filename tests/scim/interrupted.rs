//! What becomes of requests that are performed later when something comes in between.

use castellan::{
    connections::{Guard, Settings, Vendor},
    scim::asynchronous::perform_due,
};
use serde_json::{Value, json};

use super::{
    Tool, active_at_once,
    asynchronous::{listening, made, settle, statuses, told},
    at,
};
use crate::{api::caller, support::Castellan};

/// A process that dies leaves what it has done; another takes the request up, and does nothing twice.
#[tokio::test]
async fn a_request_whose_server_dies_is_taken_up_again_and_nothing_is_done_twice() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let tool = Tool::new(&castellan, &world.client).await;
    let mut operations: Vec<Value> = (0..40).map(|number| made(&format!("p{number}"))).collect();
    let circle = |own: &str, other: &str| {
        let data = json!({ "displayName": own, "members": [{ "value": format!("bulkId:{other}"), "type": "Group" }] });
        json!({ "method": "POST", "path": "/Groups", "bulkId": own, "data": data })
    };
    operations.insert(2, circle("a", "b"));
    operations.insert(3, circle("b", "a"));
    let txn = tool.bulk_later(Value::Array(operations)).await;
    let mut deaths = 0;
    for people in [1, 7, 20] {
        tokio::select! {
            biased;
            outcome = perform_due(&castellan.app) => outcome.expect("performed"),
            () = async {
                while tool.total().await < people {
                    tokio::task::yield_now().await;
                }
            } => deaths += 1,
        }
        // What it had handed to the database is written by now, or never.
        castellan.write(async |_| Ok(())).await;
        // Until the lease of who has died is over.
        perform_due(&castellan.app).await.expect("nothing");
        castellan.advance(31);
    }
    assert!(deaths > 0 && tool.total().await < 40, "it has not been performed at one go");
    let another = castellan.second_node().await;
    perform_due(&another).await.expect("performed");
    settle(&castellan).await;
    assert_eq!(statuses(&told(&receiver), &txn), vec!["201"; 42]);
    assert_eq!(tool.total().await, 40);
    let groups = tool.get("/Groups").await.expect(200);
    assert_eq!(groups["totalResults"], 2);
    for group in groups["Resources"].as_array().expect("groups") {
        assert_eq!(group["members"].as_array().expect("members").len(), 1, "the circle is closed");
    }
    let log = tool.log(0).await;
    let created = log.iter().filter(|entry| entry.method == "POST" && entry.status == 201).count();
    assert_eq!(created, 42);
}

#[tokio::test]
async fn two_nodes_do_not_both_perform_a_request() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let another = castellan.second_node().await;
    let mut transactions = Vec::new();
    let tools = [Tool::new(&castellan, &world.client).await, Tool::new(&castellan, &world.client).await];
    for (which, tool) in tools.iter().enumerate() {
        for round in 0..3 {
            let operations = (0..6).map(|number| made(&format!("p{which}.{round}.{number}"))).collect();
            transactions.push(tool.bulk_later(Value::Array(operations)).await);
        }
    }
    let (here, there) = tokio::join!(perform_due(&castellan.app), perform_due(&another));
    here.expect("performed");
    there.expect("performed");
    // What the other still had under way when this one found nothing more.
    perform_due(&castellan.app).await.expect("performed");
    settle(&castellan).await;
    let told = told(&receiver);
    for transaction in &transactions {
        assert_eq!(statuses(&told, transaction), vec!["201"; 6]);
    }
    for tool in &tools {
        assert_eq!(tool.total().await, 18);
    }
}

#[tokio::test]
async fn pausing_or_deleting_the_connection_or_a_day_stops_what_waits() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.partner).await;
    let tool = Tool::new(&castellan, &world.partner).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let path = format!("/organizations/{}/connections/{}", world.partner.id, tool.connection.id);

    let txn = tool.bulk_later(json!([made("ada"), made("bob")])).await;
    admin.post(&format!("{path}/pause")).await.expect(200);
    settle(&castellan).await;
    assert_eq!(statuses(&told(&receiver), &txn), ["503", "503"]);
    admin.post(&format!("{path}/resume")).await.expect(200);
    settle(&castellan).await;
    assert!(told(&receiver).is_empty());
    assert_eq!(tool.total().await, 0, "not afterwards either");
    assert!(tool.log(2).await.iter().any(|entry| entry.status == 503), "the log says so");

    let txn = tool.bulk_later(json!([made("ada")])).await;
    castellan.advance(24 * 3600);
    settle(&castellan).await;
    assert_eq!(statuses(&told(&receiver), &txn), ["503"]);
    assert_eq!(tool.total().await, 0);

    let admin = caller(&castellan, &world.partner, "mel@brackwater.example", "administrator").await;
    tool.bulk_later(json!([made("ada")])).await;
    admin.send("DELETE", &path, &Value::Null).await.has_status(204);
    settle(&castellan).await;
    assert!(told(&receiver).is_empty());
    assert!(castellan.database.accepted_requests().await.is_empty());
}

#[tokio::test]
async fn the_guard_and_a_dry_run_hold_for_what_is_performed_later() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let receiver = listening(&castellan, &world.client).await;
    let guarded = Settings { guard: Some(Guard { share: 10, minimum: 1 }), ..active_at_once() };
    let tool = Tool::with(&castellan, &world.client, Vendor::Generic, guarded).await;
    let mut staff = Vec::new();
    for number in 0..4 {
        staff.push(tool.person(&format!("p{number}@bell.example")).await);
    }
    let ending = |person: &Value| json!({ "method": "PATCH", "path": at(person), "data": [{ "op": "replace", "path": "active", "value": false }] });
    let txn = tool.bulk_later(staff.iter().map(ending).collect()).await;
    settle(&castellan).await;
    let statuses = statuses(&told(&receiver), &txn);
    assert!(statuses[1..].iter().all(|status| status == "409"), "{statuses:?}");

    let rehearsing = Settings { dry_run: true, ..active_at_once() };
    let tool = Tool::with(&castellan, &world.client, Vendor::Generic, rehearsing).await;
    let txn = tool.later("POST", "/Users", &json!({ "userName": "eve" })).await;
    settle(&castellan).await;
    assert_eq!(told(&receiver)[&txn].1["status"], "201", "as if");
    assert_eq!(tool.total().await, 0);
}
