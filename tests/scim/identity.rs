//! What it means that a tool changes a login name or an address (security.md rows 29, 92): the person is told where
//! they were, and nobody else's name or address ever leads to another account.

use castellan::{
    id::UserId,
    jobs::{Letter, Message},
    mfa::{BoundTo, email_code},
    users::{self, User},
};
use serde_json::{Value, json};

use super::{Tool, active_at_once, at, outbox, refused, settings};
use crate::{
    api::delivered,
    support::{Castellan, Person},
};

fn id(resource: &Value) -> UserId {
    resource["id"].as_str().expect("an id").parse().expect("an id")
}

async fn row(castellan: &Castellan, id: UserId) -> User {
    let mut db = castellan.app.store.reader().await.expect("a reader");
    users::find(&mut db, id).await.expect("a read").expect("a user")
}

async fn prove_address(castellan: &Castellan, id: UserId) {
    let now = castellan.now();
    castellan.write(async move |tx| users::verify_email(tx, id, now).await).await;
}

/// The mails in the outbox.
async fn letters(castellan: &Castellan) -> Vec<Letter> {
    let messages = outbox(castellan).await.into_iter();
    messages.filter_map(|message| if let Message::Mail(letter) = message { Some(letter) } else { None }).collect()
}

fn to(letters: &[Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.to.as_str()).collect()
}

/// A tool of the client organization whose people are active at once.
async fn tool(castellan: &Castellan) -> Tool<'_> {
    let world = castellan.world().await;
    Tool::with(castellan, &world.client, castellan::connections::Vendor::Generic, active_at_once()).await
}

#[tokio::test]
async fn whoever_reads_the_old_address_is_told_what_changed_and_by_whom() {
    let castellan = Castellan::start().await;
    let tool = tool(&castellan).await;
    let sent = json!({ "userName": "ada", "emails": [{ "value": "ada@harbour.example", "primary": true }] });
    let person = tool.post("/Users", &sent).await.expect(201);
    assert!(letters(&castellan).await.is_empty());

    // The name alone: the reader is still the person, and needs the new one.
    let renamed = json!([{ "op": "replace", "path": "userName", "value": "ada.ash" }]);
    tool.patch(&at(&person), renamed).await.expect(200);
    let told = letters(&castellan).await;
    assert_eq!(to(&told), ["ada@harbour.example"]);
    assert_eq!(told[0].subject, "Your account at Harbour Dental was changed");
    for text in [&told[0].text, &told[0].html] {
        for part in ["A tool", "Harbour Dental", "sign in as ada.ash", "24 November 2026", "administrators"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("another address"), "{text}");
    }

    // The address: the new one stands in no mail to the old one.
    let put = json!({ "userName": "ada.ash", "emails": [{ "value": "mole@elsewhere.example" }] });
    tool.put(&at(&person), &put).await.expect(200);
    let told = letters(&castellan).await;
    assert_eq!(to(&told), ["ada@harbour.example"]);
    for text in [&told[0].text, &told[0].html] {
        assert!(text.contains("another address") && !text.contains("mole@"), "{text}");
    }

    // Both at once are one mail, and neither new value stands in it.
    let put = json!({ "userName": "mole", "emails": [{ "value": "mole@burrow.example" }] });
    tool.put(&at(&person), &put).await.expect(200);
    let told = letters(&castellan).await;
    assert_eq!(to(&told), ["mole@elsewhere.example"]);
    assert!(told[0].text.contains("as ada.ash") && !told[0].text.contains("as mole"), "{}", told[0].text);
    assert!(!told[0].text.contains("burrow"), "{}", told[0].text);

    // An address that goes away is told too.
    tool.put(&at(&person), &json!({ "userName": "mole" })).await.expect(200);
    assert_eq!(to(&letters(&castellan).await), ["mole@burrow.example"]);
}

