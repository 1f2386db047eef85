//! A login name that lives in another organization (product.md V6): the tool gets a resource of its own, and the person
//! is asked to join.

mod asking;
mod ending;
mod telling;

use castellan::{
    access::{self, Subject},
    connections::{Settings, Vendor},
    id::UserId,
    jobs::Message,
    mail::Mail,
    users::{self, User},
};
use serde_json::{Value, json};

use super::{Tool, at, defaults, outbox, settings};
use crate::{
    api::{Caller, caller, switch_products_on},
    support::{Browser, Castellan, Person, TestClient, World},
};

/// Zoe works for Northgate; a tool of Harbour provisions her, and would give her Recover.
pub struct Scene<'c> {
    pub castellan: &'c Castellan,
    pub world: &'c World,
    pub zoe: Person,
    pub tool: Tool<'c>,
    recover: TestClient<'c>,
}

/// What Harbour's tool believes of her.
fn believed() -> Value {
    json!({
        "userName": "ZOE@northgate.example", "externalId": "E7", "displayName": "Zoe of Harbour", "title": "Dentist",
        "name": { "givenName": "Zoe", "familyName": "Harbour" }, "active": true,
        "emails": [{ "value": "zoe@harbour.example", "primary": true }], "password": "seven grey geese in a row",
    })
}

impl<'c> Scene<'c> {
    pub async fn start(castellan: &'c Castellan, world: &'c World) -> Self {
        let viewer = defaults(castellan, &world.recover, &["viewer"]).await;
        Self::with(castellan, world, Settings { default_assignments: viewer, account_state: true, ..settings() }).await
    }

    pub async fn with(castellan: &'c Castellan, world: &'c World, settings: Settings) -> Self {
        switch_products_on(castellan, world, &world.client).await;
        let zoe = castellan.person(&world.other_partner, "zoe@northgate.example").password().create().await;
        castellan.assign(Subject::User(zoe.user.id), &world.relay, &["operator"], world.other_partner.id).await;
        let tool = Tool::with(castellan, &world.client, Vendor::Generic, settings).await;
        let recover = castellan
            .client(&world.recover)
            .settings(|settings| settings.backchannel_logout_uri = Some("https://app.example/backchannel".to_owned()))
            .create()
            .await;
        Self { castellan, world, zoe, tool, recover }
    }

    /// The tool provisions Zoe; answers the resource and the mail that she got.
    pub async fn ask(&self) -> (Value, Mail) {
        let resource = self.tool.post("/Users", &believed()).await.expect(201);
        (resource, self.invitation().await.expect("a mail to Zoe"))
    }

    /// The mail that asks Zoe to join, if there is one by now.
    pub async fn invitation(&self) -> Option<Mail> {
        invitation(self.castellan).await
    }

    pub async fn accept(&self, invitation: &Mail) {
        let mut browser = self.castellan.signed_in(&self.zoe).await;
        let page = browser.get(path(invitation)).await;
        let page = browser.submit(&page, "join-accept", &[]).await;
        assert!(page.has_status(200).has_element("join-done"));
    }

    /// The roles that Zoe has in Recover now.
    pub async fn roles(&self) -> Vec<String> {
        let mut db = self.castellan.app.store.reader().await.expect("a reader");
        let subject = Subject::User(self.zoe.user.id);
        let held = access::entitlement(&mut db, subject, self.world.recover.id, self.castellan.now()).await;
        held.expect("a read").map(|entitlement| entitlement.roles).unwrap_or_default()
    }

    async fn activate(&self, resource: &Value, active: bool) -> Value {
        let operations = json!([{ "op": "replace", "path": "active", "value": active }]);
        self.tool.patch(&at(resource), operations).await.expect(200)
    }

    /// Signs Zoe in to Recover, and answers browser and tokens.
    async fn sign_in(&self) -> (Browser<'c>, Value) {
        let mut browser = self.castellan.signed_in(&self.zoe).await;
        let tokens = self.recover.tokens(&mut browser).await;
        outbox(self.castellan).await;
        (browser, tokens)
    }

    /// Recover's tokens are dead and it was told; Zoe's own session and account go on as they were.
    async fn assert_signed_out(&self, mut browser: Browser<'_>, tokens: &Value) {
        let token = |name: &str| tokens[name].as_str().expect("a token");
        assert!(self.roles().await.is_empty());
        self.recover.refresh(token("refresh_token")).await.refuses(400, "invalid_grant");
        assert_eq!(self.recover.introspect(token("access_token")).await["active"], false);
        let told = outbox(self.castellan).await;
        let ours = |message: &&Message| matches!(message, Message::BackchannelLogout { client, .. } if *client == self.recover.registered.id);
        assert_eq!(told.iter().filter(ours).count(), 1, "{told:?}");
        browser.get("/account").await.has_status(200);
        self.assert_untouched().await;
    }

    /// Zoe's account is as it was made, and gives what it gave.
    async fn assert_untouched(&self) {
        let user = row(self.castellan, self.zoe.user.id).await;
        let shown = |user: &User| (user.version, user.status, user.email.clone(), user.display_name.clone());
        assert_eq!(shown(&user), shown(&self.zoe.user));
        assert_eq!(user.updated_at, self.zoe.user.updated_at);
        let mut db = self.castellan.app.store.reader().await.expect("a reader");
        let (subject, relay) = (Subject::User(self.zoe.user.id), self.world.relay.id);
        let held = access::entitlement(&mut db, subject, relay, self.castellan.now()).await.expect("a read");
        assert_eq!(held.expect("an entitlement").roles, ["operator"]);
    }

    /// Whether Zoe is a member of the tool's organization.
    async fn is_member(&self) -> bool {
        let mut db = self.castellan.app.store.reader().await.expect("a reader");
        users::find_in(&mut db, self.world.client.id, self.zoe.user.id).await.expect("a read").is_some()
    }

    async fn admin(&self) -> Caller<'c> {
        caller(self.castellan, &self.world.client, "dora@harbour.example", "administrator").await
    }
}

pub async fn invitation(castellan: &Castellan) -> Option<Mail> {
    let found = outbox(castellan).await.into_iter().find_map(|message| match message {
        Message::Mail(mail) if mail.subject.ends_with("would like you to join") => Some(mail),
        _ => None,
    });
    found.inspect(|mail| assert_eq!(mail.to, "zoe@northgate.example", "never where the tool says"))
}

/// The path of the link in a mail.
pub fn path(mail: &Mail) -> &str {
    mail.links[0].strip_prefix(crate::support::PUBLIC_URL).expect("a link of ours")
}

async fn row(castellan: &Castellan, id: UserId) -> User {
    let mut db = castellan.app.store.reader().await.expect("a reader");
    users::find(&mut db, id).await.expect("a read").expect("a row")
}

pub fn id(resource: &Value) -> UserId {
    resource["id"].as_str().expect("an id").parse().expect("an id")
}
