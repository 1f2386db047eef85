//! Groups that give product roles: a change by which too many would lose theirs at once is held (V2, V3).

use castellan::{
    access::{self, Subject},
    background,
    connections::{GroupRole, Settings, log::Outcome},
    id::{GroupId, UserId},
};
use serde_json::{Value, json};

use super::{deactivate, guarded, held, path, staffed};
use crate::{
    api::{Caller, caller, switch_products_on},
    scim::{GROUP, Tool, at, defaults, mails, refused, webhooks::Receiver},
    support::{Castellan, World, claims},
};

/// A tool of twenty people, of whom the first ten are Operators, which gives them a role of Recover; four may lose a
/// role at once.
struct Scene<'c> {
    castellan: &'c Castellan,
    world: &'c World,
    tool: Tool<'c>,
    staff: Vec<Value>,
    admin: Caller<'c>,
    group: Value,
}

impl<'c> Scene<'c> {
    async fn start(castellan: &'c Castellan, world: &'c World) -> Self {
        switch_products_on(castellan, world, &world.partner).await;
        let admin = caller(castellan, &world.partner, "mara@brackwater.example", "administrator").await;
        let operator = defaults(castellan, &world.recover, &["operator"]).await.remove(0);
        let rule = |group: &str| GroupRole {
            group: group.to_owned(),
            product: operator.product,
            roles: operator.roles.clone(),
            subtree: true,
            origin: None,
        };
        let settings = Settings { group_roles: vec![rule("Operators"), rule("Operators of old")], ..guarded(20, 5) };
        let (tool, staff) = staffed(castellan, world, settings, 20).await;
        let group = tool.group("Operators", &staff[..10].iter().collect::<Vec<_>>()).await;
        mails(castellan).await;
        Self { castellan, world, tool, staff, admin, group }
    }

    /// How many of the staff hold anything of Recover.
    async fn holders(&self) -> usize {
        let mut db = self.castellan.app.store.reader().await.expect("a reader");
        let mut holders = 0;
        for person in &self.staff {
            let id: UserId = person["id"].as_str().expect("an id").parse().expect("an id");
            let (product, now) = (self.world.recover.id, self.castellan.now());
            let held = access::entitlement(&mut db, Subject::User(id), product, now).await.expect("a read");
            holders += usize::from(held.is_some());
        }
        holders
    }

    async fn release(&self) -> Value {
        self.admin.post(&format!("{}/held/release", path(&self.tool))).await.expect(200)
    }

    async fn waiting(&self) -> Vec<Value> {
        let list = self.admin.get(&format!("{}/held", path(&self.tool))).await.expect(200);
        list["changes"].as_array().expect("a list").clone()
    }

    /// Operators as a PUT of it, with these members of the staff.
    fn whole(&self, members: std::ops::Range<usize>) -> Value {
        let members: Vec<Value> = self.staff[members].iter().map(|person| json!({ "value": person["id"] })).collect();
        json!({ "schemas": [GROUP], "displayName": "Operators", "members": members })
    }

    fn leave(&self, members: std::ops::Range<usize>) -> Value {
        let members: Vec<Value> = self.staff[members].iter().map(|person| json!({ "value": person["id"] })).collect();
        json!([{ "op": "remove", "path": "members", "value": members }])
    }

    fn join(&self, members: std::ops::Range<usize>) -> Value {
        let members: Vec<Value> = self.staff[members].iter().map(|person| json!({ "value": person["id"] })).collect();
        json!([{ "op": "add", "path": "members", "value": members }])
    }
}

#[tokio::test]
async fn a_put_that_empties_a_group_which_gives_roles_is_held_and_one_call_lets_it_through() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let before = scene.tool.get(&at(&scene.group)).await.expect(200);
    let empty = json!({ "schemas": [GROUP], "displayName": "Operators", "externalId": "new" });
    for _ in 0..2 {
        refused(&scene.tool.put(&at(&scene.group), &empty).await, 409, "");
    }
    assert_eq!(scene.tool.get(&at(&scene.group)).await.expect(200), before, "nothing of the request was done");
    assert_eq!(scene.holders().await, 10);
    let summary = held(&scene.admin, &scene.tool).await;
    assert_eq!((&summary["changes"], &summary["groups"], &summary["losing"]), (&json!(1), &json!(1), &json!(10)));
    let waiting = scene.waiting().await;
    let (user, group, name) = (&waiting[0]["user"], &waiting[0]["group"], &waiting[0]["name"]);
    assert_eq!((user, group, name), (&Value::Null, &scene.group["id"], &json!("Operators")));
    assert_eq!((&waiting[0]["change"], &waiting[0]["people"]), (&json!("leave_group"), &json!(10)));
    assert_eq!(
        mails(&castellan).await,
        ["mara@brackwater.example: A tool waits for you: 10 people of Brackwater IT would lose roles"],
        "one mail, not one for each request"
    );
    let log = scene.tool.log(24).await;
    assert_eq!(log.iter().filter(|entry| entry.outcome == Outcome::Held).count(), 2);
    assert_eq!(castellan.audited(world.partner.id, "connection.change_held").await.len(), 1);

    // A leaver does not wait for this decision, and other changes go on.
    assert_eq!(deactivate(&scene.tool, &scene.staff[0]).await, 200);
    scene.tool.patch(&at(&scene.group), scene.join(10..11)).await.expect(200);
    assert_eq!(scene.release().await, json!({ "decided": 1, "waiting": 0 }));
    assert_eq!(scene.holders().await, 1, "who came after it is in");
    assert_eq!(held(&scene.admin, &scene.tool).await, Value::Null);
    assert_eq!(castellan.audited(world.partner.id, "group.updated").await.len(), 2);
    // The tool tries again and finds it done.
    scene.tool.put(&at(&scene.group), &empty).await.expect(200);
}

