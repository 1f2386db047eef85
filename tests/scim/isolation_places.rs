//! The organizations of others, where a tool names organizations, and the webhooks of others.

use std::collections::BTreeSet;

use castellan::{
    connections::{DefaultAssignment, Settings, Vendor},
    id::{OrganizationId, UserId, WebhookId},
    jobs::Message,
    organizations::Organization,
    secret::Secret,
    webhooks,
};
use serde_json::{Value, json};

use super::{CASTELLAN, Tool, active_at_once, at, defaults, outbox, refused};
use crate::support::Castellan;

/// Whoever is not below is as unknown as who never was, on every way of naming them; and nothing is done.
#[tokio::test]
async fn the_organizations_of_others_are_as_unknown_as_none() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let assignable = defaults(&castellan, &world.recover, &["viewer"]).await;
    let assignable = assignable.into_iter().map(|listed| DefaultAssignment { subtree: true, ..listed }).collect();
    let settings = Settings { assignable, ..active_at_once() };
    let tool = Tool::with(&castellan, &world.partner, Vendor::Generic, settings).await;
    let ada = tool.person("ada").await;
    let unknown = OrganizationId::new(castellan.now());
    let mut said = BTreeSet::new();
    for place in [world.provider.id, world.other_partner.id, world.other_client.id, unknown] {
        for subtree in [false, true] {
            let wanted = json!([{ "role": "recover:viewer", "organization": place, "subtree": subtree }]);
            let person = |name: &str| json!({ "userName": name, CASTELLAN: { "assignments": wanted } });
            let path = format!("{CASTELLAN}:assignments");
            let operations = json!([{ "op": "add", "path": path, "value": wanted }]);
            let bulk = json!({ "Operations": [
                { "method": "POST", "path": "/Users", "bulkId": "x", "data": person("bob") },
                { "method": "PUT", "path": at(&ada), "data": person("ada") },
                { "method": "PATCH", "path": at(&ada), "data": { "Operations": operations } },
            ] });
            let answers = [
                tool.post("/Users", &person("bob")).await,
                tool.put(&at(&ada), &person("ada")).await,
                tool.patch(&at(&ada), operations).await,
            ];
            for answer in &answers {
                refused(answer, 403, "");
                said.insert(answer.body.replace(&place.to_string(), "it"));
            }
            for outcome in tool.post("/Bulk", &bulk).await.expect(200)["Operations"].as_array().expect("a list") {
                assert_eq!(outcome["status"], "403", "{outcome}");
            }
        }
    }
    assert_eq!(said.len(), 1, "the same words for all of them: {said:?}");
    assert_eq!(tool.get(&at(&ada)).await.expect(200), ada);
    assert_eq!(tool.get("/Users").await.expect(200)["totalResults"], 1);
    let id: UserId = ada["id"].as_str().expect("an id").parse().expect("an id");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    assert!(castellan::access::list_of_user(&mut db, id).await.expect("a read").is_empty());
}

async fn webhook(castellan: &Castellan, organization: &Organization) -> WebhookId {
    let (id, now) = (organization.id, castellan.now());
    let master = std::sync::Arc::clone(&castellan.app.master);
    let made = castellan.write(async move |tx| {
        webhooks::insert(tx, &master, (id, "https://events.example.com/", &Secret::random()), now).await
    });
    made.await.id
}

/// An event goes to the webhooks of its own organization: to none above, below or beside it.
#[tokio::test]
async fn events_go_to_ones_own_webhooks() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut hooks = Vec::new();
    for organization in [&world.provider, &world.partner, &world.client, &world.other_partner, &world.other_client] {
        hooks.push((organization.id, webhook(&castellan, organization).await));
    }
    for organization in [&world.client, &world.partner, &world.other_client] {
        let tool = Tool::new(&castellan, organization).await;
        let zoe = tool.person(&format!("zoe-{}", tool.connection.id)).await;
        tool.patch(&at(&zoe), json!([{ "op": "add", "path": "title", "value": "x" }])).await.expect(200);
        tool.delete(&at(&zoe)).await.has_status(204);
        let told = outbox(&castellan).await.into_iter().filter_map(|message| match message {
            Message::Webhook { webhook, event } => Some((webhook, event)),
            _ => None,
        });
        let told: Vec<(WebhookId, Value)> = told.collect();
        assert_eq!(told.len(), 3);
        for (webhook, event) in told {
            assert!(hooks.contains(&(organization.id, webhook)), "{event}");
        }
    }
}
