//! A server that answers until it is told to stop.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, serve::ListenerExt};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::app::App;

/// So long a server that was told to stop says that it is not ready before it stops listening.
const NOTICE: Duration = Duration::from_millis(500);
/// So long requests under way may take after that.
const DRAIN: Duration = Duration::from_secs(9);

/// Serves `router` until SIGTERM or SIGINT, then lets what is under way finish.
///
/// # Errors
/// The socket failed.
pub async fn until_told(listener: TcpListener, router: Router, app: &App) -> anyhow::Result<()> {
    let (stop, mut stopped) = watch::channel(false);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|connection| {
        // Small answers must not wait for the peer's acknowledgement.
        let _ = connection.set_nodelay(true);
    });
    let shutdown = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let serving = async move { axum::serve(listener, service).with_graceful_shutdown(shutdown).await };
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        outcome = &mut serving => return Ok(outcome?),
        notice = told() => {
            app.draining.begin();
            tracing::info!("told to stop: finishing what is under way");
            // Still serving while balancers take notice.
            let _ = tokio::time::timeout(notice?, &mut serving).await;
        }
    }
    let _ = stop.send(true);
    if tokio::time::timeout(DRAIN, serving).await.is_err() {
        tracing::warn!("some requests took too long and were cut off");
    }
    Ok(())
}

/// Waits for a signal, and answers how long to go on listening.
async fn told() -> std::io::Result<Duration> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(NOTICE),
        // A person at the keyboard wants it now.
        outcome = tokio::signal::ctrl_c() => outcome.map(|()| Duration::ZERO),
    }
}
