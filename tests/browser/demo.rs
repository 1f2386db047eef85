//! The demo in a process of its own, as a newcomer starts it, and HTTP calls to it.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// A running demo.
pub struct Demo {
    process: Child,
    folder: PathBuf,
    /// What `--describe` wrote.
    pub world: Value,
    pub http: reqwest::Client,
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

impl Demo {
    pub async fn start() -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("castellan-browser-{port}"));
        let describe = folder.join("describe.json");
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_castellan"));
        command.args(["demo", "--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--dir").arg(folder.join("data")).arg("--describe").arg(&describe);
        if let Ok(server) = std::env::var("CASTELLAN_TEST_DATABASE") {
            command.arg("--database").arg(database(&server, port).await);
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("the demo starts");
        let started = Instant::now();
        while !describe.exists() {
            assert!(started.elapsed() < Duration::from_secs(30), "the demo did not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let world = serde_json::from_slice(&std::fs::read(&describe).expect("the description")).expect("JSON");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { process, folder, world, http }
    }

    pub fn issuer(&self) -> &str {
        self.world["issuer"].as_str().expect("an issuer")
    }

    pub fn portal(&self) -> &str {
        self.world["portal"].as_str().expect("a portal")
    }

    /// The address of a product's app.
    pub fn app(&self, slug: &str) -> String {
        let products = self.world["products"].as_array().expect("products");
        let product = products.iter().find(|product| product["slug"] == slug).expect("the product");
        product["app"].as_str().expect("its app").to_owned()
    }

    /// The slugs of the products that have an app.
    pub fn apps(&self) -> Vec<String> {
        let products = self.world["products"].as_array().expect("products");
        let with_app = products.iter().filter(|product| product["app"].is_string());
        with_app.filter_map(|product| product["slug"].as_str().map(str::to_owned)).collect()
    }

    /// The first of the cast of whom `rule` holds.
    pub fn user(&self, rule: impl Fn(&Value) -> bool) -> &Value {
        self.world["users"].as_array().expect("users").iter().find(|user| rule(user)).expect("somebody of the cast")
    }

    /// A SCIM request of a connection of the cast.
    pub async fn scim(&self, connection: &Value, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", connection["base_url"].as_str().expect("a base URL"));
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, url).bearer_auth(connection["token"].as_str().expect("a token"));
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let answer = request.send().await.expect("SCIM answers");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or(Value::Null))
    }

    /// Whether the app's own HTTP log has a logout token that it found valid and that ended a session.
    pub async fn has_seen_logout(&self, slug: &str) -> bool {
        let log = self.http.get(format!("{}/log", self.app(slug))).send().await.expect("the log");
        let log: Value = serde_json::from_str(&log.text().await.expect("a body")).expect("JSON");
        let valid = |entry: &Value| entry["logout"]["verdict"] == "valid" && entry["logout"]["sessions_ended"] == 1;
        log.as_array().is_some_and(|entries| entries.iter().any(valid))
    }

    /// Waits for a mail to that address and answers the first link in it.
    pub async fn link_mailed_to(&self, address: &str) -> String {
        let started = Instant::now();
        loop {
            let mails = self.http.get(self.world["mailbox"].as_str().expect("a mailbox"));
            let mails = mails.header("accept", "application/json").send().await.expect("the mailbox answers");
            let mails: Value = serde_json::from_str(&mails.text().await.unwrap_or_default()).unwrap_or(json!([]));
            let mine = mails.as_array().and_then(|mails| mails.iter().find(|mail| mail["to"] == address));
            if let Some(link) = mine.and_then(|mail| mail["links"][0].as_str()) {
                return link.to_owned();
            }
            assert!(started.elapsed() < Duration::from_secs(10), "no mail to {address}: {mails}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Makes an empty PostgreSQL database and answers its URL.
async fn database(server: &str, port: u16) -> String {
    use sqlx::{Connection, Executor};
    let name = format!("castellan_browser_{port}");
    let mut connection = sqlx::PgConnection::connect(&format!("{server}postgres")).await.expect("PostgreSQL answers");
    for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("the database is made");
    }
    format!("{server}{name}")
}
