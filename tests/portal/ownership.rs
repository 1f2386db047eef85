//! What a connection owns of a person is shown and not to be changed, on the administrators' pages and on the
//! person's own.

use castellan::{
    connections::{Settings, Vendor},
    id::UserId,
    users,
};
use serde_json::json;

use super::{in_the_portal, somebody};
use crate::{
    api::switch_products_on,
    scim::{Tool, active_at_once, defaults},
    support::{Castellan, Person, World},
};

const PASSWORD: &str = "seven grey geese in a row";

/// A person of a tool of the partner, a viewer of Recover by it.
async fn provisioned(castellan: &Castellan, world: &World) -> (Person, String) {
    switch_products_on(castellan, world, &world.partner).await;
    let default_assignments = defaults(castellan, &world.recover, &["viewer"]).await;
    let settings = Settings { default_assignments, ..active_at_once() };
    let tool = Tool::with(castellan, &world.partner, Vendor::Generic, settings).await;
    let sent = json!({
        "userName": "ada@brackwater.example", "password": PASSWORD,
        "name": { "givenName": "Ada", "familyName": "Ash" },
    });
    let ada = tool.post("/Users", &sent).await.expect(201);
    let id: UserId = ada["id"].as_str().expect("an id").parse().expect("an id");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let user = users::find(&mut db, id).await.expect("a read").expect("Ada");
    let connection = format!("/portal/organizations/{}/connections/{}", world.partner.id, tool.connection.id);
    (Person { user, password: PASSWORD.to_owned() }, connection)
}

#[tokio::test]
async fn the_page_of_a_provisioned_person_says_what_the_tool_owns_and_leads_there() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (ada, connection) = provisioned(&castellan, &world).await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let path = format!("/portal/organizations/{}/users/{}", world.partner.id, ada.user.id);
    let page = browser.get(&path).await;
    page.has_status(200);
    assert!(page.text_of("owned").expect("a note").contains("A tool manages this account"));
    assert!(!page.has_element("names-form") && !page.has_element("names-open"));
    assert!(page.body.contains("From A tool"), "the role says where it comes from");
    assert!(page.body.contains(&format!("href=\"{connection}\"")));
    assert!(page.text_of("deactivate").expect("a question").contains("end it there too"));
    browser.get(&connection).await.has_status(200);

    // A form of old that comes nevertheless is refused, with why.
    let csrf = page.form("deactivate-form").1.into_iter().find(|(name, _)| name == "csrf").expect("a token").1;
    let fields = [("csrf", csrf.as_str()), ("given_name", "Eve"), ("family_name", "Ash")];
    let refused = browser.post(&format!("{path}/names"), &fields).await;
    refused.has_status(409);
    assert!(refused.text_of("refused").expect("a banner").contains("managed by the connection A tool"));
    assert!(!refused.body.contains("Eve"));

    // What a person manages by hand has none of this.
    let page = browser.get(&format!("/portal/organizations/{}/users/{}", world.partner.id, mara.user.id)).await;
    assert!(!page.has_element("owned") && page.has_element("names-form"));
}

#[tokio::test]
async fn the_form_of_products_leaves_what_a_tool_gives() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (ada, connection) = provisioned(&castellan, &world).await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let path = format!("/portal/organizations/{}/users/{}", world.partner.id, ada.user.id);
    let form = browser.get(&format!("{path}/access")).await;
    let given = form.text_of("given").expect("what is not changed here");
    assert!(given.contains("recover") && given.contains("viewer") && given.contains("From A tool"), "{given}");
    assert!(form.body.contains(&connection));
    assert_eq!(form.attribute_of("product-recover", "checked"), None, "the form is about what is given by hand");
    let page = browser.submit(&form, "access-save", &[]).await;
    page.has_status(200);
    assert!(page.body.contains("From A tool"));

    let more = [("product", "recover"), ("role.recover", "operator"), ("coverage.recover", "here")];
    let page = browser.submit(&form, "access-save", &more).await;
    assert!(page.body.contains("operator") && page.body.contains("From A tool"));
    let form = browser.get(&format!("{path}/access")).await;
    assert!(form.attribute_of("product-recover", "checked").is_some());
}

#[tokio::test]
async fn a_person_sees_on_their_own_page_who_manages_what() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (ada, _) = provisioned(&castellan, &world).await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let page = castellan.signed_in(&ada).await.get("/account").await;
    page.has_status(200);
    let about = page.text_of("about").expect("what is known");
    for text in ["ada@brackwater.example", "Ada", "Ash", "A tool", "Brackwater IT"] {
        assert!(about.contains(text), "{text}: {about}");
    }
    assert!(page.has_element("owned") && page.has_element("password"), "the password is theirs");
    assert!(!page.body.contains("name=\"email\"") && !page.body.contains("name=\"given_name\""));
    let page = castellan.signed_in(&mara).await.get("/account").await;
    assert!(page.has_element("about") && !page.has_element("owned"));
}
