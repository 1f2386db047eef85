//! What webhooks are told of the guard's work (RFC 9967): what it takes back, and what an administrator lets through.

use castellan::{
    background,
    connections::{OnDelete, Settings},
};
use serde_json::{Value, json};

use super::{active, deactivate, guarded, path, staffed};
use crate::{
    api::{Caller, caller},
    scim::{Tool, at, refused, webhooks::Receiver},
    support::{Castellan, PUBLIC_URL, World, claims},
};

/// A guarded tool, an administrator, and a webhook of the organization.
struct Scene<'c> {
    castellan: &'c Castellan,
    tool: Tool<'c>,
    staff: Vec<Value>,
    admin: Caller<'c>,
    receiver: Receiver,
}

impl<'c> Scene<'c> {
    async fn start(castellan: &'c Castellan, world: &'c World, settings: Settings) -> Self {
        let admin = caller(castellan, &world.partner, "mara@brackwater.example", "administrator").await;
        let receiver = Receiver::start().await;
        let (tool, staff) = staffed(castellan, world, settings, 10).await;
        let hooks = format!("/organizations/{}/webhooks", world.partner.id);
        admin.send("POST", &hooks, &json!({ "url": receiver.url })).await.expect(201);
        Self { castellan, tool, staff, admin, receiver }
    }

    /// What has been told since the last time, each with its place among the staff, by these since the clock stands
    /// still; and the transactions.
    async fn told(&self) -> (Vec<(String, usize)>, Vec<String>) {
        background::settle(&self.castellan.app).await.expect("deliveries");
        let (mut told, mut transactions) = (Vec::new(), Vec::new());
        for (_, _, token) in self.receiver.take() {
            let said = claims(&token);
            assert_eq!(said["iss"], PUBLIC_URL);
            assert_eq!(said["aud"], format!("{PUBLIC_URL}{}", self.tool.path("")));
            let uri = said["sub_id"]["uri"].as_str().expect("a URI");
            let place = self.staff.iter().position(|person| at(person) == uri).expect("one of the staff");
            assert_eq!(said["sub_id"]["externalId"], self.staff[place]["externalId"]);
            let (kind, _) = said["events"].as_object().expect("events").iter().next().expect("one");
            let kind = kind.strip_prefix("urn:ietf:params:scim:event:prov:").expect("provisioning");
            told.push((kind.to_owned(), place));
            transactions.push(said["txn"].as_str().expect("a transaction").to_owned());
        }
        told.sort_by(|(a, x), (b, y)| (x, a).cmp(&(y, b)));
        transactions.sort();
        transactions.dedup();
        (told, transactions)
    }

    async fn release(&self) -> Value {
        self.admin.post(&format!("{}/held/release", path(&self.tool))).await.expect(200)
    }
}

fn events(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected.iter().map(|(kind, place)| ((*kind).to_owned(), *place)).collect()
}

async fn castellan() -> Castellan {
    Castellan::start_with(|config| config.allow_private_outbound = true).await
}

#[tokio::test]
async fn deactivations_that_are_taken_back_and_then_let_through_are_told() {
    let castellan = castellan().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world, guarded(20, 2)).await;
    for person in &scene.staff[..2] {
        assert_eq!(deactivate(&scene.tool, person).await, 200);
    }
    assert_eq!(scene.told().await.0, events(&[("deactivate", 0), ("deactivate", 1)]));
    assert_eq!(deactivate(&scene.tool, &scene.staff[2]).await, 409);
    let (told, transactions) = scene.told().await;
    assert_eq!(told, events(&[("activate", 0), ("activate", 1)]), "who is held has not changed");
    assert_eq!(transactions.len(), 1, "one request has taken them back");

    // Whom an administrator has deactivated meanwhile nothing happens to any more.
    let id = scene.staff[0]["id"].as_str().expect("an id");
    scene.admin.post(&format!("/organizations/{}/users/{id}/deactivate", world.partner.id)).await.has_status(204);
    assert_eq!(scene.release().await["decided"], 3);
    let (told, transactions) = scene.told().await;
    assert_eq!(told, events(&[("deactivate", 1), ("deactivate", 2)]));
    assert_eq!(transactions.len(), 1, "one decision");
}

#[tokio::test]
async fn what_is_discarded_is_told_to_nobody() {
    let castellan = castellan().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world, guarded(20, 2)).await;
    let operations: Vec<Value> = scene.staff[..4]
        .iter()
        .map(|person| {
            let off = json!([{ "op": "replace", "path": "active", "value": false }]);
            json!({ "method": "PATCH", "path": at(person), "data": { "Operations": off } })
        })
        .collect();
    scene.tool.post("/Bulk", &json!({ "Operations": operations })).await.expect(200);
    scene.admin.post(&format!("{}/held/discard", path(&scene.tool))).await.expect(200);
    assert_eq!((scene.told().await.0, active(&scene.tool).await), (Vec::new(), 10));
}

/// A Bulk request that is held whole takes back what single requests of the same run had ended before.
#[tokio::test]
async fn whom_a_bulk_request_brings_back_is_told() {
    let castellan = castellan().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world, guarded(20, 2)).await;
    assert_eq!(deactivate(&scene.tool, &scene.staff[0]).await, 200);
    scene.told().await;
    let operations: Vec<Value> =
        scene.staff[1..5].iter().map(|person| json!({ "method": "DELETE", "path": at(person) })).collect();
    scene.tool.post("/Bulk", &json!({ "Operations": operations })).await.expect(200);
    assert_eq!(scene.told().await.0, events(&[("activate", 0)]));
    scene.release().await;
    let told = scene.told().await.0;
    assert_eq!(told, events(&[("deactivate", 0), ("delete", 1), ("delete", 2), ("delete", 3), ("delete", 4)]));
}

/// DELETE that deactivates: the resource is gone for the tool, is there again, and goes.
#[tokio::test]
async fn deletions_that_are_taken_back_and_then_let_through_are_told() {
    let castellan = castellan().await;
    let world = castellan.world().await;
    let settings = Settings { on_delete: OnDelete::Deactivate, ..guarded(20, 2) };
    let scene = Scene::start(&castellan, &world, settings).await;
    for person in &scene.staff[..2] {
        scene.tool.delete(&at(person)).await.has_status(204);
    }
    let gone = [("deactivate", 0), ("delete", 0), ("deactivate", 1), ("delete", 1), ("deactivate", 2), ("delete", 2)];
    assert_eq!(scene.told().await.0, events(&gone[..4]));
    refused(&scene.tool.delete(&at(&scene.staff[2])).await, 409, "");
    let back = [("activate", 0), ("create:notice", 0), ("activate", 1), ("create:notice", 1)];
    assert_eq!(scene.told().await.0, events(&back));
    scene.release().await;
    assert_eq!(scene.told().await.0, events(&gone));
}
