//! The cast of the behaviour suite: a whole server in this process, on a database of its own.
//!
//! ```ignore
//! let castellan = Castellan::start().await;            // router, manual clock, fresh database
//! let world = castellan.world().await;                  // provider > partner > client, a product with roles
//! let alice = castellan.person(&world.client).password().create().await;
//! let mut browser = castellan.browser();
//! let page = browser.get("/login").await;
//! let page = browser.submit(&page, "login-form", &[("username", alice.login())]).await;
//! castellan.clock().advance(Duration::from_secs(60));   // time moves only by hand
//! ```

mod answer;
mod browser;
mod clients;
mod database;
mod relying_party;
mod sign_in;
mod smtp;
mod world;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use castellan::{
    app::App,
    audit,
    clock::{Clock, Timestamp},
    config::Config,
    id::OrganizationId,
    secret::MasterKeys,
};
use tower::ServiceExt;

pub use answer::Answer;
pub use browser::Browser;
pub use clients::{CALLBACK, TestClient, claims, header};
pub use database::Database as TestDatabase;
pub use relying_party::RelyingParty;
pub use sign_in::{CHALLENGE, VERIFIER};
pub use smtp::{Mood, SmtpSink};
pub use world::{Person, World};

/// 2026-11-24T08:00:00Z, where every test begins.
pub const START: Timestamp = Timestamp::from_seconds(1_795_507_200);

/// The public URL of the server under test.
pub const PUBLIC_URL: &str = "http://localhost:8080";

/// A server under test.
pub struct Castellan {
    pub app: App,
    router: Router,
    pub database: database::Database,
}

impl Castellan {
    /// Starts a server on a fresh database, as `serve` would, with a clock that stands still.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = database::Database::create().await;
        let mut config = configuration(database.url());
        change(&mut config);
        let app = App::start(config, Clock::manual(START)).await.expect("the server starts");
        let router = castellan::router::router(app.clone());
        Self { app, router, database }
    }

    /// A second node on the same database, with its own caches and the same clock.
    pub async fn second_node(&self) -> App {
        App::start(self.app.config.clone(), self.app.clock.clone()).await.expect("the node starts")
    }

    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    pub fn advance(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
    }

    /// Sends one request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.expect("the router always answers");
        Answer::read(answer).await
    }

    /// A request of no browser: no cookies.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header(header::HOST, "localhost:8080").body(Body::empty()).expect("a request"))
            .await
    }

    /// A form of no browser, with headers such as Authorization.
    pub async fn post_form(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.request("POST", path, &[&[("content-type", "application/x-www-form-urlencoded")], headers].concat(), body)
            .await
    }

    /// JSON of no browser.
    pub async fn json(&self, method: &str, path: &str, bearer: &str, body: &serde_json::Value) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        self.request(method, path, &headers, body.to_string()).await
    }

    /// Any request of no browser.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// The events of that kind in an organization's trail, the oldest first.
    pub async fn audited(&self, organization: OrganizationId, kind: &str) -> Vec<audit::Recorded> {
        self.app.recorder.flush().await;
        let mut db = self.app.store.reader().await.expect("a reader");
        let filter = audit::Filter { kind: kind.to_owned(), ..audit::Filter::default() };
        let later = self.now() + Duration::from_secs(1);
        let mut events = audit::list(&mut db, organization, &filter, later, 500).await.expect("listed");
        events.reverse();
        events
    }

    /// From where an event's actor came.
    pub async fn address_of(&self, event: &audit::Recorded) -> Option<String> {
        let mut db = self.app.store.reader().await.expect("a reader");
        let personal = audit::read_personal(&mut db, &self.app.master, event.id).await.expect("read");
        personal.get("address").and_then(|address| address.as_str()).map(str::to_owned)
    }

    /// A browser with an empty cookie jar.
    pub fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }
}

/// Defaults, but for hashes that are cheap (their cost is `users::password`'s own test) and limits that
/// only the tests of limits reach.
fn configuration(database: castellan::store::Url) -> Config {
    let listen = "127.0.0.1:8080".parse().expect("an address");
    let master = MasterKeys::new(&[(1, [7; 32])]).expect("a key");
    let mut config = Config::with_defaults(listen, PUBLIC_URL.parse().expect("a URL"), database, Arc::new(master));
    config.passwords.memory_kib = 64;
    config.passwords.passes = 1;
    config.allow_private_outbound = true;
    config
}
