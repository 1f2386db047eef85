//! Provisioning events as signed tokens for webhooks (RFC 8417, RFC 8935, RFC 9967).

use std::sync::Mutex;

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use castellan::{
    background,
    id::WebhookId,
    jobs::{self, Message},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Tool, at};
use crate::{
    api::{api_token, caller, problem},
    support::{Castellan, PUBLIC_URL, claims, header},
};

/// Somebody who takes events, and what they answer.
pub struct Receiver {
    pub url: String,
    taken: std::sync::Arc<Taken>,
}

pub struct Taken {
    answer: Mutex<StatusCode>,
    events: Mutex<Vec<(String, String, String)>>,
    queries: Mutex<Vec<String>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let taken = std::sync::Arc::new(Taken {
            answer: Mutex::new(StatusCode::ACCEPTED),
            events: Mutex::default(),
            queries: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/events", listener.local_addr().expect("an address"));
        let router = Router::new().route("/events", post(take)).with_state(std::sync::Arc::clone(&taken));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, taken }
    }

    fn answers(&self, status: StatusCode) {
        *self.taken.answer.lock().expect("a lock") = status;
    }

    /// What came since the last time: media type, authorization, token.
    pub fn take(&self) -> Vec<(String, String, String)> {
        std::mem::take(&mut *self.taken.events.lock().expect("a lock"))
    }

    /// The queries with which it was asked.
    fn queries(&self) -> Vec<String> {
        self.taken.queries.lock().expect("a lock").clone()
    }
}

async fn take(
    State(taken): State<std::sync::Arc<Taken>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    taken.queries.lock().expect("a lock").extend(query);
    let text = |name: &str| headers[name].to_str().expect("text").to_owned();
    taken.events.lock().expect("a lock").push((text("content-type"), text("authorization"), body));
    *taken.answer.lock().expect("a lock")
}

/// Whether one of the published keys has signed it. An event has no `exp` (RFC 8417 §2.2).
async fn is_signed(castellan: &Castellan, token: &str) -> bool {
    let jwks = castellan.get("/jwks").await.expect(200);
    let kid = header(token)["kid"].clone();
    let jwk = jwks["keys"].as_array().expect("keys").iter().find(|key| key["kid"] == kid).expect("the key").clone();
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).expect("a key");
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).expect("a key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
}

#[tokio::test]
async fn a_change_by_a_tool_is_told_to_its_organizations_webhooks() {
    let castellan = Castellan::start_with(|config| config.allow_private_outbound = true).await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let receiver = Receiver::start().await;
    let hooks = format!("/organizations/{}/webhooks", world.partner.id);
    let made = admin.send("POST", &hooks, &json!({ "url": receiver.url })).await.expect(201);
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    assert!(!admin.get(&hooks).await.body.contains(&secret), "told once");

    let tool = Tool::new(&castellan, &world.partner).await;
    let other = Tool::new(&castellan, &world.client).await;
    other.person("zoe").await;
    let sent = json!({ "userName": "ada", "externalId": "7", "title": "Boss" });
    let ada = tool.post("/Users", &sent).await.expect(201);
    let group = tool.group("Staff", &[&ada]).await;
    let patch = json!([{ "op": "replace", "path": "title", "value": "Hand" }, { "op": "replace", "path": "active", "value": false }]);
    tool.patch(&at(&ada), patch).await.expect(200);
    tool.put(&at(&group), &json!({ "displayName": "Staff" })).await.expect(200);
    // What changes nothing is no event.
    tool.put(&at(&group), &json!({ "displayName": "Staff" })).await.expect(200);
    tool.delete(&at(&ada)).await.has_status(204);
    background::settle(&castellan.app).await.expect("deliveries");

    let mut told: Vec<(String, String, Value)> = Vec::new();
    for (media_type, authorization, token) in receiver.take() {
        assert_eq!((media_type.as_str(), authorization), ("application/secevent+jwt", format!("Bearer {secret}")));
        assert_eq!(header(&token)["typ"], "secevent+jwt");
        assert!(is_signed(&castellan, &token).await, "by a key that we publish");
        let said = claims(&token);
        assert_eq!(said["iss"], PUBLIC_URL);
        assert_eq!(said["aud"], format!("{PUBLIC_URL}{}", tool.path("")));
        assert!(said["txn"].is_string() && said["jti"].is_string() && said.get("sub").is_none());
        assert_eq!(said["sub_id"]["format"], "scim");
        let (kind, event) = said["events"].as_object().expect("events").iter().next().expect("one");
        let kind = kind.strip_prefix("urn:ietf:params:scim:event:prov:").expect("provisioning").to_owned();
        let mut attributes = event["attributes"].as_array().cloned().unwrap_or_default();
        attributes.sort_by_key(ToString::to_string);
        told.push((kind, said["sub_id"]["uri"].as_str().expect("a URI").to_owned(), Value::Array(attributes)));
        assert!(!token.contains("Boss"), "names, not values");
        if said["sub_id"]["uri"] == at(&ada).as_str() {
            assert_eq!(said["sub_id"]["externalId"], "7");
        }
    }
    told.sort_by_key(|(kind, uri, _)| (uri.starts_with("/Groups"), kind.clone()));
    let expected = [
        ("create:notice", at(&ada), json!(["active", "externalId", "title", "userName"])),
        ("deactivate", at(&ada), json!([])),
        ("delete", at(&ada), json!([])),
        ("patch:notice", at(&ada), json!(["title"])),
        ("create:notice", at(&group), json!(["displayName"])),
        ("put:notice", at(&group), json!(["members"])),
    ];
    assert_eq!(told, expected.map(|(kind, uri, attributes)| (kind.to_owned(), uri, attributes)));
}

