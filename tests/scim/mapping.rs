//! Groups that give product roles (product.md V2): at once with membership, and gone with it.

use axum::body::Body;
use castellan::{
    access::{self, Subject},
    connections::{self, Connection, DefaultAssignment, GroupRole, Settings, Status, Vendor},
    id::UserId,
    jobs::Message,
    users,
};
use serde_json::{Value, json};

use super::{Tool, active_at_once, at, defaults, outbox, refused};
use crate::{
    api::{Caller, caller, problem, switch_products_on},
    support::{Answer, Browser, Castellan, Person, TestClient, World},
};

const PASSWORD: &str = "seven grey geese in a row";

/// A tool of the partner whose group Operators gives a role of Recover, and what it takes to watch it.
struct Scene<'c> {
    castellan: &'c Castellan,
    world: &'c World,
    tool: Tool<'c>,
    admin: Caller<'c>,
    client: TestClient<'c>,
}

impl<'c> Scene<'c> {
    async fn start(castellan: &'c Castellan, world: &'c World) -> Self {
        switch_products_on(castellan, world, &world.partner).await;
        let admin = caller(castellan, &world.partner, "mara@brackwater.example", "administrator").await;
        let operator = defaults(castellan, &world.recover, &["operator"]).await;
        let settings = Settings { group_roles: operator.into_iter().map(rule).collect(), ..active_at_once() };
        let tool = Tool::with(castellan, &world.partner, Vendor::Generic, settings).await;
        let client = castellan
            .client(&world.recover)
            .settings(|settings| settings.backchannel_logout_uri = Some("https://app.example/backchannel".to_owned()))
            .create()
            .await;
        Self { castellan, world, tool, admin, client }
    }

    async fn person(&self, name: &str) -> (Value, Person) {
        let sent = json!({ "userName": format!("{name}@brackwater.example"), "password": PASSWORD });
        let resource = self.tool.post("/Users", &sent).await.expect(201);
        let mut db = self.castellan.app.store.reader().await.expect("a reader");
        let user = users::find(&mut db, id(&resource)).await.expect("a read").expect("a user");
        (resource, Person { user, password: PASSWORD.to_owned() })
    }

    /// The roles of Recover that somebody has now.
    async fn roles(&self, person: &Value) -> Vec<String> {
        let mut db = self.castellan.app.store.reader().await.expect("a reader");
        let subject = Subject::User(id(person));
        let held = access::entitlement(&mut db, subject, self.world.recover.id, self.castellan.now()).await;
        held.expect("a read").map(|entitlement| entitlement.roles).unwrap_or_default()
    }

    /// Signs the person in to Recover, and answers browser and tokens.
    async fn sign_in(&self, person: &Person) -> (Browser<'c>, Value) {
        let mut browser = self.castellan.signed_in(person).await;
        let tokens = self.client.tokens(&mut browser).await;
        outbox(self.castellan).await;
        (browser, tokens)
    }

    /// The product's tokens are dead and it was told; the session at the server goes on.
    async fn assert_signed_out(&self, tokens: &Value) {
        let token = |name: &str| tokens[name].as_str().expect("a token");
        self.client.refresh(token("refresh_token")).await.refuses(400, "invalid_grant");
        assert_eq!(self.client.introspect(token("access_token")).await["active"], false);
        let told = outbox(self.castellan).await;
        let ours = |message: &&Message| matches!(message, Message::BackchannelLogout { client, .. } if *client == self.client.registered.id);
        assert_eq!(told.iter().filter(ours).count(), 1, "{told:?}");
    }

    /// A request during which, before its body comes, the connection becomes that.
    async fn late(&self, method: &str, endpoint: &str, becomes: &Connection, body: Value) -> Answer {
        let (app, becomes, now) = (self.castellan.app.clone(), becomes.clone(), self.castellan.now());
        let arrives = async move {
            let changed = app.store.write(async move |tx| connections::update(tx, &becomes, now).await).await;
            changed.map(|()| body.to_string())
        };
        let authorization = format!("Bearer {}", self.tool.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/scim+json")];
        let body = Body::from_stream(futures_util::stream::once(arrives));
        self.castellan.request(method, &self.tool.path(endpoint), &headers, body).await
    }

    fn path(&self) -> String {
        format!("/organizations/{}/connections/{}", self.world.partner.id, self.tool.connection.id)
    }
}

fn rule(given: DefaultAssignment) -> GroupRole {
    GroupRole { group: "OPERATORS".to_owned(), product: given.product, roles: given.roles, subtree: true, origin: None }
}

fn id(resource: &Value) -> UserId {
    resource["id"].as_str().expect("an id").parse().expect("an id")
}

#[tokio::test]
async fn members_have_the_role_while_they_are_members() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (ada, account) = scene.person("ada").await;
    assert!(scene.roles(&ada).await.is_empty());
    let group = scene.tool.group("Operators", &[&ada]).await;
    assert_eq!(scene.roles(&ada).await, ["operator"]);
    let (_, tokens) = scene.sign_in(&account).await;
    let out = format!("members[value eq \"{}\"]", id(&ada));
    scene.tool.patch(&at(&group), json!([{ "op": "remove", "path": out }])).await.expect(200);
    assert!(scene.roles(&ada).await.is_empty());
    scene.assert_signed_out(&tokens).await;
    scene
        .tool
        .patch(&at(&group), json!([{ "op": "add", "path": "members", "value": [{ "value": ada["id"] }] }]))
        .await
        .expect(200);
    assert_eq!(scene.roles(&ada).await, ["operator"]);
}

