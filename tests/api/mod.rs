//! Behaviour of `api`, over HTTP.

mod acting;
mod connections;
mod creating;
mod ownership;
mod programs;
mod rights;
mod rules;

use castellan::{
    access::Subject,
    api_tokens::{self, NewApiToken},
    background, mail,
    mfa::Method,
    organizations::Organization,
    products,
};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, Castellan, Person, TestClient, VERIFIER, World};

/// Somebody who asks the API, with a portal role and a bearer token.
pub struct Caller<'c> {
    castellan: &'c Castellan,
    pub person: Person,
    pub bearer: String,
}

impl Caller<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        self.castellan.json("GET", &format!("/api/v1{path}"), &self.bearer, &Value::Null).await
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.castellan.json(method, &format!("/api/v1{path}"), &self.bearer, body).await
    }

    /// The same without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.send("POST", path, &json!({})).await
    }
}

/// Somebody of the organization with a portal role there and below.
pub async fn somebody(castellan: &Castellan, organization: &Organization, login: &str, role: &str) -> Person {
    let person = castellan.person(organization, login).password().create().await;
    if !role.is_empty() {
        let portal = castellan.portal().await;
        castellan.assign(Subject::User(person.user.id), &portal, &[role], organization.id).await;
    }
    person
}

/// The same, signed in with a second factor, holding a token of the portal's audience.
pub async fn caller<'c>(castellan: &'c Castellan, organization: &Organization, login: &str, role: &str) -> Caller<'c> {
    let person = somebody(castellan, organization, login, role).await;
    let bearer = bearer(castellan, &person).await;
    Caller { castellan, person, bearer }
}

/// A token of the portal's audience for somebody who has signed in with a second factor just now.
pub async fn bearer(castellan: &Castellan, person: &Person) -> String {
    let portal = castellan.portal().await;
    let client = castellan.client(&portal).scopes("openid api").create().await;
    let mut browser = castellan.signed_in_by(person, &[Method::Totp]).await;
    token_for_api(&client, &mut browser).await
}

/// What a client gets that asks for the API.
pub async fn token_for_api(client: &TestClient<'_>, browser: &mut Browser<'_>) -> String {
    let answer = browser.get(&client.authorization_request().with("scope", "openid api").url()).await;
    let code = answer.location_parameter("code").expect("a code");
    let tokens = client.redeem(&code, VERIFIER).await.expect(200);
    tokens["access_token"].as_str().expect("an access token").to_owned()
}

/// An API token of the organization.
pub async fn api_token(castellan: &Castellan, organization: &Organization, permissions: &[&str]) -> String {
    let secret = api_tokens::fresh_secret();
    let text = secret.expose().to_owned();
    let new = NewApiToken {
        organization_id: organization.id,
        name: "test".to_owned(),
        permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
        created_by: None,
        expires_at: None,
    };
    let now = castellan.now();
    castellan.write(async move |tx| api_tokens::insert(tx, &new, &secret, now).await).await;
    text
}

/// Gives the partner both products.
pub async fn switch_products_on(castellan: &Castellan, world: &World, organization: &Organization) {
    let (organization, now) = (organization.id, castellan.now());
    let (recover, relay) = (world.recover.id, world.relay.id);
    castellan
        .write(async move |tx| {
            products::switch_on(tx, organization, recover, now).await?;
            products::switch_on(tx, organization, relay, now).await
        })
        .await;
}

/// The mails that have gone into the demo's mailbox.
pub async fn delivered(castellan: &Castellan) -> Vec<mail::Mail> {
    let app = &castellan.app;
    background::settle(app).await.expect("delivered");
    let mut db = app.store.reader().await.expect("a reader");
    let listed = mail::list(&mut db, &app.master, 100).await.expect("mails");
    listed.into_iter().map(|received| received.mail).collect()
}

/// The word of a problem.
#[track_caller]
pub fn problem(answer: &Answer, status: u16) -> String {
    let problem = answer.expect(status);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(problem["status"], status);
    let kind = problem["type"].as_str().expect("a type");
    assert!(!problem["detail"].as_str().expect("a detail").is_empty());
    kind.strip_prefix("urn:castellan:problem:").expect("a type of ours").to_owned()
}

/// The description is what the handlers say; a change of it is a change of the API.
#[tokio::test]
async fn the_api_describes_itself() {
    let castellan = Castellan::start().await;
    let description = castellan.get("/api/v1/openapi.json").await.expect(200);
    assert_eq!(description["openapi"], "3.1.0");
    insta::assert_json_snapshot!("openapi", description);
}