/// A3: tried again while the receiver is away; not when it says that the event is wrong, nor once the
/// webhook is gone.
#[tokio::test]
async fn a_receiver_that_is_away_is_told_later() {
    let castellan = Castellan::start_with(|config| config.allow_private_outbound = true).await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let receiver = Receiver::start().await;
    let hooks = format!("/organizations/{}/webhooks", world.partner.id);
    let made = admin.send("POST", &hooks, &json!({ "url": receiver.url })).await.expect(201);
    let tool = Tool::new(&castellan, &world.partner).await;
    let settle = async || background::settle(&castellan.app).await.expect("deliveries");

    receiver.answers(StatusCode::SERVICE_UNAVAILABLE);
    tool.person("ada").await;
    settle().await;
    assert_eq!(receiver.take().len(), 1);
    receiver.answers(StatusCode::ACCEPTED);
    settle().await;
    assert!(receiver.take().is_empty(), "not before its time");
    castellan.advance(2);
    settle().await;
    assert_eq!(receiver.take().len(), 1);
    castellan.advance(60);
    settle().await;
    assert!(receiver.take().is_empty(), "once taken, done");

    receiver.answers(StatusCode::BAD_REQUEST);
    tool.person("bob").await;
    settle().await;
    assert_eq!(receiver.take().len(), 1);
    castellan.advance(60);
    settle().await;
    assert!(receiver.take().is_empty());

    tool.person("cyd").await;
    let path = format!("{hooks}/{}", made["webhook"]["id"].as_str().expect("an id"));
    admin.send("DELETE", &path, &Value::Null).await.has_status(204);
    settle().await;
    assert!(receiver.take().is_empty());
}

/// Whoever may manage connections, and no place that only we reach.
#[tokio::test]
async fn a_webhook_is_made_by_administrators_for_public_places() {
    let castellan = Castellan::start_with(|config| (config.allow_private_outbound, config.demo) = (false, false)).await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let hooks = format!("/organizations/{}/webhooks", world.partner.id);
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://a:b@example.com/",
        "x",
    ] {
        assert_eq!(problem(&admin.send("POST", &hooks, &json!({ "url": url })).await, 422), "invalid-fields", "{url}");
    }
    let new = json!({ "url": "https://events.example.com/castellan" });
    let made = admin.send("POST", &hooks, &new).await.expect(201);
    let path = format!("{hooks}/{}", made["webhook"]["id"].as_str().expect("an id"));
    let basic = caller(&castellan, &world.partner, "bo@brackwater.example", "basic").await;
    let foreign = caller(&castellan, &world.other_partner, "zoe@mill.example", "administrator").await;
    for (who, status) in [(&basic, 403), (&foreign, 404)] {
        who.get(&hooks).await.has_status(status);
        who.send("POST", &hooks, &new).await.has_status(status);
        who.send("DELETE", &path, &Value::Null).await.has_status(status);
    }
    let elsewhere = format!(
        "/organizations/{}/webhooks/{}",
        world.other_partner.id,
        made["webhook"]["id"].as_str().expect("an id")
    );
    foreign.send("DELETE", &elsewhere, &Value::Null).await.has_status(404);
    let reading = api_token(&castellan, &world.partner, &["portal:connections:read"]).await;
    assert_eq!(
        castellan.json("GET", &format!("/api/v1{hooks}"), &reading, &Value::Null).await.expect(200)["webhooks"][0]["url"],
        new["url"]
    );
}