#[tokio::test]
async fn replacing_renaming_and_deleting_a_group_end_what_it_gave() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (ada, account) = scene.person("ada").await;
    let group = scene.tool.group("operators", &[&ada]).await;
    let (_, tokens) = scene.sign_in(&account).await;
    scene.tool.put(&at(&group), &json!({ "displayName": "operators", "members": [] })).await.expect(200);
    scene.assert_signed_out(&tokens).await;

    let all = json!({ "displayName": "operators", "members": [{ "value": ada["id"] }] });
    scene.tool.put(&at(&group), &all).await.expect(200);
    let (_, tokens) = scene.sign_in(&account).await;
    scene
        .tool
        .patch(&at(&group), json!([{ "op": "replace", "path": "displayName", "value": "Staff" }]))
        .await
        .expect(200);
    assert!(scene.roles(&ada).await.is_empty());
    scene.assert_signed_out(&tokens).await;
    scene
        .tool
        .patch(&at(&group), json!([{ "op": "replace", "value": { "displayName": "Operators" } }]))
        .await
        .expect(200);
    assert_eq!(scene.roles(&ada).await, ["operator"], "its name is the rule's again");

    let (_, tokens) = scene.sign_in(&account).await;
    scene.tool.delete(&at(&group)).await.has_status(204);
    assert!(scene.roles(&ada).await.is_empty());
    scene.assert_signed_out(&tokens).await;
}

#[tokio::test]
async fn a_rule_counts_at_once_for_those_who_are_members_and_ends_with_its_removal() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (ada, account) = scene.person("ada").await;
    scene.tool.group("Support desk", &[&ada]).await;
    let rules = json!({ "group_roles": [{ "group": "support DESK", "product": "recover", "roles": ["viewer"] }] });
    let changed = scene.admin.send("PATCH", &scene.path(), &rules).await.expect(200);
    assert_eq!(changed["group_roles"][0]["known"], true);
    assert_eq!(changed["group_roles"][0]["roles"][0]["slug"], "viewer");
    assert_eq!(scene.roles(&ada).await, ["viewer"]);
    let (_, tokens) = scene.sign_in(&account).await;
    scene.admin.send("PATCH", &scene.path(), &json!({ "group_roles": [] })).await.expect(200);
    assert!(scene.roles(&ada).await.is_empty());
    scene.assert_signed_out(&tokens).await;
}

#[tokio::test]
async fn who_holds_the_product_in_another_way_stays_signed_in() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (ada, account) = scene.person("ada").await;
    castellan.assign(Subject::User(id(&ada)), &world.recover, &["viewer"], world.partner.id).await;
    let group = scene.tool.group("Operators", &[&ada]).await;
    let (_, tokens) = scene.sign_in(&account).await;
    scene.tool.delete(&at(&group)).await.has_status(204);
    assert_eq!(scene.roles(&ada).await, ["viewer"]);
    assert_eq!(scene.client.introspect(tokens["access_token"].as_str().expect("a token")).await["active"], true);
    assert_eq!(outbox(&castellan).await, []);
}

/// Security row 75: a rule makes no administrator, nor gives what the organization or its maker lacks.
#[tokio::test]
async fn a_rule_gives_no_portal_role_and_nothing_that_is_not_there() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    for (product, roles) in
        [("portal", json!(["administrator"])), ("recover", json!(["nothing"])), ("recover", json!([]))]
    {
        let rules = json!({ "group_roles": [{ "group": "Operators", "product": product, "roles": roles }] });
        assert_eq!(problem(&scene.admin.send("PATCH", &scene.path(), &rules).await, 422), "invalid-fields");
    }
    // Even if it stood in the settings.
    let portal = castellan.portal().await;
    let administrator = defaults(&castellan, &portal, &["administrator"]).await;
    let settings = Settings { group_roles: administrator.into_iter().map(rule).collect(), ..active_at_once() };
    let tool = Tool::with(&castellan, &world.partner, Vendor::Generic, settings).await;
    let eve = tool.person("eve@brackwater.example").await;
    tool.group("operators", &[&eve]).await;
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let held = access::entitlement(&mut db, Subject::User(id(&eve)), portal.id, castellan.now()).await;
    assert_eq!(held.expect("a read"), None);
}

