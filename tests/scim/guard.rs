//! The mass-change guard (product.md V3, V5; issue 3, must show 5): what would end too many is held.

mod events;
mod groups;
mod undone;

use castellan::{
    access::Subject,
    connections::{Guard, OnDelete, Settings, Vendor, log::Outcome},
};
use serde_json::{Value, json};

use super::{Tool, active_at_once, at, mails, refused};
use crate::{
    api::{Caller, caller, problem},
    support::{Castellan, World},
};

fn guarded(share: u8, minimum: u32) -> Settings {
    Settings { guard: Some(Guard { share, minimum }), ..active_at_once() }
}

/// A tool of the partner with so many people, all active.
async fn staffed<'c>(
    castellan: &'c Castellan,
    world: &World,
    settings: Settings,
    people: usize,
) -> (Tool<'c>, Vec<Value>) {
    let tool = Tool::with(castellan, &world.partner, Vendor::Generic, settings).await;
    let mut staff = Vec::new();
    for number in 0..people {
        let person = json!({ "userName": format!("p{number}@brackwater.example"), "externalId": format!("E{number}") });
        staff.push(tool.post("/Users", &person).await.expect(201));
    }
    (tool, staff)
}

async fn deactivate(tool: &Tool<'_>, person: &Value) -> u16 {
    let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
    tool.patch(&at(person), operations).await.status.as_u16()
}

/// How many people of the tool are active.
async fn active(tool: &Tool<'_>) -> i64 {
    tool.get("/Users?filter=active%20eq%20true&count=0").await.expect(200)["totalResults"].as_i64().expect("a total")
}

fn path(tool: &Tool<'_>) -> String {
    format!("/organizations/{}/connections/{}", tool.connection.organization_id, tool.connection.id)
}

async fn held(admin: &Caller<'_>, tool: &Tool<'_>) -> Value {
    admin.get(&path(tool)).await.expect(200)["held"].clone()
}

#[tokio::test]
async fn a_run_that_would_end_most_people_is_held_nothing_is_changed_and_one_call_lets_it_through() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (tool, staff) = staffed(&castellan, &world, guarded(20, 5), 50).await;
    mails(&castellan).await;
    let mut answers = Vec::new();
    for person in &staff[..30] {
        answers.push(deactivate(&tool, person).await);
    }
    assert_eq!(answers[10..], [409; 20], "the run is recognised with the eleventh of fifty");
    assert_eq!(active(&tool).await, 50, "whom it had deactivated before is active again");
    let waiting = held(&admin, &tool).await;
    assert_eq!((&waiting["changes"], &waiting["removals"]), (&json!(30), &json!(0)));
    assert_eq!(
        mails(&castellan).await,
        ["mara@brackwater.example: A tool waits for you: 11 people of Brackwater IT"],
        "one mail for the run, not one for each request"
    );
    let list = admin.get(&format!("{}/held?limit=20", path(&tool))).await.expect(200);
    assert_eq!(list["changes"].as_array().map(Vec::len), Some(20));
    assert_eq!(list["changes"][0]["change"], "deactivate");
    let next = list["next"].as_str().expect("another page");
    let rest = admin.get(&format!("{}/held?limit=20&after={next}", path(&tool))).await.expect(200);
    assert_eq!((rest["changes"].as_array().map(Vec::len), &rest["next"]), (Some(10), &Value::Null));

    // Other changes go on meanwhile, and nobody else is ended.
    let title = json!([{ "op": "replace", "path": "title", "value": "Lead" }]);
    tool.patch(&at(&staff[40]), title).await.expect(200);
    assert_eq!(deactivate(&tool, &staff[41]).await, 409);

    let released = admin.post(&format!("{}/held/release", path(&tool))).await.expect(200);
    assert_eq!(released, json!({ "decided": 31, "waiting": 0 }));
    assert_eq!(active(&tool).await, 19);
    assert_eq!(held(&admin, &tool).await, Value::Null);
    // The tool tries again later and finds it done.
    assert_eq!(deactivate(&tool, &staff[20]).await, 200);
    assert_eq!(problem(&admin.post(&format!("{}/held/release", path(&tool))).await, 409), "wrong-state");
}

