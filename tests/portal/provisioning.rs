//! What beside a token belongs to provisioning: OAuth clients of a connection, what its tool may give, and the
//! webhooks of the organization. Without a script.

use base64::{Engine, engine::general_purpose::STANDARD};
use castellan::{
    access::Subject,
    connections::{Guard, Settings, Vendor},
    id::GroupId,
};
use serde_json::json;

use super::{in_the_portal, somebody};
use crate::{
    api::switch_products_on,
    scim::{Tool, active_at_once, at, refused},
    support::{Answer, Browser, Castellan, World},
};

/// A connection of the partner, and its administrator's browser.
async fn scene(castellan: &Castellan) -> (World, Tool<'_>, Browser<'_>, String) {
    let world = castellan.world().await;
    switch_products_on(castellan, &world, &world.partner).await;
    let tool = Tool::with(castellan, &world.partner, Vendor::Generic, active_at_once()).await;
    let mara = somebody(castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let browser = in_the_portal(castellan, &mara).await;
    let path = format!("/portal/organizations/{}/connections", world.partner.id);
    (world, tool, browser, path)
}

/// The id of the one form whose id begins so.
fn form_of(page: &Answer, prefix: &str) -> String {
    let found: Vec<&str> = page
        .body
        .match_indices(&format!("id=\"{prefix}"))
        .map(|(at, _)| page.body[at + 4..].split('"').next().expect("an end"))
        .collect();
    assert_eq!(found.len(), 1, "{prefix}: {found:?}");
    found[0].to_owned()
}

/// RFC 7644 §2: a tool with client credentials in the place of a token.
#[tokio::test]
async fn an_oauth_client_of_a_connection_is_made_shown_once_and_ended() {
    let castellan = Castellan::start().await;
    let (_, tool, mut browser, connections) = scene(&castellan).await;
    let path = format!("{connections}/{}", tool.connection.id);
    let page = browser.get(&path).await;
    assert!(page.text_of("clients").expect("a card").contains("None: A tool"));
    let wrong = browser.submit(&page, "client-form", &[("name", " ")]).await;
    wrong.has_status(422);
    assert!(wrong.text_of("refused").expect("a banner").contains("Write the name"));

    let made = browser.submit(&page, "client-form", &[("name", "Nightly export")]).await;
    made.has_status(201);
    let (id, secret) = (made.text_of("client-id").expect("an id"), made.text_of("client-secret").expect("a secret"));
    assert_eq!(made.attribute_of("new-client", "class").as_deref(), Some("banner is-ok"));
    let page = browser.get(&path).await;
    assert!(page.body.contains("Nightly export") && page.body.contains(&id));
    assert!(!page.body.contains(&secret) && !page.has_element("new-client"), "told once");
    assert_eq!(page.text_of("token-url").as_deref(), Some("http://localhost:8080/token"));

    // What stands there is what a tool needs.
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let fields = [("grant_type", "client_credentials"), ("scope", "scim")];
    let tokens = castellan.post_form("/token", &[("authorization", basic.as_str())], &fields).await.expect(200);
    let bearer = tokens["access_token"].as_str().expect("a token").to_owned();
    let users = tool.path("/Users");
    castellan.json("GET", &users, &bearer, &json!(null)).await.has_status(200);

    let gone = browser.submit(&page, &form_of(&page, "end-client-"), &[]).await;
    gone.has_status(200);
    assert!(gone.text_of("toast").expect("a toast").contains("OAuth client ended"));
    assert!(!gone.body.contains(&id));
    castellan.json("GET", &users, &bearer, &json!(null)).await.has_status(401);

    // Two at most: then the form is gone, and what comes nevertheless is refused on the page.
    for name in ["One", "Two"] {
        browser.submit(&gone, "client-form", &[("name", name)]).await.has_status(201);
    }
    assert!(!browser.get(&path).await.has_element("client-form"));
    let third = browser.submit(&gone, "client-form", &[("name", "Three")]).await;
    third.has_status(409);
    assert!(third.has_element("refused") && !third.has_element("new-client"));
}

/// V3: a group that would lose its people, and they their roles, waits on the connection's page for one click.
#[tokio::test]
async fn a_held_group_is_shown_and_let_through() {
    let castellan = Castellan::start().await;
    let (world, _, mut browser, connections) = scene(&castellan).await;
    let settings = Settings { guard: Some(Guard { share: 20, minimum: 2 }), ..active_at_once() };
    let tool = Tool::with(&castellan, &world.partner, Vendor::Generic, settings).await;
    let staff = [tool.person("ada@brackwater.example").await, tool.person("bob@brackwater.example").await];
    let group = tool.group("Operators", &[&staff[0], &staff[1]]).await;
    let id: GroupId = group["id"].as_str().expect("an id").parse().expect("an id");
    castellan.assign(Subject::Group(id), &world.recover, &["operator"], world.partner.id).await;
    refused(&tool.delete(&at(&group)).await, 409, "");

    assert!(browser.get(&connections).await.body.contains("Held"));
    let page = browser.get(&format!("{connections}/{}", tool.connection.id)).await;
    let heading = page.text_of("held-h").expect("a heading");
    assert_eq!(heading, "Held: A tool would change 1 group, and 2 users would lose roles");
    let people = page.text_of("held-people").expect("a list");
    assert!(people.contains("Operators") && people.contains("Delete") && people.contains("2 users"), "{people}");
    assert_eq!(page.text_of("held-release").as_deref(), Some("Change 1 group"));
    let done = browser.submit(&page, "held-form", &[("decision", "release")]).await;
    assert!(done.text_of("toast").expect("a toast").contains("let through"));
    assert!(!done.has_element("held-change"));
    refused(&tool.get(&at(&group)).await, 404, "");
}

/// V2: what a tool may give beside its defaults is picked like these, and shown on the connection's page.
#[tokio::test]
async fn rules_say_what_a_tool_may_also_give() {
    let castellan = Castellan::start().await;
    let (_, tool, mut browser, connections) = scene(&castellan).await;
    let path = format!("{connections}/{}", tool.connection.id);
    assert!(!browser.get(&path).await.has_element("may-give"));
    let form = browser.get(&format!("{path}/rules")).await;
    let section = form.text_of("assignable").expect("a section");
    assert!(section.contains("The tool may also give") && section.contains("recover"), "{section}");
    let fields = [
        ("product", "recover"),
        ("role.recover", "viewer"),
        ("may.product", "relay"),
        ("may.role.relay", "operator"),
        ("may.coverage.relay", "below"),
        ("on_delete", "deactivate"),
    ];
    let page = browser.submit(&form, "rules-save", &fields).await;
    page.has_status(200);
    assert!(page.text_of("toast").expect("a toast").contains("Rules saved"));
    assert_eq!(page.text_of("may-give").as_deref(), Some("relay: operator"));

    let form = browser.get(&format!("{path}/rules")).await;
    for (id, is_checked) in [
        ("product-recover", true),
        ("role-recover-viewer", true),
        ("product-relay", false),
        ("may.product-relay", true),
        ("may.role-relay-operator", true),
        ("may.role-relay-viewer", false),
        ("may.product-recover", false),
    ] {
        assert_eq!(form.attribute_of(id, "checked").is_some(), is_checked, "{id}");
    }
    let has = |name: &str, value: &str| form.form("rules-save").1.contains(&(name.to_owned(), value.to_owned()));
    assert!(has("may.coverage.relay", "below") && has("on_delete", "deactivate"));

    // It counts: the tool gives it. A fault keeps what was picked.
    let assigned =
        json!({ "userName": "ada", crate::scim::CASTELLAN: { "assignments": [{ "role": "relay:operator" }] } });
    tool.post("/Users", &assigned).await.has_status(201);
    let wrong = browser.submit(&form, "rules-save", &[("name", "")]).await;
    wrong.has_status(422);
    assert!(wrong.attribute_of("may.role-relay-operator", "checked").is_some());
}

/// A3: where events go, below the connections.
#[tokio::test]
async fn webhooks_are_added_shown_once_and_removed() {
    let castellan = Castellan::start_with(|config| (config.allow_private_outbound, config.demo) = (false, false)).await;
    let (world, _, mut browser, connections) = scene(&castellan).await;
    let page = browser.get(&connections).await;
    page.has_status(200);
    assert!(page.text_of("webhooks").expect("a section").contains("No webhooks yet"));

    for wrong in ["http://desk.example.com/", "https://127.0.0.1/", "desk"] {
        let again = browser.submit(&page, "webhook-form", &[("url", wrong)]).await;
        again.has_status(422);
        assert!(again.text_of("webhook-error").expect("why").contains("https URL that everybody can reach"));
        assert_eq!(again.attribute_of("webhook-url", "value").as_deref(), Some(wrong), "kept to be corrected");
        assert_eq!(again.attribute_of("webhook-url", "aria-invalid").as_deref(), Some("true"));
        assert!(!again.has_element("refused"));
    }

    let made = browser.submit(&page, "webhook-form", &[("url", "https://desk.example.com/castellan")]).await;
    made.has_status(201);
    let secret = made.text_of("secret").expect("a secret");
    assert!(secret.starts_with("cst_wh_"));
    assert!(made.text_of("new-webhook").expect("a banner").contains("http://localhost:8080/jwks"));
    let page = browser.get(&connections).await;
    assert!(page.text_of("webhook-list").expect("a list").contains("https://desk.example.com/castellan"));
    assert!(!page.body.contains(&secret), "told once");

    // Another organization's page knows nothing of it.
    let below = browser.get(&format!("/portal/organizations/{}/connections", world.client.id)).await;
    assert!(!below.has_element("webhook-list") && below.body.contains("No webhooks yet"));

    let gone = browser.submit(&page, &form_of(&page, "end-webhook-"), &[]).await;
    assert!(gone.text_of("toast").expect("a toast").contains("Webhook removed"));
    assert!(gone.body.contains("No webhooks yet"));
    let again = browser.submit(&page, &form_of(&page, "end-webhook-"), &[]).await;
    again.has_status(404);
    assert!(again.has_element("refused"));
}

/// M7: making what carries a secret asks for a fresh sign-in, and leads back to the page.
#[tokio::test]
async fn secrets_are_made_after_a_fresh_sign_in_only() {
    let castellan = Castellan::start().await;
    let (_, tool, mut browser, connections) = scene(&castellan).await;
    castellan.advance(20 * 60);
    let path = format!("{connections}/{}", tool.connection.id);
    for (page, form, typed) in [
        (&connections, "webhook-form", ("url", "https://desk.example.com/")),
        (&path, "client-form", ("name", "Export")),
    ] {
        let shown = browser.get(page).await;
        let asked = browser.submit(&shown, form, &[typed]).await;
        assert!(asked.url.contains("/login"), "{}", asked.url);
        let shown = browser.get(page).await;
        assert!(shown.body.contains("No webhooks yet") || shown.body.contains("None: A tool"));
    }
}

#[tokio::test]
async fn the_forms_of_provisioning_are_for_those_who_manage_connections() {
    let castellan = Castellan::start().await;
    let (world, tool, _, connections) = scene(&castellan).await;
    let basil = somebody(&castellan, &world.partner, "basil@brackwater.example", "basic").await;
    let otto = somebody(&castellan, &world.other_partner, "otto@northgate.example", "administrator").await;
    for (person, status) in [(&basil, 403), (&otto, 404)] {
        let mut browser = in_the_portal(&castellan, person).await;
        let home = browser.get("/portal").await;
        let csrf = home.form("sign-out").1.into_iter().find(|(name, _)| name == "csrf").expect("a token").1;
        browser.get(&connections).await.has_status(status);
        for (path, field) in [
            (format!("{connections}/webhooks"), ("url", "https://desk.example.com/")),
            (format!("{connections}/{}/clients", tool.connection.id), ("name", "Export")),
        ] {
            browser.post(&path, &[("csrf", csrf.as_str()), field]).await.has_status(status);
        }
    }
    let mia = castellan.person(&world.partner, "mia@brackwater.example").create().await;
    let portal = castellan.portal().await;
    castellan
        .assign(castellan::access::Subject::User(mia.user.id), &portal, &["administrator"], world.partner.id)
        .await;
    let page = in_the_portal(&castellan, &mia).await.get(&connections).await;
    assert!(page.text_of("webhooks").expect("a section").contains("No webhooks yet"), "nothing was made");
}
