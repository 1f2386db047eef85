//! What the tool and the administrators are told of whom they have asked, and of whom not.

use serde_json::{Value, json};

use super::{Scene, id};
use crate::{
    api::problem,
    scim::{CASTELLAN, at, outbox, refused},
    support::Castellan,
};

/// Whatever the tool asks, it reads what it has sent, and the same before and after.
#[tokio::test]
async fn nothing_of_the_other_account_is_told_nor_whether_they_have_joined() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let ordinary = scene.tool.person("ada@harbour.example").await;
    outbox(&castellan).await;
    let (resource, mail) = scene.ask().await;
    let everything =
        "attributes=userName,displayName,name,emails,active,title,externalId,roles,entitlements,groups,meta";
    let state =
        ["status", "lastLogin", "emailVerified", "mfa", "assignments"].map(|name| format!(",{CASTELLAN}:{name}"));
    let asked = [
        at(&resource),
        format!("{}?{everything}{}", at(&resource), state.concat()),
        format!("/Users?{everything}{}", state.concat()),
        "/Users?filter=userName%20eq%20%22zoe@northgate.example%22".to_owned(),
        "/Users?filter=active%20eq%20true%20and%20title%20eq%20%22Dentist%22".to_owned(),
        format!("/Users?filter={CASTELLAN}:status%20eq%20%22invited%22"),
        format!("/Users?filter={CASTELLAN}:status%20eq%20%22active%22"),
    ];
    let read = async || {
        let mut answers = Vec::new();
        for endpoint in &asked {
            let answer = scene.tool.get(endpoint).await;
            answer.has_status(200);
            answers.push((answer.header("etag").to_owned(), answer.body));
        }
        answers
    };
    let pending = read().await;
    castellan.advance(3600);
    scene.accept(&mail).await;
    castellan.signed_in(&scene.zoe).await;
    let joined = read().await;
    assert_eq!(pending, joined);
    for (_, body) in &joined {
        for told in ["Example", "relay", &scene.zoe.user.id.to_string(), "Northgate", "lastLogin"] {
            assert!(!body.contains(told), "{told}: {body}");
        }
    }
    // It reads like that of anybody who has not set a password yet.
    let state = |resource: &Value| {
        let endpoint =
            format!("{}?attributes=roles,{CASTELLAN}:status,{CASTELLAN}:mfa,{CASTELLAN}:emailVerified", at(resource));
        let tool = &scene.tool;
        async move {
            let mut shown = tool.get(&endpoint).await.expect(200);
            shown["id"] = Value::Null;
            shown
        }
    };
    assert_eq!(state(&resource).await, state(&ordinary).await);
    let log = serde_json::to_string(&scene.tool.log(1).await.iter().map(|entry| &entry.details.0).collect::<Vec<_>>());
    let log = log.expect("JSON");
    for told in ["Example", "relay", &scene.zoe.user.id.to_string(), "Northgate"] {
        assert!(!log.contains(told), "{told}: {log}");
    }
}

/// No identity moves from one account to another by a change of name.
#[tokio::test]
async fn a_stand_in_keeps_its_name_and_no_account_takes_one_that_lives_elsewhere() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (resource, _) = scene.ask().await;
    let ada = scene.tool.person("ada@harbour.example").await;
    castellan.person(&world.other_partner, "otto@northgate.example").create().await;
    let rename = |name: &str| json!([{ "op": "replace", "path": "userName", "value": name }]);
    let answer = scene.tool.patch(&at(&resource), rename("zoe@harbour.example")).await;
    refused(&answer, 400, "mutability");
    assert!(answer.body.contains("lives in another organization"), "{}", answer.body);
    refused(&scene.tool.put(&at(&resource), &json!({ "userName": "other" })).await, 400, "mutability");
    let spelt = scene.tool.patch(&at(&resource), rename("Zoe@Northgate.example")).await.expect(200);
    assert_eq!(spelt["userName"], "Zoe@Northgate.example");
    for taken in ["otto@northgate.example", "zoe@northgate.example"] {
        refused(&scene.tool.patch(&at(&ada), rename(taken)).await, 409, "uniqueness");
        refused(&scene.tool.put(&at(&ada), &json!({ "userName": taken })).await, 409, "uniqueness");
    }
    // A name of the same organization stays a conflict.
    castellan.person(&world.client, "dana@harbour.example").create().await;
    refused(&scene.tool.post("/Users", &json!({ "userName": "dana@harbour.example" })).await, 409, "uniqueness");
    scene.assert_untouched().await;
}

/// The organization's administrators see whom their tool has asked, and change nothing of it.
#[tokio::test]
async fn administrators_see_who_is_asked_and_who_has_joined() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let admin = scene.admin().await;
    let (resource, mail) = scene.ask().await;
    let users = format!("/organizations/{}/users", world.client.id);
    let list = admin.get(&format!("{users}?status=invited")).await.expect(200);
    assert_eq!(list["counts"], json!({ "active": 1, "invited": 1, "deactivated": 0 }));
    assert_eq!(list["users"][0]["asked_by"]["name"], "A tool");
    assert_eq!(list["users"][0]["display_name"], "Zoe of Harbour");
    let stand_in = format!("{users}/{}", id(&resource));
    let detail = admin.get(&stand_in).await.expect(200);
    assert_eq!((&detail["allowed"], &detail["asked_by"]["name"]), (&json!([]), &json!("A tool")));
    for act in ["deactivate", "reactivate", "reset-password", "reset-mfa", "invite"] {
        assert_eq!(problem(&admin.post(&format!("{stand_in}/{act}")).await, 409), "owned-by-connection", "{act}");
    }
    let names = json!({ "given_name": "X" });
    assert_eq!(problem(&admin.send("PATCH", &stand_in, &names).await, 409), "owned-by-connection");
    assert_eq!(problem(&admin.send("DELETE", &stand_in, &Value::Null).await, 409), "owned-by-connection");
    let roles = json!({ "roles": ["operator"] });
    let given = admin.send("PUT", &format!("{stand_in}/products/recover"), &roles).await;
    assert_eq!(problem(&given, 409), "owned-by-connection");

    scene.accept(&mail).await;
    let list = admin.get(&users).await.expect(200);
    assert_eq!(list["counts"], json!({ "active": 2, "invited": 0, "deactivated": 0 }));
    let listed = list["users"].as_array().expect("users").iter().find(|user| user["member"] == true).expect("Zoe");
    assert_eq!((&listed["id"], &listed["asked_by"]), (&json!(scene.zoe.user.id), &Value::Null));
    assert_eq!((&listed["email"], &listed["last_login_at"]), (&Value::Null, &Value::Null));
    let member = format!("{users}/{}", scene.zoe.user.id);
    for act in ["deactivate", "reset-password", "reset-mfa"] {
        assert_eq!(problem(&admin.post(&format!("{member}/{act}")).await, 403), "above-you", "{act}");
    }
}
