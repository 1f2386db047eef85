//! `/healthz` and `/readyz`.

use crate::support::Castellan;

#[tokio::test]
async fn a_running_server_is_alive_and_ready() {
    let castellan = Castellan::start().await;
    assert_eq!(castellan.get("/healthz").await.status, 200);
    assert_eq!(castellan.get("/readyz").await.status, 200);
}

/// A balancer must stop sending before the listener closes; who is there already is still served.
#[tokio::test]
async fn a_server_that_was_told_to_stop_is_alive_and_not_ready() {
    let castellan = Castellan::start().await;
    castellan.app.draining.begin();
    assert_eq!(castellan.get("/readyz").await.status, 503);
    assert_eq!(castellan.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_server_without_its_database_is_not_ready() {
    let castellan = Castellan::start().await;
    castellan.app.store.close().await;
    assert_eq!(castellan.get("/readyz").await.status, 503);
    assert_eq!(castellan.get("/healthz").await.status, 200);
}

/// One source is slowed down; what asks whether the process is well is always told.
#[tokio::test]
async fn a_source_that_asks_too_often_is_told_to_wait() {
    let castellan =
        Castellan::start_with(|config| (config.limits.requests_per_second, config.limits.burst) = (1, 2)).await;
    let ask = async |path: &str| {
        let mut request = axum::http::Request::get(path).body(axum::body::Body::empty()).expect("a request");
        let peer = std::net::SocketAddr::from(([198, 51, 100, 7], 443));
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        castellan.send(request).await
    };
    let mut last = ask("/login/forgotten").await;
    for _ in 0..5 {
        last = ask("/login/forgotten").await;
    }
    assert_eq!((last.status.as_u16(), last.header("retry-after")), (429, "1"));
    assert_eq!(ask("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let castellan = Castellan::start_with(|config| config.limits.body_bytes = 20_000).await;
    let answer = castellan.post_form("/token", &[], &[("grant_type", &"a".repeat(30_000))]).await;
    assert!(answer.status.is_client_error() && answer.status != 401, "{} {}", answer.status, answer.body);
}
