//! OAuth client credentials as an alternative to a connection's static token (RFC 7644 §2, RFC 6749 §4.4).

use base64::{Engine, engine::general_purpose::STANDARD};
use castellan::{
    clients::GrantType,
    connections::{self, Status},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Tool, refused};
use crate::{
    api::{api_token, caller, problem},
    support::{Answer, Castellan, PUBLIC_URL, World, claims},
};

/// A client of the tool's connection, made by an administrator.
struct Made<'c> {
    castellan: &'c Castellan,
    id: String,
    client_id: String,
    secret: String,
}

impl Made<'_> {
    async fn ask(&self, fields: &[(&str, &str)]) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.client_id, self.secret)));
        let fields = [&[("grant_type", "client_credentials")], fields].concat();
        self.castellan.post_form("/token", &[("authorization", basic.as_str())], &fields).await
    }

    async fn token(&self) -> String {
        let tokens = self.ask(&[("scope", "scim")]).await.expect(200);
        assert_eq!((&tokens["scope"], &tokens["token_type"]), (&json!("scim"), &json!("Bearer")));
        tokens["access_token"].as_str().expect("a token").to_owned()
    }
}

fn clients(tool: &Tool<'_>) -> String {
    format!("/organizations/{}/connections/{}/clients", tool.connection.organization_id, tool.connection.id)
}

async fn start<'c>(castellan: &'c Castellan, world: &World) -> (Tool<'c>, Made<'c>, crate::api::Caller<'c>) {
    let tool = Tool::new(castellan, &world.partner).await;
    let admin = caller(castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let made = admin.send("POST", &clients(&tool), &json!({ "name": "HR" })).await.expect(201);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    assert_eq!((&made["scope"], &made["token_endpoint"]), (&json!("scim"), &json!(format!("{PUBLIC_URL}/token"))));
    let made = Made {
        castellan,
        id: text(&made["client"]["id"]),
        client_id: text(&made["client"]["client_id"]),
        secret: text(&made["client_secret"]),
    };
    (tool, made, admin)
}

#[tokio::test]
async fn an_access_token_of_its_client_opens_the_connection_and_nothing_else() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (mut tool, made, _) = start(&castellan, &world).await;
    let other = Tool::new(&castellan, &world.partner).await;
    let token = made.token().await;
    let said = claims(&token);
    assert_eq!(said["aud"], format!("{PUBLIC_URL}{}", tool.path("")));
    assert_eq!((&said["client_id"], &said["sub"]), (&json!(made.client_id), &json!(made.client_id)));
    assert_eq!((said.get("roles"), said.get("product")), (None, None));

    tool.token = token.clone();
    let ada = tool.person("ada").await;
    assert_eq!(tool.get("/Users").await.expect(200)["Resources"][0]["id"], ada["id"]);
    let schemes = tool.get("/ServiceProviderConfig").await.expect(200)["authenticationSchemes"].clone();
    assert_eq!(schemes[1]["type"], "oauth2");

    // Neither another connection, nor the API, nor UserInfo.
    let headers = [("authorization", format!("Bearer {token}"))];
    let headers = [("authorization", headers[0].1.as_str())];
    refused(&castellan.request("GET", &other.path("/Users"), &headers, String::new()).await, 401, "");
    castellan.request("GET", "/api/v1/me", &headers, String::new()).await.has_status(401);
    castellan.request("GET", "/userinfo", &headers, String::new()).await.refuses(403, "insufficient_scope");

    // It ends with its time.
    castellan.advance(3601);
    refused(&tool.get("/Users").await, 401, "");
    tool.token = made.token().await;
    tool.get("/Users").await.expect(200);
}

