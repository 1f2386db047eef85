//! The page at which somebody who has an account joins another organization, or does not.

use castellan::{action_tokens::Purpose, users};

use super::{
    sign_in::field,
    walk::{link, type_both},
};
use crate::{
    scim::{
        active_at_once,
        joins::{Scene, id, path},
    },
    support::{Browser, Castellan},
};

/// The link is opened in a browser where nobody is signed in: the usual sign-in, and back.
#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_and_comes_back() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (_, mail) = scene.ask().await;
    let mut browser = castellan.browser();
    let page = browser.get(path(&mail)).await;
    assert!(page.url.contains("/login?flow="), "{}", page.url);
    let page = browser.submit(&page, "login-form", &[("username", scene.zoe.login())]).await;
    let page = browser.submit(&page, "login-form", &[("password", &scene.zoe.password)]).await;
    assert!(page.url.ends_with(path(&mail)), "{} {}", page.url, page.body);
    assert!(page.text_of("join-gives").is_some_and(|text| text.contains("recover") && text.contains("viewer")));
    assert!(page.body.contains("Join Harbour Dental?") && page.body.contains(scene.zoe.login()));
    assert!(scene.roles().await.is_empty(), "looking gives nothing");
    let page = browser.submit(&page, "join-accept", &[]).await;
    assert!(page.text_of("join-done").is_some(), "{}", page.body);
    assert_eq!(scene.roles().await, ["viewer"]);
}

#[tokio::test]
async fn a_link_works_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (_, mail) = scene.ask().await;
    let mut browser = castellan.signed_in(&scene.zoe).await;
    let page = browser.get(path(&mail)).await;
    let again = browser.get(path(&mail)).await;
    browser.submit(&page, "join-accept", &[]).await.has_status(200);
    browser.submit(&again, "join-decline", &[]).await.has_status(410);
    assert!(browser.get(path(&mail)).await.has_status(410).has_element("link-over"));
    assert_eq!(scene.roles().await, ["viewer"], "the second answer counts for nothing");
    assert_eq!(castellan.audited(world.client.id, "membership.declined").await.len(), 0);
}

#[tokio::test]
async fn who_declines_holds_nothing() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (_, mail) = scene.ask().await;
    let mut browser = castellan.signed_in(&scene.zoe).await;
    let page = browser.get(path(&mail)).await;
    let page = browser.submit(&page, "join-decline", &[]).await;
    assert!(page.body.contains("You have declined"), "{}", page.body);
    assert!(scene.roles().await.is_empty());
    browser.get(path(&mail)).await.has_status(410);
    assert_eq!(castellan.audited(world.client.id, "membership.declined").await.len(), 1);
}

/// Row 148: another account opens the link, and nothing happens but that it is told so.
#[tokio::test]
async fn another_account_is_told_so_and_the_question_stays() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (_, mail) = scene.ask().await;
    let otto = castellan.person(&world.other_partner, "otto@northgate.example").password().create().await;
    let mut other = castellan.signed_in(&otto).await;
    let page = other.get(path(&mail)).await;
    assert!(page.has_status(403).has_element("join-other"));
    assert!(!page.body.contains("Harbour") && !page.body.contains(scene.zoe.login()), "{}", page.body);
    let (csrf, token) = (field(&other.get("/login/forgotten").await, "csrf"), token(&mail));
    let fields = [("csrf", csrf.as_str()), ("token", token), ("decision", "accept")];
    other.post_once("/login/join", &fields, &[]).await.has_status(403);
    assert!(scene.roles().await.is_empty());
    scene.accept(&mail).await;
    assert_eq!(scene.roles().await, ["viewer"]);
}

#[tokio::test]
async fn forms_of_other_sites_and_browsers_answer_nothing() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (_, mail) = scene.ask().await;
    let mut browser = castellan.signed_in(&scene.zoe).await;
    let csrf = field(&browser.get(path(&mail)).await, "csrf");
    let fields = [("csrf", csrf.as_str()), ("token", token(&mail)), ("decision", "accept")];
    browser.post_once("/login/join", &fields, &[("origin", "https://evil.example")]).await.has_status(403);
    let bare = [("csrf", "x"), ("token", token(&mail)), ("decision", "accept")];
    browser.post_once("/login/join", &bare, &[]).await.has_status(403);
    assert!(scene.roles().await.is_empty());
}

#[tokio::test]
async fn a_link_that_is_old_withdrawn_or_of_another_kind_is_over() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (resource, mail) = scene.ask().await;
    let over = async |browser: &mut Browser<'_>, path: &str| browser.get(path).await.status == 410;
    let mut browser = castellan.signed_in(&scene.zoe).await;
    let page = browser.get(path(&mail)).await;
    // Row 14: no purpose passes for another.
    let reset = link(&castellan, scene.zoe.user.id, Purpose::ResetPassword).await;
    assert!(over(&mut browser, &format!("/login/join?token={reset}")).await);
    assert!(over(&mut browser, &format!("/login/reset?token={}", token(&mail))).await);
    assert!(over(&mut browser, &format!("/login/activate?token={}", token(&mail))).await);
    assert!(over(&mut browser, "/login/join").await);
    scene.tool.delete(&crate::scim::at(&resource)).await.has_status(204);
    assert!(over(&mut browser, path(&mail)).await);
    browser.submit(&page, "join-accept", &[]).await.has_status(410);
    let (_, mail) = scene.ask().await;
    castellan.advance(7 * 24 * 3600);
    assert!(over(&mut browser, path(&mail)).await, "whoever is signed in or not");
    assert!(scene.roles().await.is_empty());
}

/// A stand-in is no account: nobody signs in by it, and no link of an account goes to it.
#[tokio::test]
async fn what_the_tool_sends_opens_nothing() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::with(&castellan, &world, active_at_once()).await;
    let (resource, _) = scene.ask().await;
    let mut db = castellan.app.store.reader().await.expect("a reader");
    assert!(users::password::find(&mut db, id(&resource)).await.expect("a read").is_none());
    drop(db);
    for name in ["zoe@northgate.example", "zoe@harbour.example"] {
        let mut browser = castellan.browser();
        let page = type_both(&mut browser, name, "seven grey geese in a row").await;
        page.has_status(422);
        let page = browser.get("/login/forgotten").await;
        browser.submit(&page, "login-form", &[("username", name)]).await.has_status(200);
    }
    castellan::background::settle(&castellan.app).await.expect("the jobs run");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let found = users::find_by_email(&mut db, users::Realm::Portal, "zoe@harbour.example").await.expect("a read");
    assert!(found.is_empty());
}

fn token(mail: &castellan::mail::Mail) -> &str {
    path(mail).split_once("token=").expect("a token").1
}