#[tokio::test]
async fn deleting_such_a_group_is_held_too() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    refused(&scene.tool.delete(&at(&scene.group)).await, 409, "");
    assert_eq!(scene.holders().await, 10);
    assert_eq!(scene.waiting().await[0]["change"], "delete_group");
    assert_eq!(scene.release().await["decided"], 1);
    refused(&scene.tool.get(&at(&scene.group)).await, 404, "");
    assert_eq!(scene.holders().await, 0);
}

#[tokio::test]
async fn a_patch_that_takes_out_too_many_is_held_however_it_says_so() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let all = json!([{ "op": "remove", "path": "members" }]);
    let one_by_one: Vec<Value> = scene.staff[..5]
        .iter()
        .map(|person| {
            let path = format!("members[value eq \"{}\"]", person["id"].as_str().expect("an id"));
            json!({ "op": "remove", "path": path })
        })
        .collect();
    let none = json!([{ "op": "replace", "path": "members", "value": [] }]);
    for operations in [all, Value::Array(one_by_one), none, scene.leave(0..5)] {
        refused(&scene.tool.patch(&at(&scene.group), operations).await, 409, "");
    }
    // A Bulk request gets the same answer.
    let delete = json!({ "Operations": [{ "method": "DELETE", "path": at(&scene.group) }] });
    assert_eq!(scene.tool.post("/Bulk", &delete).await.expect(200)["Operations"][0]["status"], "409");
    assert_eq!(scene.holders().await, 10);
    // The last word counts.
    refused(&scene.tool.patch(&at(&scene.group), scene.leave(0..6)).await, 409, "");
    assert_eq!(scene.waiting().await[0]["people"], 6);
    scene.release().await;
    assert_eq!(scene.holders().await, 4);
}

#[tokio::test]
async fn fewer_than_the_guard_allows_leave_at_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    scene.tool.patch(&at(&scene.group), scene.leave(0..4)).await.expect(200);
    assert_eq!(scene.holders().await, 6);
    // Whoever is no member, or has no access anyway, loses nothing.
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    for person in &scene.staff[4..6] {
        scene.tool.patch(&at(person), off.clone()).await.expect(200);
    }
    scene.tool.patch(&at(&scene.group), scene.leave(0..6)).await.expect(200);
    scene.tool.delete(&at(&scene.group)).await.has_status(204);
    assert_eq!(held(&scene.admin, &scene.tool).await, Value::Null);
}

/// What a group gives nobody by, or its people have in another way too, they do not lose.
#[tokio::test]
async fn a_change_by_which_nobody_loses_a_role_is_done() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let idle = scene.tool.group("Choir", &scene.staff.iter().collect::<Vec<_>>()).await;
    scene.tool.put(&at(&idle), &json!({ "schemas": [GROUP], "displayName": "Choir" })).await.expect(200);

    // All but one go to another group that gives the same, and only then leave this one.
    let other = scene.tool.group("Operators of old", &scene.staff[1..10].iter().collect::<Vec<_>>()).await;
    scene.tool.delete(&at(&scene.group)).await.has_status(204);
    assert_eq!(scene.holders().await, 9);
    // Within a group that stays in it, too.
    let inner = scene.tool.group("Night shift", &scene.staff[1..10].iter().collect::<Vec<_>>()).await;
    let only = json!({ "schemas": [GROUP], "displayName": "Operators of old", "members": [{ "value": inner["id"] }] });
    scene.tool.put(&at(&other), &only).await.expect(200);
    assert_eq!((scene.holders().await, held(&scene.admin, &scene.tool).await), (9, Value::Null));
    // The inner one gives them what the outer one does: emptying it would end that, as would taking it out.
    refused(&scene.tool.delete(&at(&inner)).await, 409, "");
    let path = format!("members[value eq \"{}\"]", inner["id"].as_str().expect("an id"));
    let out = json!([{ "op": "remove", "path": path }]);
    refused(&scene.tool.patch(&at(&other), out).await, 409, "");
    assert_eq!(held(&scene.admin, &scene.tool).await["groups"], 2);
    scene.release().await;
    assert_eq!(scene.holders().await, 0);
}

