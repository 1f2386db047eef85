//! What `active: false` and DELETE end (product.md P11, V5; issue 2, must show 3): everything, with the commit.

use castellan::{
    connections::{OnDelete, Settings, Vendor},
    jobs::Message,
    users::{self, Status},
};
use serde_json::json;

use super::{Tool, active_at_once, at, defaults, outbox, refused};
use crate::support::{Browser, Castellan, Person, TestClient, World};

/// Somebody whom a tool provisioned, signed in to a product.
struct SignedIn<'c> {
    castellan: &'c Castellan,
    tool: Tool<'c>,
    endpoint: String,
    client: TestClient<'c>,
    browser: Browser<'c>,
    tokens: serde_json::Value,
}

impl<'c> SignedIn<'c> {
    async fn start(castellan: &'c Castellan, world: &World) -> Self {
        let mut settings = active_at_once();
        settings.default_assignments = defaults(castellan, &world.recover, &["viewer"]).await;
        let tool = Tool::with(castellan, &world.client, castellan::connections::Vendor::Generic, settings).await;
        let sent = json!({ "userName": "ada@harbour.example", "password": "seven grey geese in a row" });
        let resource = tool.post("/Users", &sent).await.expect(201);
        let id = resource["id"].as_str().expect("an id").parse().expect("an id");
        let mut db = castellan.app.store.reader().await.expect("a reader");
        let user = users::find(&mut db, id).await.expect("a read").expect("a user");
        drop(db);
        let person = Person { user, password: "seven grey geese in a row".to_owned() };
        let client = castellan
            .client(&world.recover)
            .settings(|settings| settings.backchannel_logout_uri = Some("https://app.example/backchannel".to_owned()))
            .create()
            .await;
        let mut browser = castellan.signed_in(&person).await;
        let tokens = client.tokens(&mut browser).await;
        Self { castellan, tool, endpoint: at(&resource), client, browser, tokens }
    }

    fn token(&self, name: &str) -> &str {
        self.tokens[name].as_str().expect("a token")
    }

    async fn assert_lives(&self) {
        assert_eq!(self.client.introspect(self.token("access_token")).await["active"], true);
    }

    /// Refresh, introspection, UserInfo, the session, and a logout token on its way.
    async fn assert_ended(&mut self) {
        self.client.refresh(self.token("refresh_token")).await.refuses(400, "invalid_grant");
        assert_eq!(self.client.introspect(self.token("access_token")).await["active"], false);
        let authorization = format!("Bearer {}", self.token("access_token"));
        let headers = [("authorization", authorization.as_str())];
        self.castellan.request("GET", "/userinfo", &headers, String::new()).await.has_status(401);
        let silently = self.client.authorization_request().with("prompt", "none").url();
        self.browser.get(&silently).await.redirects_with("login_required");
        let told = outbox(self.castellan).await;
        let is_logout = |message: &Message| matches!(message, Message::BackchannelLogout { client, .. } if *client == self.client.registered.id);
        assert_eq!(told.iter().filter(|message| is_logout(message)).count(), 1);
    }
}

#[tokio::test]
async fn active_false_ends_every_access_with_its_commit() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut ada = SignedIn::start(&castellan, &world).await;
    ada.assert_lives().await;
    let operations = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    ada.tool.patch(&ada.endpoint, operations).await.expect(200);
    ada.assert_ended().await;

    // Reactivated, they sign in again; what has ended stays ended.
    ada.tool.patch(&ada.endpoint, json!([{ "op": "replace", "value": { "active": true } }])).await.expect(200);
    ada.client.refresh(ada.token("refresh_token")).await.refuses(400, "invalid_grant");
}

#[tokio::test]
async fn a_put_that_deactivates_ends_every_access_too() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut ada = SignedIn::start(&castellan, &world).await;
    ada.tool.put(&ada.endpoint, &json!({ "userName": "ada@harbour.example", "active": false })).await.expect(200);
    ada.assert_ended().await;
}

#[tokio::test]
async fn removal_ends_every_access() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut ada = SignedIn::start(&castellan, &world).await;
    ada.tool.delete(&ada.endpoint).await.has_status(204);
    ada.assert_ended().await;
}

/// DELETE as deactivation, where the connection says so: gone for the tool (RFC 7644 §3.6), kept for the
/// administrators, and the same person when they come back.
#[tokio::test]
async fn a_deleted_person_may_be_kept_deactivated() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let keeping = Settings { on_delete: OnDelete::Deactivate, ..active_at_once() };
    let tool = Tool::with(&castellan, &world.client, Vendor::Generic, keeping).await;
    let other = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada@harbour.example").await;
    let group = tool.group("Staff", &[&person]).await;
    tool.delete(&at(&person)).await.has_status(204);

    for answer in [
        tool.get(&at(&person)).await,
        tool.patch(&at(&person), json!([{ "op": "replace", "path": "active", "value": true }])).await,
        tool.delete(&at(&person)).await,
    ] {
        refused(&answer, 404, "");
    }
    assert_eq!(tool.get("/Users").await.expect(200)["totalResults"], 0);
    assert_eq!(tool.get(&at(&group)).await.expect(200).get("members"), None);
    let id = person["id"].as_str().expect("an id").parse().expect("an id");
    let kept = async || {
        let mut db = castellan.app.store.reader().await.expect("a reader");
        users::find(&mut db, id).await.expect("a read").expect("kept")
    };
    let user = kept().await;
    assert_eq!((user.status, user.connection_id), (Status::Deactivated, None));
    assert_eq!(user.login_name.as_given(), "ada@harbour.example");

    // Nobody else's tool takes the account; its own finds the person again, with what it says now.
    let again = json!({ "userName": "ADA@harbour.example", "title": "Boss" });
    refused(&other.post("/Users", &again).await, 409, "uniqueness");
    let back = tool.post("/Users", &again).await.expect(201);
    assert_eq!((&back["id"], &back["title"], &back["active"]), (&person["id"], &json!("Boss"), &json!(true)));
    assert_eq!(tool.get(&at(&person)).await.expect(200), back);
    assert_eq!(kept().await.connection_id, Some(tool.connection.id));
    refused(&tool.post("/Users", &again).await, 409, "uniqueness");
}
