//! The form of a connection's rules (product.md V2): who may change what, and what the tool may read. Without a script.

use castellan::{
    access::Subject,
    connections::{GroupRole, Settings, Vendor},
    mfa::Method,
    products,
};
use serde_json::{Value, json};

use super::{in_the_portal, somebody};
use crate::{
    api::{bearer, switch_products_on},
    scim::{CASTELLAN, Tool, active_at_once, at, defaults},
    support::{Answer, Browser, Castellan, Person, World},
};

/// A connection of the partner, its administrator with a browser, and its path in portal and API.
struct Scene<'c> {
    castellan: &'c Castellan,
    world: World,
    tool: Tool<'c>,
    mara: Person,
    browser: Browser<'c>,
    path: String,
}

impl<'c> Scene<'c> {
    async fn start(castellan: &'c Castellan) -> Self {
        let world = castellan.world().await;
        switch_products_on(castellan, &world, &world.partner).await;
        let tool = Tool::with(castellan, &world.partner, Vendor::Generic, active_at_once()).await;
        Self::of(castellan, world, tool).await
    }

    async fn of(castellan: &'c Castellan, world: World, tool: Tool<'c>) -> Self {
        let mara = somebody(castellan, &world.partner, "mara@brackwater.example", "administrator").await;
        let browser = in_the_portal(castellan, &mara).await;
        let path = format!("/organizations/{}/connections/{}", world.partner.id, tool.connection.id);
        Self { castellan, world, tool, mara, browser, path }
    }

    async fn form(&mut self) -> Answer {
        let form = self.browser.get(&format!("/portal{}/rules", self.path)).await;
        form.has_status(200);
        form
    }

    /// Saves the rules with these fields typed, those of the name `grant.N` beside what is ticked already.
    async fn save(&mut self, typed: &[(&str, &str)]) -> Answer {
        let form = self.form().await;
        send(&mut self.browser, &form, typed).await
    }

    /// What the API says of the connection.
    async fn connection(&self) -> Value {
        let bearer = bearer(self.castellan, &self.mara).await;
        self.castellan.json("GET", &format!("/api/v1{}", self.path), &bearer, &Value::Null).await.expect(200)
    }

    /// Group, product, roles and reach of each group rule.
    async fn rules(&self) -> Vec<(String, String, Vec<String>, bool)> {
        let connection = self.connection().await;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let roles = |rule: &Value| {
            let mut roles: Vec<String> =
                rule["roles"].as_array().expect("a list").iter().map(|role| text(&role["slug"])).collect();
            roles.sort_unstable();
            roles
        };
        let rules = connection["group_roles"].as_array().expect("a list").iter();
        rules
            .map(|rule| (text(&rule["group"]), text(&rule["product"]["slug"]), roles(rule), rule["subtree"] == true))
            .collect()
    }
}

/// Sends the form as a browser does: text fields are replaced, ticks are added.
async fn send(browser: &mut Browser<'_>, form: &Answer, typed: &[(&str, &str)]) -> Answer {
    let (action, mut fields) = form.form("rules-save");
    for (name, value) in typed {
        let is_tick = name.starts_with("grant.") || name.contains("role.") || name.ends_with("product");
        match fields.iter_mut().find(|(field, _)| field == name && !is_tick) {
            Some((_, old)) => (*value).clone_into(old),
            None => fields.push(((*name).to_owned(), (*value).to_owned())),
        }
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(&action, &fields).await
}

fn rule(group: &str, product: &str, roles: &[&str], below: bool) -> (String, String, Vec<String>, bool) {
    (group.to_owned(), product.to_owned(), roles.iter().map(|&role| role.to_owned()).collect(), below)
}

/// What a tool may read of accounts is switched on and off here, and the words say what that is.
#[tokio::test]
async fn a_switch_lets_the_tool_read_where_accounts_stand() {
    let castellan = Castellan::start().await;
    let mut scene = Scene::start(&castellan).await;
    let ada = scene.tool.person("ada").await;
    let told = async |tool: &Tool<'_>| {
        let read = tool.get(&format!("{}?attributes={CASTELLAN}", at(&ada))).await.expect(200);
        read[CASTELLAN]["mfa"].clone()
    };
    let form = scene.form().await;
    assert_eq!(form.attribute_of("account_state", "checked"), None, "off, until somebody says so");
    let words = form.text_of("may-read").expect("a section");
    assert!(words.contains("second factors they have set up") && words.contains("last signed in"), "{words}");
    assert_eq!(told(&scene.tool).await, Value::Null);
    assert!(!scene.browser.get(&format!("/portal{}", scene.path)).await.has_element("may-read"));

    let page = scene.save(&[("account_state", "on")]).await;
    assert_eq!(page.text_of("may-read").as_deref(), Some("Status, last sign-in and second factors"));
    assert!(scene.form().await.attribute_of("account_state", "checked").is_some());
    assert_eq!(told(&scene.tool).await["enrolled"], false);
    // What is wrong elsewhere keeps it as it was typed.
    let wrong = scene.save(&[("name", "")]).await;
    wrong.has_status(422);
    assert!(wrong.attribute_of("account_state", "checked").is_some());

    let form = scene.form().await;
    let (action, fields) = form.form("rules-save");
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .filter(|(name, _)| name != "account_state")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let page = scene.browser.post(&action, &fields).await;
    page.has_status(200);
    assert!(!page.has_element("may-read"));
    assert_eq!(told(&scene.tool).await, Value::Null);
}