#[tokio::test]
async fn a_person_who_comes_back_elsewhere_is_told_where_they_were() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let settings = castellan::connections::Settings {
        on_delete: castellan::connections::OnDelete::Deactivate,
        ..active_at_once()
    };
    let tool = Tool::with(&castellan, &world.client, castellan::connections::Vendor::Generic, settings).await;
    let sent = |email: &str| json!({ "userName": "ada", "emails": [{ "value": email }] });
    let person = tool.post("/Users", &sent("ada@harbour.example")).await.expect(201);
    tool.delete(&at(&person)).await.has_status(204);
    letters(&castellan).await;
    let again = tool.post("/Users", &sent("ada@new.example")).await.expect(201);
    assert_eq!(again["id"], person["id"]);
    let told = letters(&castellan).await;
    let mut addresses = to(&told);
    addresses.sort_unstable();
    assert_eq!(addresses, ["ada@harbour.example", "ada@new.example"], "a notice there, an invitation here");
}

#[tokio::test]
async fn what_changes_neither_is_told_to_nobody() {
    let castellan = Castellan::start().await;
    let tool = tool(&castellan).await;
    let sent = json!({ "userName": "ada", "emails": [{ "value": "ada@harbour.example", "primary": true }] });
    let person = tool.post("/Users", &sent).await.expect(201);
    let nameless = tool.post("/Users", &json!({ "userName": "bob" })).await.expect(201);
    for operation in [
        json!({ "op": "replace", "path": "title", "value": "Boss" }),
        json!({ "op": "replace", "path": "userName", "value": "ADA" }),
        json!({ "op": "add", "path": "emails", "value": [{ "value": "a@home.example", "type": "home" }] }),
    ] {
        tool.patch(&at(&person), json!([operation])).await.expect(200);
        assert!(letters(&castellan).await.is_empty(), "{operation}");
    }
    // Nor can anybody be told who had no address, and a refused change tells nothing.
    tool.patch(&at(&nameless), json!([{ "op": "replace", "path": "userName", "value": "rob" }])).await.expect(200);
    let both = json!([
        { "op": "replace", "path": "emails[type eq \"home\"].value", "value": "b@home.example" },
        { "op": "replace", "path": "emails[primary eq true].value", "value": "x@home.example" },
        { "op": "replace", "path": "userName", "value": "rob" },
    ]);
    refused(&tool.patch(&at(&person), both).await, 409, "uniqueness");
    assert!(letters(&castellan).await.is_empty());
}

#[tokio::test]
async fn one_address_is_not_flooded_with_notices() {
    let castellan = Castellan::start().await;
    let tool = tool(&castellan).await;
    let sent = json!({ "userName": "ada", "emails": [{ "value": "ada@harbour.example" }] });
    let person = tool.post("/Users", &sent).await.expect(201);
    for number in 0..8 {
        let renamed = json!([{ "op": "replace", "path": "userName", "value": format!("ada{number}") }]);
        tool.patch(&at(&person), renamed).await.expect(200);
    }
    assert_eq!(letters(&castellan).await.len(), 5);
    assert_eq!(castellan.audited(tool.connection.organization_id, "mail.withheld").await.len(), 3);
}

/// An address that nobody has proven is unproven again, and what was mailed to the old one is void.
#[tokio::test]
async fn links_and_codes_at_the_old_address_open_nothing() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::with(&castellan, &world.client, castellan::connections::Vendor::Generic, settings()).await;
    let sent = json!({ "userName": "ada", "emails": [{ "value": "ada@harbuor.example" }] });
    let person = tool.post("/Users", &sent).await.expect(201);
    let link = letters(&castellan).await[0].links[0].clone();
    castellan.get(&link).await.has_status(200);
    prove_address(&castellan, id(&person)).await;
    let (user, bound_to) = (id(&person), BoundTo::from(castellan::id::SessionId::new(castellan.now())));
    let (master, now) = (std::sync::Arc::clone(&castellan.app.master), castellan.now());
    let code = castellan.write(async move |tx| email_code::issue(tx, &master, user, bound_to, now).await).await;

    let moved = json!({ "userName": "ada", "emails": [{ "value": "ada@harbour.example" }] });
    tool.put(&at(&person), &moved).await.expect(200);
    castellan.get(&link).await.has_status(410);
    assert_eq!(row(&castellan, user).await.email_verified_at, None);
    let master = std::sync::Arc::clone(&castellan.app.master);
    let tried =
        castellan.write(async move |tx| email_code::verify(tx, &master, (user, bound_to), code.expose(), now).await);
    let is_good = tried.await;
    assert!(!is_good);
    // Who has not come in yet gets a new link where they are now.
    let sent = letters(&castellan).await;
    let mut addresses = to(&sent);
    addresses.sort_unstable();
    assert_eq!(addresses, ["ada@harbour.example", "ada@harbuor.example"]);
    let invitation = sent.iter().find(|letter| letter.to == "ada@harbour.example").expect("an invitation");
    castellan.get(&invitation.links[0]).await.has_status(200);
    // Whoever is made inactive with it gets none.
    let gone = json!({ "userName": "ada", "active": false, "emails": [{ "value": "ada@gone.example" }] });
    tool.put(&at(&person), &gone).await.expect(200);
    assert_eq!(to(&letters(&castellan).await), ["ada@harbour.example"]);
}

