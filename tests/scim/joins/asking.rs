//! When the person is asked to join, and that nothing is theirs before they accept.

use castellan::users::Status;
use serde_json::Value;

use super::{Scene, believed, id, path, row};
use crate::{
    api::caller,
    scim::{Tool, at, mails, refused},
    support::Castellan,
};

#[tokio::test]
async fn the_person_is_asked_and_holds_nothing_until_they_accept() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (resource, mail) = scene.ask().await;
    let mut sent = believed();
    sent.as_object_mut().expect("an object").remove("password");
    for (name, value) in sent.as_object().expect("an object") {
        assert_eq!(&resource[name], value, "{name}");
    }
    assert_eq!(mail.subject, "Harbour Dental would like you to join");
    assert!(scene.roles().await.is_empty(), "pending gives nothing");
    assert!(!scene.is_member().await);
    let mut browser = castellan.signed_in(&scene.zoe).await;
    let answer = browser.get(&scene.recover.authorization_request().url()).await;
    assert!(!answer.status.is_redirection() || answer.location_parameter("code").is_none(), "nor a code");

    scene.accept(&mail).await;
    assert_eq!(scene.roles().await, ["viewer"]);
    assert!(scene.is_member().await);
    scene.sign_in().await;
    scene.assert_untouched().await;
    let asked = castellan.audited(world.client.id, "membership.proposed").await;
    let accepted = castellan.audited(world.client.id, "membership.accepted").await;
    assert_eq!((asked.len(), accepted.len()), (1, 1));
    assert_eq!(accepted[0].actor_id, Some(scene.zoe.user.id.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_make_one_stand_in() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let sent = believed();
    let answers = futures_util::future::join_all((0..50).map(|_| scene.tool.post("/Users", &sent))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status.as_u16() == status).count();
    assert_eq!((count(201), count(409)), (1, 49));
    refused(answers.iter().find(|answer| answer.status == 409).expect("a refusal"), 409, "uniqueness");
    assert_eq!(scene.tool.get("/Users").await.expect(200)["totalResults"], 1);
}

/// Tools say `active: true` with every run. A decision, or none, stands as long as a link would have.
#[tokio::test]
async fn nobody_is_asked_again_while_the_last_question_stands() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (resource, mail) = scene.ask().await;
    let mut browser = castellan.signed_in(&scene.zoe).await;
    let page = browser.get(path(&mail)).await;
    browser.submit(&page, "join-decline", &[]).await.has_status(200);
    assert_eq!(scene.activate(&resource, true).await, resource);
    scene.tool.put(&at(&resource), &believed()).await.expect(200);
    assert!(scene.invitation().await.is_none());
    castellan.advance(7 * 24 * 3600);
    assert_eq!(scene.activate(&resource, true).await["meta"], resource["meta"], "nothing of the resource changes");
    let again = scene.invitation().await.expect("another mail");
    scene.accept(&again).await;
    castellan.advance(7 * 24 * 3600);
    scene.activate(&resource, true).await;
    assert!(scene.invitation().await.is_none(), "who has joined is not asked");
}

/// Row 129: however often, and by however many connections; the account's own mails are not used up by it.
#[tokio::test]
async fn a_person_gets_so_many_invitations_an_hour() {
    let castellan = Castellan::start_with(|config| config.limits.account_mails_per_hour = 5).await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let other = Tool::new(&castellan, &world.partner).await;
    let mut mailed = 0;
    for tool in [&scene.tool, &other, &scene.tool, &other, &scene.tool, &other, &scene.tool, &other] {
        let resource = tool.post("/Users", &believed()).await.expect(201);
        mailed += usize::from(scene.invitation().await.is_some());
        tool.delete(&at(&resource)).await.has_status(204);
    }
    assert_eq!(mailed, 5);
    assert_eq!(castellan.audited(world.client.id, "mail.withheld").await.len(), 1);
    let at_home = caller(&castellan, &world.other_partner, "olga@northgate.example", "administrator").await;
    let account = format!("/organizations/{}/users/{}", world.other_partner.id, scene.zoe.user.id);
    at_home.post(&format!("{account}/reset-password")).await.has_status(204);
    let mails = mails(&castellan).await;
    assert!(mails.iter().any(|mail| mail.contains("Set a new password")), "{mails:?}");
}

/// The account may end meanwhile; the tool is told nothing of it.
#[tokio::test]
async fn whose_account_has_ended_is_not_mailed_and_a_removed_name_is_free() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let at_home = caller(&castellan, &world.other_partner, "olga@northgate.example", "administrator").await;
    let account = format!("/organizations/{}/users/{}", world.other_partner.id, scene.zoe.user.id);
    at_home.post(&format!("{account}/deactivate")).await.has_status(204);
    let resource = scene.tool.post("/Users", &believed()).await.expect(201);
    assert!(scene.invitation().await.is_none());
    at_home.post(&format!("{account}/reactivate")).await.has_status(204);
    scene.activate(&resource, true).await;
    let mail = scene.invitation().await.expect("a mail");
    scene.accept(&mail).await;
    at_home.send("DELETE", &account, &Value::Null).await.has_status(204);
    assert_eq!(scene.tool.get(&at(&resource)).await.expect(200), resource);
    assert_eq!(row(&castellan, id(&resource)).await.status, Status::Invited);
    refused(&scene.tool.post("/Users", &believed()).await, 409, "uniqueness");
    let elsewhere = Tool::new(&castellan, &world.partner).await;
    elsewhere.person("zoe@northgate.example").await;
    assert!(scene.roles().await.is_empty());
}