#[tokio::test]
async fn a_rule_with_several_roles_stays_one_rule() {
    let castellan = Castellan::start().await;
    let mut scene = Scene::start(&castellan).await;
    let typed = [
        ("group.0", "Crew"),
        ("grant.0", "recover/operator"),
        ("grant.0", "recover/viewer"),
        ("reach.0", "below"),
        ("group.1", "Desk"),
        ("grant.1", "recover/viewer"),
        ("grant.1", "relay/viewer"),
    ];
    let page = scene.save(&typed).await;
    page.has_status(200);
    assert!(page.text_of("toast").expect("a toast").contains("Rules saved"));
    let crew = rule("Crew", "recover", &["operator", "viewer"], true);
    let desk = [rule("Desk", "recover", &["viewer"], false), rule("Desk", "relay", &["viewer"], false)];
    let expected = [crew.clone(), desk[0].clone(), desk[1].clone()];
    assert_eq!(scene.rules().await, expected, "roles of two products are two rules");

    let form = scene.form().await;
    for (id, is_ticked) in [
        ("grant-0-recover/operator", true),
        ("grant-0-recover/viewer", true),
        ("grant-0-relay/viewer", false),
        ("grant-2-relay/viewer", true),
    ] {
        assert_eq!(form.attribute_of(id, "checked").is_some(), is_ticked, "{id}");
    }
    let first = form.text_of("rule-0").expect("a rule");
    assert!(first.contains("Gives recover: operator, viewer") && first.contains("not seen yet"), "{first}");
    assert!(first.contains(&format!("Set by {} on", scene.mara.user.name())), "{first}");
    scene.save(&[]).await.has_status(200);
    assert_eq!(scene.rules().await, expected, "saved as it is, it is what it was");
    let events = castellan.audited(scene.world.partner.id, "connection.changed").await;
    assert_eq!(events.len(), 1, "and nothing has changed");

    // A group without a role is no rule; an emptied one goes.
    let wrong = scene.save(&[("group.3", "Helpers")]).await;
    wrong.has_status(422);
    assert!(wrong.text_of("form-errors").expect("why").contains("Choose a role for the group Helpers"));
    assert!(wrong.attribute_of("group-3", "value").as_deref() == Some("Helpers"));
    scene.save(&[("group.1", " "), ("group.2", "")]).await.has_status(200);
    assert_eq!(scene.rules().await, [crew]);
}

