//! The first start (security.md row 83): a link that works once, and nothing to guess.

use castellan::{
    access::{Actor, is_last_administrator},
    organizations, setup,
    users::{self, LoginName, Realm},
};

use crate::support::{Browser, Castellan};

const FIELDS: &[(&str, &str)] = &[
    ("provider", "Northwall Software"),
    ("given_name", "Ines"),
    ("family_name", "Duarte"),
    ("username", "ines@northwall.example"),
    ("new-password", "lighthouse ferry quartz"),
    ("new-password-again", "lighthouse ferry quartz"),
];

async fn link(castellan: &Castellan) -> String {
    let link = setup::offer(&castellan.app).await.expect("a write").expect("a link");
    link.strip_prefix("http://localhost:8080").expect("our URL").to_owned()
}

async fn submit(browser: &mut Browser<'_>, link: &str, fields: &[(&str, &str)]) -> crate::support::Answer {
    let page = browser.get(link).await;
    page.has_status(200);
    let (action, mut all) = page.form("setup-form");
    all.retain(|(name, _)| !fields.iter().any(|(field, _)| field == name));
    let hidden = all.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<_> = hidden.chain(fields.iter().copied()).collect();
    browser.post_once(&action, &all, &[]).await
}

#[tokio::test]
async fn the_link_makes_the_provider_and_its_administrator_once() {
    let castellan = Castellan::start().await;
    let link = link(&castellan).await;
    let mut browser = castellan.browser();
    let answer = submit(&mut browser, &link, FIELDS).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/portal"));

    let mut db = castellan.app.store.reader().await.expect("a reader");
    let provider = organizations::provider(&mut db).await.expect("a read").expect("a provider");
    assert_eq!(provider.name, "Northwall Software");
    let login = LoginName::parse("ines@northwall.example").expect("a name");
    let ines = users::find_by_login_name(&mut db, Realm::Portal, &login).await.expect("a read").expect("Ines");
    assert!(is_last_administrator(&mut db, provider.id, ines.id, castellan.now()).await.expect("a read"));
    let actor = Actor::user(&mut db, ines.id, castellan.now()).await.expect("an actor");
    assert!(actor.may(&mut db, "portal:clients:manage", provider.id).await.expect("a read"));

    // The route is gone, for this link and for any other; a restart offers none.
    assert_eq!(browser.get(&link).await.status, 404);
    assert_eq!(castellan.get("/setup").await.status, 404);
    assert!(setup::offer(&castellan.app).await.expect("a read").is_none());
}

#[tokio::test]
async fn looking_at_the_link_spends_nothing_and_another_start_voids_it() {
    let castellan = Castellan::start().await;
    let first = link(&castellan).await;
    for _ in 0..3 {
        assert_eq!(castellan.get(&first).await.status, 200);
    }
    let second = link(&castellan).await;
    assert_eq!(castellan.get(&first).await.status, 404);
    assert_eq!(castellan.get(&second).await.status, 200);
    assert_eq!(castellan.get("/setup?token=guessed").await.status, 404);
    assert_eq!(castellan.get("/setup").await.status, 404);
}

#[tokio::test]
async fn of_two_who_send_the_form_at_once_one_succeeds() {
    let castellan = Castellan::start().await;
    let link = link(&castellan).await;
    let (mut one, mut other) = (castellan.browser(), castellan.browser());
    let (one, other) = tokio::join!(submit(&mut one, &link, FIELDS), submit(&mut other, &link, FIELDS));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404]);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_makes_nothing() {
    let castellan = Castellan::start().await;
    let link = link(&castellan).await;
    let wrong = [
        ("provider", "  "),
        ("family_name", ""),
        ("username", "no address"),
        ("new-password", "short"),
        ("new-password-again", "lighthouse ferry quartz!"),
    ];
    for (field, value) in wrong {
        let fields: Vec<_> =
            FIELDS.iter().map(|(name, good)| if *name == field { (*name, value) } else { (*name, *good) }).collect();
        let mut browser = castellan.browser();
        let answer = submit(&mut browser, &link, &fields).await;
        assert_eq!(answer.status, 422, "{field}");
        let marked = if field == "new-password" { "new-password-again" } else { field };
        assert!(answer.body.contains(&format!("id=\"{marked}-error\"")), "{field}: {}", answer.body);
    }
    let mut db = castellan.app.store.reader().await.expect("a reader");
    assert!(organizations::provider(&mut db).await.expect("a read").is_none());
}
