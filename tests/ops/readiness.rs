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