/// Security.md rows 16 and 94: tokens for something else are none of a connection's.
#[tokio::test]
async fn access_tokens_for_other_things_do_not_open_it() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (mut tool, made, admin) = start(&castellan, &world).await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;
    let products = machine.client_credentials().await.expect(200)["access_token"].clone();
    for token in [products.as_str().expect("a token"), &admin.bearer, "a.b.c"] {
        tool.token = token.to_owned();
        refused(&tool.get("/Users").await, 401, "");
    }
    // A product's client that asks for the scope gets nothing of a connection by it.
    let greedy =
        castellan.client(&world.recover).scopes("scim product").grants(&[GrantType::ClientCredentials]).create().await;
    greedy.client_credentials().await.refuses(400, "unauthorized_client");
    made.ask(&[("scope", "openid product")]).await.refuses(400, "invalid_scope");
    made.ask(&[("resource", "https://recover.example/api")]).await.refuses(400, "invalid_target");
    made.ask(&[("resource", &format!("{PUBLIC_URL}{}", tool.path("")))]).await.expect(200);
}

#[tokio::test]
async fn a_client_ends_at_once_with_its_connection_or_by_itself() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (mut tool, made, admin) = start(&castellan, &world).await;
    tool.token = made.token().await;
    tool.get("/Users").await.expect(200);
    let set = async |status: Status| {
        let connection = connections::Connection { status, ..tool.connection.clone() };
        let now = castellan.now();
        castellan.write(async move |tx| connections::update(tx, &connection, now).await).await;
    };
    set(Status::Paused).await;
    refused(&tool.get("/Users").await, 401, "");
    made.ask(&[]).await.has_status(400);
    set(Status::Active).await;
    tool.get("/Users").await.expect(200);

    let list = admin.get(&clients(&tool)).await;
    assert_eq!(list.expect(200)["clients"][0]["client_id"], made.client_id.as_str());
    assert!(!list.body.contains(&made.secret), "told once");
    admin.send("DELETE", &format!("{}/{}", clients(&tool), made.id), &Value::Null).await.has_status(204);
    refused(&tool.get("/Users").await, 401, "");
    castellan.advance(2);
    made.ask(&[]).await.refuses(401, "invalid_client");
    admin.send("DELETE", &format!("{}/{}", clients(&tool), made.id), &Value::Null).await.has_status(404);
    assert_eq!(admin.get(&clients(&tool)).await.expect(200)["clients"], json!([]));
}

/// Who may make one: administrators of the organization, signed in just now; two at most.
#[tokio::test]
async fn a_client_is_made_by_administrators_only() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (tool, _, admin) = start(&castellan, &world).await;
    let new = json!({ "name": "Second" });
    admin.send("POST", &clients(&tool), &new).await.expect(201);
    assert_eq!(problem(&admin.send("POST", &clients(&tool), &new).await, 409), "two-live-tokens");
    let basic = caller(&castellan, &world.partner, "bo@brackwater.example", "basic").await;
    let foreign = caller(&castellan, &world.other_partner, "zoe@mill.example", "administrator").await;
    for (who, status) in [(&basic, 403), (&foreign, 404)] {
        who.get(&clients(&tool)).await.has_status(status);
        who.send("POST", &clients(&tool), &new).await.has_status(status);
    }
    let reading = api_token(&castellan, &world.partner, &["portal:connections:read"]).await;
    let path = format!("/api/v1{}", clients(&tool));
    castellan.json("GET", &path, &reading, &Value::Null).await.expect(200);
    castellan.json("POST", &path, &reading, &new).await.has_status(403);
    castellan.advance(3600);
    admin.send("POST", &clients(&tool), &json!({ "name": " " })).await.has_status(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_are_made_at_once_are_counted_together() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let (tool, _, admin) = start(&castellan, &world).await;
    let (path, body) = (clients(&tool), json!({ "name": "Export" }));
    let answers = join_all((0..4).map(|_| admin.send("POST", &path, &body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(problem(refused, 409), "two-live-tokens");
    }
    assert_eq!(admin.get(&path).await.expect(200)["clients"].as_array().map(Vec::len), Some(2));
}
