//! The pages, without a script: what one sees, and what one does with it.

use castellan::products;
use serde_json::json;

use super::{in_the_portal, somebody};
use crate::support::{Castellan, World};

async fn switch_products_on(castellan: &Castellan, world: &World) {
    let (organization, recover, now) = (world.partner.id, world.recover.id, castellan.now());
    castellan.write(async move |tx| products::switch_on(tx, organization, recover, now).await).await;
}

/// Home shows one's own products, and the navigation what one may see.
#[tokio::test]
async fn home_shows_products_and_places() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    castellan
        .assign(castellan::access::Subject::User(mara.user.id), &world.recover, &["operator"], world.partner.id)
        .await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let home = browser.get("/portal").await;
    assert!(home.has_element("tile-recover") && !home.has_element("tile-relay") && !home.has_element("tile-portal"));
    assert!(home.body.contains("https://recover.example/"));
    assert!(home.has_element("place-users") && home.has_element("place-connections"));
    assert!(home.has_element("organization-switch"), "a partner has client organizations to choose");
    assert_eq!(home.attribute_of("manage-password", "href").as_deref(), Some("/account/password"));

    let basil = somebody(&castellan, &world.partner, "basil@brackwater.example", "basic").await;
    let mut browser = in_the_portal(&castellan, &basil).await;
    let home = browser.get("/portal").await;
    assert!(!home.has_element("place-users") && !home.has_element("place-connections"));
    assert!(home.body.contains("No products yet"));
    browser.get("/portal/users").await.has_status(403);
    browser.get("/portal/connections").await.has_status(403);
}

/// P14: choosing an organization takes every page along; another partner's does not exist.
#[tokio::test]
async fn the_organization_switch_moves_every_page() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    castellan.person(&world.client, "dora@harbour.example").create().await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let users = browser.get("/portal/users").await;
    assert!(!users.body.contains("dora@harbour.example"));
    let link = format!("/portal/organizations/{}/users", world.client.id);
    assert!(users.body.contains(&link), "the switch leads to the same place there");
    assert!(browser.get(&link).await.body.contains("dora@harbour.example"));
    let foreign = format!("/portal/organizations/{}", world.other_partner.id);
    for page in ["", "/users", "/connections", "/users/new"] {
        browser.get(&format!("{foreign}{page}")).await.has_status(404);
    }
    let found = browser.get("/portal/organizations?q=harbour").await;
    assert!(found.body.contains("Harbour Dental") && !found.body.contains("Northgate"));
}

/// P2: one form, faults kept beside what was typed, then a confirmation.
#[tokio::test]
async fn a_user_is_created_by_a_form() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world).await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let form = browser.get(&format!("/portal/organizations/{}/users/new", world.partner.id)).await;
    assert!(form.has_element("portal-role-administrator") && !form.has_element("portal-role-accountant"));
    let typed = [
        ("given_name", "Tomasz"),
        ("family_name", "Nowicki"),
        ("email", "support@brackwater.example"),
        ("portal_role", "basic"),
        ("product", "recover"),
        ("role.recover", "operator"),
        ("coverage.recover", "below"),
    ];
    let again = browser.submit(&form, "create-user-submit", &typed).await;
    again.has_status(422);
    assert!(again.text_of("form-errors").expect("a summary").contains("support@ is a role address"));
    assert_eq!(again.attribute_of("given_name", "value").as_deref(), Some("Tomasz"));
    assert_eq!(again.attribute_of("email", "aria-invalid").as_deref(), Some("true"));
    assert!(again.attribute_of("product-recover", "checked").is_some());
    assert!(again.attribute_of("role-recover-operator", "checked").is_some());

    let done = browser.submit(&again, "create-user-submit", &[("email", "tomasz@brackwater.example")]).await;
    done.has_status(201);
    assert!(done.has_element("user-created"));
    assert!(done.body.contains("operator") && done.body.contains("and its client organizations"));
    let pending = browser.get(&format!("/portal/organizations/{}/users?status=invited", world.partner.id)).await;
    assert!(pending.body.contains("tomasz@brackwater.example"));
}