#[tokio::test]
async fn what_an_administrator_has_given_to_a_group_counts_as_what_a_rule_gives() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let group = scene.tool.group("Desk", &scene.staff[10..16].iter().collect::<Vec<_>>()).await;
    let id: GroupId = group["id"].as_str().expect("an id").parse().expect("an id");
    castellan.assign(Subject::Group(id), &world.recover, &["viewer"], world.partner.id).await;
    assert_eq!(scene.holders().await, 16);
    refused(&scene.tool.delete(&at(&group)).await, 409, "");
    assert_eq!(scene.holders().await, 16);
}

#[tokio::test]
async fn a_discarded_change_of_a_group_stays_undone_and_says_so_when_it_comes_again() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    refused(&scene.tool.delete(&at(&scene.group)).await, 409, "");
    assert_eq!(scene.admin.post(&format!("{}/held/discard", path(&scene.tool))).await.expect(200)["decided"], 1);
    assert_eq!((scene.holders().await, held(&scene.admin, &scene.tool).await), (10, Value::Null));
    let again = scene.tool.delete(&at(&scene.group)).await;
    refused(&again, 409, "");
    assert!(again.body.contains("discarded"), "{}", again.body);
    assert_eq!(scene.waiting().await[0]["reason"], "discarded");
    // What the guard allows goes on.
    scene.tool.patch(&at(&scene.group), scene.leave(0..1)).await.expect(200);
}

#[tokio::test]
async fn a_tool_that_names_members_again_has_changed_its_mind_about_them() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let empty = json!({ "schemas": [GROUP], "displayName": "Operators" });
    refused(&scene.tool.put(&at(&scene.group), &empty).await, 409, "");
    scene.tool.patch(&at(&scene.group), scene.join(0..3)).await.expect(200);
    scene.release().await;
    assert_eq!(scene.holders().await, 3);

    scene.tool.put(&at(&scene.group), &scene.whole(0..10)).await.expect(200);
    for (change, all) in [("PUT", 10), ("DELETE", 10)] {
        let answer = match change {
            "PUT" => scene.tool.put(&at(&scene.group), &empty).await,
            _ => scene.tool.delete(&at(&scene.group)).await,
        };
        refused(&answer, 409, "");
        scene.tool.put(&at(&scene.group), &scene.whole(0..10)).await.expect(200);
        assert_eq!((held(&scene.admin, &scene.tool).await, scene.holders().await), (Value::Null, all));
    }
}

#[tokio::test]
async fn a_change_of_a_group_that_is_let_through_is_told_to_webhooks() {
    let castellan = Castellan::start_with(|config| config.allow_private_outbound = true).await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let receiver = Receiver::start().await;
    let hooks = format!("/organizations/{}/webhooks", world.partner.id);
    scene.admin.send("POST", &hooks, &json!({ "url": receiver.url })).await.expect(201);
    let told = async || {
        background::settle(&castellan.app).await.expect("deliveries");
        let events = receiver.take().into_iter().map(|(_, _, token)| {
            let said = claims(&token);
            assert_eq!(said["sub_id"]["uri"], at(&scene.group).as_str());
            said["events"].clone()
        });
        events.collect::<Vec<_>>()
    };
    let uri = |kind: &str| format!("urn:ietf:params:scim:event:prov:{kind}");
    refused(&scene.tool.patch(&at(&scene.group), scene.leave(0..6)).await, 409, "");
    assert_eq!(told().await, Vec::<Value>::new());
    scene.release().await;
    assert_eq!(told().await, [json!({ uri("patch:notice"): { "attributes": ["members"] } })]);
    scene.tool.patch(&at(&scene.group), scene.join(0..6)).await.expect(200);
    told().await;
    refused(&scene.tool.delete(&at(&scene.group)).await, 409, "");
    scene.release().await;
    assert_eq!(told().await, [json!({ uri("delete"): {} })]);
}

/// A refusal that says what is wrong goes before one that says to wait.
#[tokio::test]
async fn a_request_that_is_wrong_is_refused_and_not_held() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let wrong = json!([{ "op": "remove", "path": "members" }, { "op": "replace", "path": "displayName", "value": 7 }]);
    refused(&scene.tool.patch(&at(&scene.group), wrong).await, 400, "invalidValue");
    let headers = [("if-match", "W/\"77\"")];
    scene.tool.request("DELETE", &at(&scene.group), &headers, String::new()).await.has_status(412);
    assert_eq!(held(&scene.admin, &scene.tool).await, Value::Null);
}

#[tokio::test]
async fn in_a_dry_run_nothing_is_held() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    scene.admin.send("PATCH", &path(&scene.tool), &json!({ "dry_run": true })).await.expect(200);
    refused(&scene.tool.delete(&at(&scene.group)).await, 409, "");
    assert_eq!(held(&scene.admin, &scene.tool).await, Value::Null);
    let log = scene.tool.log(22).await;
    assert_eq!(log.iter().filter(|entry| entry.outcome == Outcome::Held).count(), 1, "what it would have been");
}