/// A Bulk request says all that it wants at once: it is judged whole, and nobody is signed out and taken back.
#[tokio::test]
async fn a_bulk_request_that_would_end_most_people_is_held_before_anybody_is_changed() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (tool, staff) = staffed(&castellan, &world, guarded(20, 5), 50).await;
    mails(&castellan).await;
    let title = json!([{ "op": "add", "path": "title", "value": "Lead" }]);
    let off = json!([{ "op": "Replace", "value": { "active": "False" } }]);
    let mut operations = vec![
        json!({ "method": "POST", "path": "/Users", "bulkId": "n", "data": { "userName": "new@brackwater.example" } }),
        json!({ "method": "PATCH", "path": at(&staff[40]), "data": { "Operations": title } }),
    ];
    for (number, person) in staff[..30].iter().enumerate() {
        operations.push(match number % 3 {
            0 => json!({ "method": "PATCH", "path": at(person), "data": { "Operations": off } }),
            1 => {
                let put =
                    json!({ "userName": person["userName"], "externalId": person["externalId"], "active": false });
                json!({ "method": "PUT", "path": at(person), "data": put })
            }
            _ => json!({ "method": "DELETE", "path": at(person) }),
        });
    }
    let outcomes = tool.post("/Bulk", &json!({ "Operations": operations })).await.expect(200)["Operations"].clone();
    let statuses: Vec<&str> =
        outcomes.as_array().expect("a list").iter().map(|outcome| outcome["status"].as_str().expect("text")).collect();
    assert_eq!(statuses[..2], ["201", "200"], "what ends nobody is done");
    assert_eq!(statuses[2..], ["409"; 30], "from the first on");
    for person in &staff[..30] {
        assert_eq!(&tool.get(&at(person)).await.expect(200), person, "neither ended nor taken back");
    }
    let waiting = held(&admin, &tool).await;
    assert_eq!((&waiting["changes"], &waiting["removals"]), (&json!(30), &json!(10)));
    let told = mails(&castellan).await;
    assert_eq!(told, ["mara@brackwater.example: A tool waits for you: 30 people of Brackwater IT"]);
    let log = tool.log(82).await;
    assert_eq!(log.iter().filter(|entry| entry.outcome == Outcome::Held).count(), 30, "each stands in the log");
    admin.post(&format!("{}/held/release", path(&tool))).await.expect(200);
    assert_eq!(active(&tool).await, 21);
}

#[tokio::test]
async fn a_bulk_request_counts_for_the_guard_what_it_would_really_end() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (tool, staff) = staffed(&castellan, &world, guarded(20, 5), 50).await;
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    let on = json!([{ "op": "replace", "path": "active", "value": true }]);
    let patch =
        |person: &Value, operations: &Value| json!({ "method": "PATCH", "path": at(person), "data": operations });
    let mut operations: Vec<Value> = staff[..10].iter().map(|person| patch(person, &off)).collect();
    for person in &staff[10..20] {
        // Not as it is there any more; not as the schema has it; no ending at all.
        let stale = json!({ "method": "DELETE", "path": at(person), "version": "W/\"9\"" });
        let wrong = json!([{ "op": "replace", "path": "active", "value": false }, { "op": "replace", "path": "id", "value": "x" }]);
        operations.extend([stale, patch(person, &wrong), patch(person, &on)]);
    }
    let outcomes = tool.post("/Bulk", &json!({ "Operations": operations })).await.expect(200)["Operations"].clone();
    let outcomes = outcomes.as_array().expect("a list").clone();
    assert!(outcomes[..10].iter().all(|outcome| outcome["status"] == "200"), "{outcomes:?}");
    for three in outcomes[10..].chunks(3) {
        let statuses: Vec<&Value> = three.iter().map(|outcome| &outcome["status"]).collect();
        assert_eq!(statuses, ["412", "400", "200"]);
    }
    assert_eq!((active(&tool).await, held(&admin, &tool).await), (40, Value::Null));

    // One more is one too many: that one is held, and by request or in bulk the same run is taken back.
    let one = json!({ "Operations": [patch(&staff[20], &off)] });
    assert_eq!(tool.post("/Bulk", &one).await.expect(200)["Operations"][0]["status"], "409");
    assert_eq!(active(&tool).await, 50);
    assert_eq!(held(&admin, &tool).await["changes"], 11);
}

#[tokio::test]
async fn what_is_discarded_stays_undone_and_is_held_at_once_if_it_comes_again() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (tool, staff) = staffed(&castellan, &world, guarded(20, 2), 10).await;
    for person in &staff[..5] {
        deactivate(&tool, person).await;
    }
    let discarded = admin.post(&format!("{}/held/discard", path(&tool))).await.expect(200);
    assert_eq!(discarded["decided"], 5);
    assert_eq!(active(&tool).await, 10);
    castellan.advance(2 * 3600);
    refused(&tool.delete(&at(&staff[0])).await, 409, "");
    let admin = caller(&castellan, &world.partner, "kim@brackwater.example", "administrator").await;
    assert_eq!(held(&admin, &tool).await["removals"], 1);
    admin.post(&format!("{}/held/discard", path(&tool))).await.expect(200);
    // A day later it is news again.
    castellan.advance(25 * 3600);
    let admin = caller(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    assert_eq!(deactivate(&tool, &staff[0]).await, 200);
    assert_eq!(held(&admin, &tool).await, Value::Null);
}