#[tokio::test]
async fn rules_of_somebody_with_more_rights_are_shown_and_left_alone() {
    let castellan = Castellan::start().await;
    let mut scene = Scene::start(&castellan).await;
    let typed = [
        ("group.0", "Crew"),
        ("grant.0", "recover/operator"),
        ("grant.0", "recover/viewer"),
        ("reach.0", "below"),
        ("product", "recover"),
        ("role.recover", "viewer"),
        ("coverage.recover", "below"),
        ("may.product", "relay"),
        ("may.role.relay", "operator"),
        ("may.coverage.relay", "below"),
    ];
    scene.save(&typed).await.has_status(200);
    let before = scene.connection().await;

    // An administrator of the partner alone, who may not give anything in its client organizations.
    let lena = somebody(&castellan, &scene.world.partner, "lena@brackwater.example", "basic").await;
    let portal = castellan.portal().await;
    castellan.assign_here(Subject::User(lena.user.id), &portal, &["administrator"], scene.world.partner.id).await;
    let mut browser = in_the_portal(&castellan, &lena).await;
    let form = browser.get(&format!("/portal{}/rules", scene.path)).await;
    let kept = form.text_of("kept-groups").expect("a list");
    assert!(kept.contains("Crew") && kept.contains("recover: operator, viewer"), "{kept}");
    assert!(kept.contains("Not yours to change") && kept.contains("Set by"), "{kept}");
    for (section, product) in [("defaults", "recover: viewer"), ("assignable", "relay: operator")] {
        let text = form.text_of(section).expect("a section");
        assert!(text.contains(product) && text.contains("Not yours to change"), "{text}");
    }
    assert!(!form.has_element("product-recover") && !form.has_element("may.product-relay"));
    assert!(form.has_element("product-relay") && form.has_element("may.product-recover"));
    assert_eq!(form.attribute_of("group-0", "value").as_deref(), Some(""), "no field of it");

    let page = send(&mut browser, &form, &[("group.0", "Desk"), ("grant.0", "relay/viewer"), ("rate", "7")]).await;
    page.has_status(200);
    let after = scene.connection().await;
    assert_eq!(after["rate_limit"], 7);
    for list in ["default_products", "assignable"] {
        assert_eq!(after[list], before[list], "{list}");
    }
    let crew = before["group_roles"][0].clone();
    assert!(after["group_roles"].as_array().expect("a list").contains(&crew), "with who set it, and when");
    let mut rules = scene.rules().await;
    rules.sort();
    let crew = rule("Crew", "recover", &["operator", "viewer"], true);
    assert_eq!(rules, [crew, rule("Desk", "relay", &["viewer"], false)]);

    // Who may give them all changes them all.
    let form = scene.form().await;
    assert!(form.has_element("product-recover") && !form.body.contains("Not yours to change"));
}

/// A product that was switched off is in no list, and what stands of it neither goes by itself nor stands for ever.
#[tokio::test]
async fn rules_of_a_product_that_was_switched_off_are_kept_until_taken_away() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (organization, recover, now) = (world.partner.id, world.recover.id, castellan.now());
    castellan.write(async move |tx| products::switch_on(tx, organization, recover, now).await).await;
    let relay = defaults(&castellan, &world.relay, &["operator"]).await;
    let given = relay[0].clone();
    let crew = GroupRole {
        group: "Crew".to_owned(),
        product: given.product,
        roles: given.roles,
        subtree: false,
        origin: None,
    };
    let settings = Settings { assignable: relay, group_roles: vec![crew], ..active_at_once() };
    let tool = Tool::with(&castellan, &world.partner, Vendor::Generic, settings).await;
    let mut scene = Scene::of(&castellan, world, tool).await;
    let before = scene.connection().await;
    scene.save(&[("rate", "9")]).await.has_status(200);
    let after = scene.connection().await;
    assert_eq!((&after["assignable"], &after["group_roles"]), (&before["assignable"], &before["group_roles"]));
    assert_eq!(after["rate_limit"], 9);

    let (action, fields) = scene.form().await.form("rules-save");
    let mut left: Vec<(&str, &str)> = Vec::new();
    for (name, value) in &fields {
        match name.as_str() {
            "may.product" => {}
            "group.0" => left.push((name.as_str(), "")),
            _ => left.push((name.as_str(), value.as_str())),
        }
    }
    scene.browser.post(&action, &left).await.has_status(200);
    let after = scene.connection().await;
    assert_eq!((&after["assignable"], &after["group_roles"]), (&json!([]), &json!([])));
}

/// M7: rules that give more are saved after a fresh sign-in, and one comes back to them.
#[tokio::test]
async fn rules_that_give_more_are_saved_after_a_fresh_sign_in_only() {
    let castellan = Castellan::start().await;
    let mut scene = Scene::start(&castellan).await;
    castellan.advance(20 * 60);
    let more = [("group.0", "Crew"), ("grant.0", "recover/operator")];
    let asked = scene.save(&more).await;
    assert!(asked.url.contains("/login"), "{}", asked.url);
    let form = scene.form().await;
    assert_eq!(form.attribute_of("group-0", "value").as_deref(), Some(""), "nothing was saved");
    assert!(form.text_of("fresh-note").expect("a note").contains("15 minutes"));
    assert!(form.body.contains(&format!("/portal/sign-in?return_to=/portal{}/rules&amp;fresh=true", scene.path)));
    scene.save(&[("rate", "9")]).await.has_status(200);

    castellan.sign_in(&mut scene.browser, &scene.mara, &[Method::Totp]).await;
    let back = scene.browser.get(&format!("/portal/sign-in?return_to=/portal{}/rules", scene.path)).await;
    assert!(back.url.ends_with("/rules"), "{}", back.url);
    let page = send(&mut scene.browser, &back, &more).await;
    page.has_status(200);
    assert!(page.text_of("toast").expect("a toast").contains("Rules saved"));
    assert_eq!(scene.rules().await, [rule("Crew", "recover", &["operator"], false)]);
}