/// An id in a rule names one group. Names are the tool's to choose, and a group that is called like the id gets nothing.
#[tokio::test]
async fn a_rule_by_id_is_for_that_group_and_no_namesake() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (ada, account) = scene.person("ada").await;
    let (eve, _) = scene.person("eve").await;
    let group = scene.tool.group("Anything", &[&ada]).await;
    let written = group["id"].as_str().expect("an id").to_owned();
    let namesake = scene.tool.group(&written, &[&eve]).await;
    let rules =
        json!({ "group_roles": [{ "group": written.to_uppercase(), "product": "recover", "roles": ["viewer"] }] });
    let changed = scene.admin.send("PATCH", &scene.path(), &rules).await.expect(200);
    assert_eq!(changed["group_roles"][0]["known"], true);
    assert_eq!(scene.roles(&ada).await, ["viewer"]);
    scene
        .tool
        .patch(&at(&namesake), json!([{ "op": "replace", "path": "externalId", "value": "x" }]))
        .await
        .expect(200);
    assert!(scene.roles(&eve).await.is_empty());
    let again = scene.tool.group(&written.to_uppercase().replace('-', ""), &[&eve]).await;
    assert!(again["id"].is_string() && scene.roles(&eve).await.is_empty());

    let (_, tokens) = scene.sign_in(&account).await;
    scene.admin.send("PATCH", &scene.path(), &json!({ "group_roles": [] })).await.expect(200);
    assert!(scene.roles(&ada).await.is_empty());
    scene.assert_signed_out(&tokens).await;
}

/// Groups within groups: leaving the inner one is leaving what the outer one gives.
#[tokio::test]
async fn leaving_a_group_within_a_group_ends_what_the_outer_one_gives() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (ada, account) = scene.person("ada").await;
    let inner = scene.tool.group("Night shift", &[&ada]).await;
    let outer = scene.tool.group("Operators", &[&inner]).await;
    assert_eq!(scene.roles(&ada).await, ["operator"]);
    let (_, tokens) = scene.sign_in(&account).await;
    scene.tool.put(&at(&inner), &json!({ "displayName": "Night shift" })).await.expect(200);
    assert!(scene.roles(&ada).await.is_empty());
    scene.assert_signed_out(&tokens).await;

    let back = json!([{ "op": "add", "path": "members", "value": [{ "value": ada["id"] }] }]);
    scene.tool.patch(&at(&inner), back).await.expect(200);
    let (_, tokens) = scene.sign_in(&account).await;
    let out = format!("members[value eq \"{}\"]", inner["id"].as_str().expect("an id"));
    scene.tool.patch(&at(&outer), json!([{ "op": "remove", "path": out }])).await.expect(200);
    assert!(scene.roles(&ada).await.is_empty());
    scene.assert_signed_out(&tokens).await;
}

/// No page shows groups, so what they gave by a connection's rules ends with it.
#[tokio::test]
async fn deleting_the_connection_ends_what_its_groups_gave() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (ada, account) = scene.person("ada").await;
    scene.tool.group("Operators", &[&ada]).await;
    let (_, tokens) = scene.sign_in(&account).await;
    scene.admin.send("DELETE", &scene.path(), &Value::Null).await.has_status(204);
    assert!(scene.roles(&ada).await.is_empty());
    scene.assert_signed_out(&tokens).await;
}

/// A request whose body comes late acts on the connection as it is by then.
#[tokio::test]
async fn what_is_decided_while_a_request_is_under_way_is_obeyed() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let scene = Scene::start(&castellan, &world).await;
    let (ada, _) = scene.person("ada").await;
    let group = scene.tool.group("Staff", &[&ada]).await;
    let mut without = scene.tool.connection.clone();
    without.settings.group_roles.clear();
    let rename = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "displayName", "value": "Operators" }],
    });
    scene.late("PATCH", &at(&group), &without, rename).await.expect(200);
    assert!(scene.roles(&ada).await.is_empty(), "the rule had gone");

    let paused = Connection { status: Status::Paused, ..without };
    let answer = scene.late("POST", "/Users", &paused, json!({ "userName": "eve@brackwater.example" })).await;
    refused(&answer, 401, "");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let name = users::LoginName::parse("eve@brackwater.example").expect("a name");
    assert!(users::find_by_login_name(&mut db, users::Realm::Portal, &name).await.expect("a read").is_none());
}
