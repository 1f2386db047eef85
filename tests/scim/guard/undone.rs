//! What comes back with people whose ending the guard undoes.

use castellan::{
    access,
    connections::{GroupRole, OnDelete, Settings},
    id::UserId,
    products::Product,
};
use serde_json::{Value, json};

use super::{deactivate, guarded, path, staffed};
use crate::{
    api::{caller, switch_products_on},
    scim::{GROUP, Tool, at, defaults, refused},
    support::{Castellan, World},
};

/// Settings under which DELETE deactivates, and the group Operators gives a role of Recover.
async fn keeping(castellan: &Castellan, world: &World) -> Settings {
    switch_products_on(castellan, world, &world.partner).await;
    let operator = defaults(castellan, &world.recover, &["operator"]).await.remove(0);
    let rule = GroupRole {
        group: "Operators".to_owned(),
        product: operator.product,
        roles: operator.roles,
        subtree: true,
        origin: None,
    };
    Settings { on_delete: OnDelete::Deactivate, group_roles: vec![rule], ..guarded(20, 2) }
}

/// Whether somebody holds anything of the product now.
async fn holds(castellan: &Castellan, person: &Value, product: &Product) -> bool {
    let id: UserId = person["id"].as_str().expect("an id").parse().expect("an id");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let held = access::entitlement(&mut db, access::Subject::User(id), product.id, castellan.now()).await;
    held.expect("a read").is_some()
}

/// The members of a group, by their places among the staff.
async fn members(tool: &Tool<'_>, group: &Value, staff: &[Value]) -> Vec<usize> {
    let group = tool.get(&at(group)).await.expect(200);
    let is_in = |person: &Value| {
        group["members"].as_array().is_some_and(|members| members.iter().any(|member| member["value"] == person["id"]))
    };
    staff.iter().enumerate().filter(|(_, person)| is_in(person)).map(|(place, _)| place).collect()
}

#[tokio::test]
async fn whoever_the_guard_takes_back_is_in_their_groups_again() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let settings = keeping(&castellan, &world).await;
    let (tool, staff) = staffed(&castellan, &world, settings, 10).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let operators = tool.group("Operators", &[&staff[0], &staff[2]]).await;
    let shift = tool.group("Night shift", &[&staff[0], &staff[1]]).await;
    let closed = tool.group("Closed", &[&staff[0]]).await;
    for person in &staff[..2] {
        tool.delete(&at(person)).await.has_status(204);
    }
    assert_eq!(members(&tool, &operators, &staff).await, [2]);
    assert!(!holds(&castellan, &staff[0], &world.recover).await);
    tool.delete(&at(&closed)).await.has_status(204);
    let version = tool.get(&at(&operators)).await.expect(200)["meta"]["version"].clone();

    refused(&tool.delete(&at(&staff[2])).await, 409, "");
    assert_eq!(members(&tool, &operators, &staff).await, [0, 2]);
    assert_eq!(members(&tool, &shift, &staff).await, [0, 1]);
    refused(&tool.get(&at(&closed)).await, 404, "");
    assert!(holds(&castellan, &staff[0], &world.recover).await, "and holds what the group gives");
    assert_ne!(tool.get(&at(&operators)).await.expect(200)["meta"]["version"], version);

    admin.post(&format!("{}/held/release", path(&tool))).await.expect(200);
    assert_eq!(members(&tool, &operators, &staff).await, Vec::<usize>::new());
    assert!(!holds(&castellan, &staff[0], &world.recover).await);
}

/// DELETE ends memberships, as RFC 7644 has it, and POST makes a person who is in no group: which ones they are in is
/// the group's to say, and a tool that has deleted somebody may mean somebody who comes back to other work.
#[tokio::test]
async fn a_person_who_was_deleted_and_comes_again_is_in_no_group_until_the_tool_says_so() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let settings = keeping(&castellan, &world).await;
    let (tool, staff) = staffed(&castellan, &world, settings, 10).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let operators = tool.group("Operators", &[&staff[0]]).await;
    tool.delete(&at(&staff[0])).await.has_status(204);
    let again = json!({ "userName": "p0@brackwater.example", "externalId": "E0" });
    let back = tool.post("/Users", &again).await.expect(201);
    assert_eq!((&back["id"], &back["active"], back.get("groups")), (&staff[0]["id"], &json!(true), None));
    assert_eq!(members(&tool, &operators, &staff).await, Vec::<usize>::new());
    assert!(!holds(&castellan, &staff[0], &world.recover).await);
    // Not even when the guard undoes a run that comes after: to it they have not been ended.
    for person in &staff[1..3] {
        tool.delete(&at(person)).await.has_status(204);
    }
    refused(&tool.delete(&at(&staff[3])).await, 409, "");
    assert_eq!(members(&tool, &operators, &staff).await, Vec::<usize>::new());

    let all = json!({ "schemas": [GROUP], "displayName": "Operators", "members": [{ "value": staff[0]["id"] }] });
    tool.put(&at(&operators), &all).await.expect(200);
    assert!(holds(&castellan, &staff[0], &world.recover).await);

    // Whoever is only deactivated stays where they are.
    admin.post(&format!("{}/held/discard", path(&tool))).await.expect(200);
    castellan.advance(3601);
    assert_eq!(deactivate(&tool, &staff[0]).await, 200);
    assert_eq!(members(&tool, &operators, &staff).await, [0]);
}