/// P11, P12, P8, P7: each act has its form with a confirmation, and tells on the next page, once.
#[tokio::test]
async fn people_are_managed_by_forms() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world).await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tom = somebody(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let path = format!("/portal/organizations/{}/users/{}", world.partner.id, tom.user.id);
    let page = browser.get(&path).await;
    let page = browser.submit(&page, "names-form", &[("given_name", "Tom"), ("family_name", "N")]).await;
    assert!(page.text_of("toast").expect("a toast").contains("Names saved"));
    assert!(page.body.contains("Tom N"));
    let page = browser.get(&path).await;
    assert!(!page.has_element("toast"), "told once");

    let form = browser.get(&format!("{path}/access")).await;
    let fields = [("product", "recover"), ("role.recover", "viewer"), ("coverage.recover", "here")];
    let page = browser.submit(&form, "access-save", &fields).await;
    assert!(page.text_of("toast").expect("a toast").contains("Access saved"), "{}", page.body);
    assert!(page.body.contains("viewer"));

    let page = browser.submit(&page, "reset-password-form", &[]).await;
    assert!(page.text_of("toast").expect("a toast").contains("Link sent"));
    let page = browser.submit(&page, "deactivate-form", &[]).await;
    assert_eq!(page.text_of("status").as_deref(), Some("Deactivated"));
    assert!(!page.has_element("deactivate-form"));
    let page = browser.submit(&page, "reactivate-form", &[]).await;
    assert_eq!(page.text_of("status").as_deref(), Some("Active"));

    let wrong = browser.submit(&page, "remove-form", &[("login", "somebody else")]).await;
    wrong.has_status(422);
    assert!(wrong.has_element("refused"));
    let list = browser.submit(&wrong, "remove-form", &[("login", "tomasz@brackwater.example")]).await;
    assert!(list.text_of("toast").expect("a toast").contains("removed for good"));
    browser.get(&path).await.has_status(404);
}

/// What the API refuses stands on the page, with why and what to do.
#[tokio::test]
async fn a_refusal_stands_on_the_page() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let vera = somebody(&castellan, &world.provider, "vera@vendor.example", "administrator").await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = in_the_portal(&castellan, &vera).await;
    let path = format!("/portal/organizations/{}/users/{}", world.partner.id, mara.user.id);
    let page = browser.get(&path).await;
    let page = browser.submit(&page, "deactivate-form", &[]).await;
    page.has_status(409);
    assert!(page.text_of("refused").expect("a banner").contains("last administrator"));
    assert_eq!(page.text_of("status").as_deref(), Some("Active"));
}

/// V1: a connection in a minute; its token stands on the page that made it and on no other.
#[tokio::test]
async fn a_connection_is_made_by_a_form() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world).await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let list = browser.get("/portal/connections").await;
    assert!(list.body.contains("No connections yet"));
    let base = format!("/portal/organizations/{}/connections", world.partner.id);
    let form = browser.get(&format!("{base}/new")).await;
    let fields = [("name", "Peoplehall HR"), ("product", "recover"), ("role.recover", "viewer")];
    let made = browser.submit(&form, "create-connection-submit", &fields).await;
    made.has_status(201);
    let token = made.text_of("token").expect("a token");
    assert!(token.starts_with("cst_scim_"));
    let scim = made.text_of("base").expect("a base URL");
    let users = scim.strip_prefix("http://localhost:8080").expect("ours").to_owned() + "/Users";
    castellan.json("GET", &users, &token, &json!(null)).await.has_status(200);
    let list = browser.get(&base).await;
    assert!(list.body.contains("Peoplehall HR") && !list.body.contains(&token));
    let empty = browser.submit(&form, "create-connection-submit", &[("name", " ")]).await;
    empty.has_status(422);
    assert!(empty.has_element("form-errors"));
}

/// M7: an act that asks for a fresh sign-in leads there, and back to the page.
#[tokio::test]
async fn an_old_sign_in_is_asked_for_again() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let tom = somebody(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    castellan.advance(20 * 60);
    let path = format!("/portal/organizations/{}/users/{}", world.partner.id, tom.user.id);
    let page = browser.get(&path).await;
    page.has_status(200);
    let asked = browser.submit(&page, "remove-form", &[("login", "tomasz@brackwater.example")]).await;
    assert!(asked.url.contains("/login"), "{}", asked.url);
    browser.get(&path).await.has_status(200);
}

/// Rows 117, 119: names are text on every page; no page may be framed, stored, or run what it did not bring.
#[tokio::test]
async fn names_are_text() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let (id, now) = (mara.user.id, castellan.now());
    castellan
        .write(async move |tx| {
            let mut user = castellan::users::find(tx, id).await?.expect("Mara");
            user.display_name = "<script>alert(1)</script>\"'".to_owned();
            castellan::users::update(tx, &user, now).await.map(drop)
        })
        .await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let base = format!("/portal/organizations/{}", world.partner.id);
    for path in ["/portal".to_owned(), format!("{base}/users"), format!("{base}/users/{}", mara.user.id)] {
        let page = browser.get(&path).await;
        page.has_status(200);
        assert!(!page.body.contains("<script>alert"), "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(!page.body.contains(" style=\"") && !page.body.contains("onclick"), "{path}");
    }
    let searched = browser.get(&format!("{base}/users?q=%3Cscript%3Ealert(1)%3C/script%3E")).await;
    assert!(!searched.body.contains("<script>alert"));
}
