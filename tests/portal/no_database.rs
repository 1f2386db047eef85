//! Must show 9: the portal works with its database handle taken away, for it has none.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use castellan::{
    http::{self, Site},
    mfa::Method,
    portal::{Portal, registration},
    portal_sessions::Rows,
    secret::MasterKeys,
    store::{Options, Store},
};
use tower::ServiceExt;

use super::somebody;
use crate::support::{Castellan, PUBLIC_URL, TestDatabase};

/// The portal's rows lie in another, empty database, under another master key: all it shows comes by the API.
#[tokio::test]
async fn the_portal_works_without_the_servers_database() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let elsewhere = TestDatabase::create().await;
    let store = Store::open(&Options { url: elsewhere.url(), migrate: true }).await.expect("another database");
    let master = Arc::new(MasterKeys::new(&[(9, [9; 32])]).expect("another key"));
    let site = Site { origin: PUBLIC_URL.to_owned(), secure: false, trusted_proxies: Vec::new() };
    let server = castellan::router::router(castellan.app.clone());
    let rows = Rows::new(store.clone(), master);
    let registered = registration(PUBLIC_URL, &castellan.app.master);
    let portal = Portal::new(site.clone(), registered, rows, castellan.app.clock.clone(), server.clone());
    let router: Router = http::surround(portal.routes(), site);

    let signed_in = castellan.signed_in_by(&mara, &[Method::Totp]).await;
    let mut cookies = signed_in.cookies.clone();
    let mut at = format!("/portal/organizations/{}/users", world.partner.id);
    let body = loop {
        // Only the portal's own paths go to this portal; all else is the server.
        let to = if at.starts_with("/portal") { &router } else { &server };
        let answer = get(to, &at, &mut cookies).await;
        match answer {
            Ok(next) => at = next,
            Err(body) => break body,
        }
    };
    assert!(body.contains("mara@brackwater.example"), "{body}");
    let sessions: i64 = match &store {
        Store::Sqlite { readers, .. } => {
            sqlx::query_scalar("SELECT COUNT(*) FROM portal_sessions").fetch_one(readers).await
        }
        Store::Postgres { pool } => sqlx::query_scalar("SELECT COUNT(*) FROM portal_sessions").fetch_one(pool).await,
    }
    .expect("a count");
    assert_eq!(sessions, 1, "its session lies there, and nothing else does");
}

/// Where a redirect leads, or the page.
async fn get(router: &Router, at: &str, cookies: &mut BTreeMap<String, String>) -> Result<String, String> {
    let cookie = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let request = Request::get(at).header(header::HOST, "localhost:8080").header(header::COOKIE, cookie);
    let answer = router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    for cookie in answer.headers().get_all(header::SET_COOKIE) {
        let cookie = cookie::Cookie::parse(cookie.to_str().expect("a cookie").to_owned()).expect("a cookie");
        cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
    }
    if let Some(location) = answer.headers().get(header::LOCATION) {
        let location = location.to_str().expect("a location");
        return Ok(location.strip_prefix(PUBLIC_URL).unwrap_or(location).to_owned());
    }
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    Err(String::from_utf8_lossy(&body).into_owned())
}

/// The portal's state holds no `App` and no `Store`, and its files name neither: `tests/tidy.rs` holds
/// the imports, and this the words.
#[test]
fn the_portal_names_no_database() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal");
    let mut files = vec![folder];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in ["Store", "crate::app", "crate::store", "sqlx", "MasterKeys::"] {
                assert!(!line.contains(word), "{}: {line}", path.display());
            }
        }
    }
}