#[tokio::test]
async fn a_tool_that_says_active_of_a_held_person_has_changed_its_mind() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (tool, staff) = staffed(&castellan, &world, guarded(20, 2), 10).await;
    for person in &staff[..5] {
        deactivate(&tool, person).await;
    }
    let again = json!({ "userName": "p3@brackwater.example", "active": true });
    tool.put(&at(&staff[3]), &again).await.expect(200);
    tool.patch(&at(&staff[4]), json!([{ "op": "Replace", "value": { "active": "True" } }])).await.expect(200);
    assert_eq!(held(&admin, &tool).await["changes"], 3);
    admin.post(&format!("{}/held/release", path(&tool))).await.expect(200);
    assert_eq!(active(&tool).await, 7);
}

#[tokio::test]
async fn leavers_one_by_one_are_out_at_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (tool, staff) = staffed(&castellan, &world, guarded(20, 2), 10).await;
    for person in &staff[..6] {
        assert_eq!(deactivate(&tool, person).await, 200);
        castellan.advance(3601);
    }
    assert_eq!(active(&tool).await, 4);
    // Somebody who left half an hour before a run stays out.
    assert_eq!(deactivate(&tool, &staff[6]).await, 200);
    castellan.advance(1800);
    assert_eq!(deactivate(&tool, &staff[7]).await, 409);
    assert_eq!(active(&tool).await, 3);
}

#[tokio::test]
async fn removals_are_held_like_deactivations() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (tool, staff) = staffed(&castellan, &world, guarded(20, 2), 10).await;
    for person in &staff[..2] {
        tool.delete(&at(person)).await.has_status(204);
    }
    refused(&tool.delete(&at(&staff[2])).await, 409, "");
    tool.get(&at(&staff[2])).await.expect(200);
    admin.post(&format!("{}/held/release", path(&tool))).await.expect(200);
    refused(&tool.get(&at(&staff[2])).await, 404, "");
}

#[tokio::test]
async fn where_delete_deactivates_the_person_can_be_taken_back() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let settings = Settings { on_delete: OnDelete::Deactivate, ..guarded(20, 2) };
    let (tool, staff) = staffed(&castellan, &world, settings, 10).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    for person in &staff[..2] {
        tool.delete(&at(person)).await.has_status(204);
        refused(&tool.get(&at(person)).await, 404, "");
    }
    refused(&tool.delete(&at(&staff[2])).await, 409, "");
    assert_eq!(active(&tool).await, 10);
    tool.get(&at(&staff[0])).await.expect(200);
    admin.post(&format!("{}/held/release", path(&tool))).await.expect(200);
    assert_eq!(active(&tool).await, 7);
    refused(&tool.get(&at(&staff[0])).await, 404, "");
}

/// V5: the last administrator stays, the provider is told, and the change waits until there is another.
#[tokio::test]
async fn the_last_administrator_is_held_for_a_person() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let provider = caller(&castellan, &world.provider, "vera@vendor.example", "administrator").await;
    let (tool, staff) = staffed(&castellan, &world, active_at_once(), 2).await;
    let portal = castellan.portal().await;
    for person in &staff {
        let id = person["id"].as_str().expect("an id").parse().expect("an id");
        castellan.assign(Subject::User(id), &portal, &["administrator"], world.partner.id).await;
    }
    assert_eq!(deactivate(&tool, &staff[0]).await, 200);
    mails(&castellan).await;
    assert_eq!(deactivate(&tool, &staff[1]).await, 409);
    assert_eq!(deactivate(&tool, &staff[1]).await, 409);
    let subject = "A tool would end the last administrator of Brackwater IT";
    assert_eq!(
        mails(&castellan).await,
        [format!("vera@vendor.example: {subject}"), format!("p1@brackwater.example: {subject}")]
    );
    assert_eq!(held(&provider, &tool).await["administrators"], 1);
    let release = format!("{}/held/release", path(&tool));
    assert_eq!(provider.post(&release).await.expect(200), json!({ "decided": 0, "waiting": 1 }));
    assert_eq!(active(&tool).await, 1);
    let jonas = castellan.person(&world.partner, "jonas@brackwater.example").create().await;
    castellan.assign(Subject::User(jonas.user.id), &portal, &["administrator"], world.partner.id).await;
    assert_eq!(provider.post(&release).await.expect(200), json!({ "decided": 1, "waiting": 0 }));
    assert_eq!(active(&tool).await, 0);
}

#[tokio::test]
async fn nobody_decides_without_the_right() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let basic = caller(&castellan, &world.partner, "basil@brackwater.example", "basic").await;
    let other = caller(&castellan, &world.other_partner, "otto@northgate.example", "administrator").await;
    let (tool, staff) = staffed(&castellan, &world, guarded(20, 2), 5).await;
    for person in &staff[..3] {
        deactivate(&tool, person).await;
    }
    for decision in ["release", "discard"] {
        let path = format!("{}/held/{decision}", path(&tool));
        assert_eq!(problem(&basic.post(&path).await, 403), "missing-permission");
        other.post(&path).await.has_status(404);
    }
    assert_eq!(active(&tool).await, 5);
}