/// A webhook is told in order, so one that takes nothing would gather events without end: it is disabled, and told of.
#[tokio::test]
async fn a_webhook_that_leaves_too_much_waiting_is_disabled() {
    let castellan = Castellan::start_with(|config| config.allow_private_outbound = true).await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let receiver = Receiver::start().await;
    let hooks = format!("/organizations/{}/webhooks", world.partner.id);
    let made = admin.send("POST", &hooks, &json!({ "url": receiver.url })).await.expect(201);
    let webhook: WebhookId = made["webhook"]["id"].as_str().expect("an id").parse().expect("an id");
    let tool = Tool::new(&castellan, &world.partner).await;
    receiver.answers(StatusCode::SERVICE_UNAVAILABLE);
    tool.person("ada").await;
    background::settle(&castellan.app).await.expect("deliveries");
    castellan.advance(2);
    background::settle(&castellan.app).await.expect("deliveries");
    assert_eq!(receiver.take().len(), 2);
    // It rests for some seconds more now.
    castellan.advance(1);
    tool.person("bob").await;
    background::settle(&castellan.app).await.expect("deliveries");
    assert!(receiver.take().is_empty(), "Bob's event waits for Ada's");

    let (master, now) = (std::sync::Arc::clone(&castellan.app.master), castellan.now());
    castellan
        .write(async move |tx| {
            for _ in 2..5_000 {
                let message = Message::Webhook { webhook, event: json!({}) };
                jobs::enqueue(tx, &master, &message, now + std::time::Duration::from_secs(3600), now).await?;
            }
            Ok(())
        })
        .await;
    assert_eq!(admin.get(&hooks).await.expect(200)["webhooks"][0]["status"], "active");
    tool.person("cyd").await;
    assert_eq!(admin.get(&hooks).await.expect(200)["webhooks"][0]["status"], "disabled");
    assert_eq!(castellan.audited(world.partner.id, "webhook.disabled").await.len(), 1);
    tool.person("dan").await;
    assert_eq!(castellan.audited(world.partner.id, "webhook.disabled").await.len(), 1);
}

/// A query may hold the receiver's key: it is used to deliver, and shown and written down nowhere.
#[tokio::test]
async fn what_an_address_carries_in_its_query_is_for_delivery_only() {
    let castellan = Castellan::start_with(|config| config.allow_private_outbound = true).await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let receiver = Receiver::start().await;
    let hooks = format!("/organizations/{}/webhooks", world.partner.id);
    let url = format!("{}?key=seven-geese#row", receiver.url);
    let shown = format!("{}?...", receiver.url);
    let made = admin.send("POST", &hooks, &json!({ "url": url })).await.expect(201);
    assert_eq!(made["webhook"]["url"], shown.as_str());
    let listed = admin.get(&hooks).await;
    assert_eq!(listed.expect(200)["webhooks"][0]["url"], shown.as_str());
    let audited = castellan.audited(world.partner.id, "webhook.created").await;
    assert!(format!("{audited:?}").contains(&shown), "{audited:?}");
    for text in [made.to_string(), listed.body, format!("{audited:?}")] {
        assert!(!text.contains("geese"), "{text}");
    }

    Tool::new(&castellan, &world.partner).await.person("ada").await;
    background::settle(&castellan.app).await.expect("deliveries");
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(receiver.queries(), ["key=seven-geese"]);
}

#[tokio::test]
async fn an_address_with_a_password_or_without_end_is_refused_with_what_to_do() {
    let castellan = Castellan::start_with(|config| config.allow_private_outbound = true).await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let hooks = format!("/organizations/{}/webhooks", world.partner.id);
    let of_length = |length: usize| format!("https://a.example/{}", "x".repeat(length - "https://a.example/".len()));
    for (url, code, text) in [
        ("https://ada:geese@a.example/".to_owned(), "userinfo", "Leave name and password out"),
        ("https://ada@a.example/".to_owned(), "userinfo", "Leave name and password out"),
        (of_length(2049), "too-long", "at most 2048"),
    ] {
        let refused = admin.send("POST", &hooks, &json!({ "url": url })).await;
        assert_eq!(problem(&refused, 422), "invalid-fields");
        assert_eq!(refused.json()["errors"][0]["code"], code);
        assert!(refused.body.contains(text) && !refused.body.contains("geese"), "{}", refused.body);
    }
    admin.send("POST", &hooks, &json!({ "url": of_length(2048) })).await.has_status(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_are_made_at_once_are_counted_together() {
    let castellan = Castellan::start_with(|config| config.allow_private_outbound = true).await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let hooks = format!("/organizations/{}/webhooks", world.partner.id);
    let new = |number: usize| json!({ "url": format!("https://desk.example.com/{number}") });
    for number in 0..7 {
        admin.send("POST", &hooks, &new(number)).await.has_status(201);
    }
    let bodies: Vec<Value> = (7..15).map(new).collect();
    let answers = join_all(bodies.iter().map(|body| admin.send("POST", &hooks, body))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(problem(refused, 422), "invalid-fields");
        assert_eq!(refused.json()["errors"][0]["code"], "too-many");
    }
    assert_eq!(made, 3);
    assert_eq!(admin.get(&hooks).await.expect(200)["webhooks"].as_array().map(Vec::len), Some(10));
}
