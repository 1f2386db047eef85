//! The demo: its world as issue and documents promise it, and that it keeps its secrets.

use castellan::demo::{describe, world};
use serde_json::Value;

use super::process::{Scratch, free_port};
use crate::support::Castellan;

const APPS: [&str; 3] = ["http://127.0.0.1:8081", "http://127.0.0.1:8082", "http://127.0.0.1:8083"];

async fn described(castellan: &Castellan) -> Value {
    let apps = APPS.map(str::to_owned);
    let made = world::found_or_made(&castellan.app, &apps).await.expect("a world");
    describe::description(&castellan.app, &made).await.expect("a description")
}

fn users(world: &Value) -> Vec<&Value> {
    world["users"].as_array().expect("users").iter().collect()
}

#[tokio::test]
async fn the_cast_has_everybody_whom_tests_and_readers_need() {
    let castellan = Castellan::start().await;
    let world = described(&castellan).await;
    let users = users(&world);
    assert!((36..=48).contains(&users.len()), "some forty people: {}", users.len());
    let count = |judge: &dyn Fn(&Value) -> bool| users.iter().filter(|user| judge(user)).count();
    let kind = |user: &Value, kind: &str| user["organization"]["kind"] == kind;
    let enrolled = |user: &Value| user["mfa"].as_array().is_some_and(|methods| !methods.is_empty());
    let holds = |user: &Value, slug: &str| user["products"][slug].is_array();

    assert!(count(&|user| kind(user, "partner") && user["portal_role"] == "administrator") >= 2);
    let technician = users.iter().find(|user| user["provisioned_by"].is_string() && user["portal_role"] == "basic");
    let technician = technician.expect("a Basic technician who was provisioned");
    assert!(technician["totp_secret"].is_string() && holds(technician, "recover"));
    let lacking = |user: &Value, slug: &str| enrolled(user) && user["portal_role"].is_string() && !holds(user, slug);
    for slug in ["recover", "tandem", "loft"] {
        assert!(count(&|user| lacking(user, slug)) >= 2, "{slug}");
    }
    assert!(count(&|user| user["must_enrol"] == true && user["portal_role"].is_string()) >= 1);
    assert!(count(&|user| kind(user, "client")) >= 5);
    assert!(count(&|user| user["realm"] != "portal") >= 1, "a product-only user");
    assert!(count(&|user| user["products"].as_object().is_some_and(serde_json::Map::is_empty)) >= 1);
    assert!(count(&|user| holds(user, "conformance") && user["must_enrol"] == false && !enrolled(user)) == 1);
    // By a group: the provisioned members of the backup team.
    assert!(
        count(&|user| user["login"].as_str().is_some_and(|l| l.starts_with("wim.")) && holds(user, "recover")) == 1
    );
}

#[tokio::test]
async fn clients_products_and_connections_are_described_as_they_stand() {
    let castellan = Castellan::start().await;
    let world = described(&castellan).await;
    let products = world["products"].as_array().expect("products");
    assert_eq!(products.len(), 4);
    for (product, app) in products.iter().zip(APPS) {
        assert_eq!(product["app"], app);
        let clients = world["clients"].as_array().expect("clients");
        let client = clients.iter().find(|client| client["product"] == product["slug"]).expect("its client");
        assert_eq!(client["auth_method"], "client_secret_basic");
        assert_eq!(client["redirect_uris"][0], format!("{app}/callback"));
        assert_eq!(client["grant_types"], serde_json::json!(["authorization_code", "refresh_token"]));
    }
    let machine = |client: &&Value| client["grant_types"] == serde_json::json!(["client_credentials"]);
    assert_eq!(world["clients"].as_array().expect("clients").iter().filter(machine).count(), 1);

    // connections[0] belongs to an organization without people.
    let empty = &world["connections"][0]["organization"]["id"];
    assert!(users(&world).iter().all(|user| &user["organization"]["id"] != empty));
    for connection in world["connections"].as_array().expect("connections") {
        let path = connection["base_url"].as_str().expect("a URL").strip_prefix("http://localhost:8080").expect("ours");
        let bearer = format!("Bearer {}", connection["token"].as_str().expect("a token"));
        let path = format!("{path}/Users");
        let answer = castellan.request("GET", &path, &[("authorization", &bearer)], "").await;
        answer.has_status(200);
    }
}

#[tokio::test]
async fn a_later_start_finds_the_same_world_and_moves_its_apps() {
    let castellan = Castellan::start().await;
    let first = described(&castellan).await;
    assert_eq!(described(&castellan).await, first);
    let moved = ["http://127.0.0.1:9001", "http://127.0.0.1:9002", "http://127.0.0.1:9003"].map(str::to_owned);
    let made = world::found_or_made(&castellan.app, &moved).await.expect("a world");
    let second = describe::description(&castellan.app, &made).await.expect("a description");
    assert_eq!(second["products"][0]["app"], moved[0]);
    assert_eq!(second["users"], first["users"]);
    assert_eq!(second["connections"], first["connections"]);
}

/// The demo as a process: private files, one public URL, and no secret in clear on the disk.
#[tokio::test]
async fn a_running_demo_keeps_its_secrets_and_leads_to_one_url() {
    let scratch = Scratch::new();
    let port = free_port();
    let file = scratch.path("describe.json");
    let listen = format!("127.0.0.1:{port}");
    let folder = scratch.path("data");
    let arguments = ["demo", "--listen", &listen, "--dir", &folder, "--describe", &file, "--log", "trace"];
    let demo = scratch.start(&arguments, &[]);
    let world: Value = serde_json::from_slice(&scratch.wait_for(&file).await).expect("JSON");
    assert_eq!(scratch.mode(&file), 0o600);
    assert_eq!(scratch.mode(&folder), 0o700);
    for name in ["castellan.key", "castellan.db", "castellan.db-wal"] {
        assert_eq!(scratch.mode(&format!("{folder}/{name}")), 0o600, "{name}");
    }

    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let answer = http.get(format!("http://127.0.0.1:{port}/login?a=b")).send().await.expect("an answer");
    assert_eq!(answer.status(), 308);
    assert_eq!(answer.headers()["location"], format!("http://localhost:{port}/login?a=b"));
    let mailbox = http.get(world["mailbox"].as_str().expect("a URL")).header("accept", "application/json");
    assert_eq!(mailbox.send().await.expect("an answer").text().await.expect("text"), "[]");
    for product in world["products"].as_array().expect("products") {
        if let Some(app) = product["app"].as_str() {
            let page = http.get(app).send().await.expect("an answer").text().await.expect("text");
            assert!(page.contains("id=\"sign-in\""), "{page}");
        }
    }

    let log = demo.stop();
    let mut disk = log.into_bytes();
    for name in ["castellan.db", "castellan.db-wal"] {
        disk.extend(std::fs::read(format!("{folder}/{name}")).unwrap_or_default());
    }
    for secret in secrets(&world) {
        assert!(!disk.windows(secret.len()).any(|window| window == secret.as_bytes()), "a secret lies in clear");
    }
}

/// Every secret of the description.
fn secrets(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text)
                    if ["password", "totp_secret", "client_secret", "token"].contains(&name.as_str()) =>
                {
                    vec![text.clone()]
                }
                _ => secrets(value),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(secrets).collect(),
        _ => Vec::new(),
    }
}