/// Zoe of another organization signs in as `zoe`, or by the address that she has proven.
async fn zoe(castellan: &Castellan, tool: &Tool<'_>) -> Person {
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let home = castellan::organizations::find(&mut db, tool.connection.organization_id).await.expect("a read");
    let parent = home.and_then(|home| home.parent_id).expect("a parent");
    let partner = castellan::organizations::find(&mut db, parent).await.expect("a read").expect("the partner");
    drop(db);
    let mut zoe = castellan.person(&partner, "zoe").password().create().await;
    zoe.user.email = Some("zoe@brackwater.example".to_owned());
    let (user, now) = (zoe.user.clone(), castellan.now());
    castellan.write(async move |tx| users::update(tx, &user, now).await.map(drop)).await;
    prove_address(castellan, zoe.user.id).await;
    zoe
}

#[tokio::test]
async fn no_change_takes_another_persons_name_or_address() {
    let castellan = Castellan::start_with(|config| config.demo = true).await;
    let tool = tool(&castellan).await;
    let zoe = zoe(&castellan, &tool).await;
    let before = row(&castellan, zoe.user.id).await;
    let sent = json!({ "userName": "ada", "emails": [{ "value": "ada@harbour.example" }] });
    let person = tool.post("/Users", &sent).await.expect(201);
    for name in ["zoe", "ZOE", "zoe@brackwater.example", "Zoe@Brackwater.example"] {
        // Her login name elsewhere is V6's, which `joins` tells of.
        if name.contains('@') {
            refused(&tool.post("/Users", &json!({ "userName": name })).await, 409, "uniqueness");
        }
        refused(&tool.put(&at(&person), &json!({ "userName": name })).await, 409, "uniqueness");
        let operations = json!([{ "op": "replace", "path": "userName", "value": name }]);
        refused(&tool.patch(&at(&person), operations).await, 409, "uniqueness");
    }
    assert_eq!(tool.get(&at(&person)).await.expect(200), person);

    // Her address may stand in another account, unproven, and goes on leading to her own.
    let shared = json!([{ "op": "replace", "path": "emails", "value": [{ "value": "zoe@brackwater.example" }] }]);
    tool.patch(&at(&person), shared).await.expect(200);
    letters(&castellan).await;
    let mut browser = castellan.browser();
    let page = browser.get("/login/forgotten").await;
    browser.submit(&page, "reset-submit", &[("username", "zoe@brackwater.example")]).await.has_status(200);
    // First what was typed is looked up, then the mail leaves.
    delivered(&castellan).await;
    let mails = delivered(&castellan).await;
    let mails: Vec<_> = mails.iter().filter(|mail| mail.subject.starts_with("Set a new password")).collect();
    let [mail] = mails.as_slice() else { panic!("one mail: {mails:?}") };
    assert_eq!(mail.to, "zoe@brackwater.example");
    assert!(mail.text.contains("Hello zoe") && mail.subject.contains("Brackwater IT"), "{}", mail.text);
    let mut browser = castellan.browser();
    let page = browser.get("/login").await;
    let page = browser.submit(&page, "login-form", &[("username", "zoe@brackwater.example")]).await;
    let page = browser.submit(&page, "login-form", &[("password", &zoe.password)]).await;
    assert!(page.url.ends_with("/account"), "{} {}", page.url, page.body);
    let after = row(&castellan, zoe.user.id).await;
    assert_eq!((after.login_name, after.email, after.version), (before.login_name, before.email, before.version));
}
