//! A server that answers until it is told to stop.
//!
//! Connections are few enough for the process and none may idle half way through a request: whoever opens many
//! and says little (F16 of security.md) finds them closed.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use ipnet::IpNet;
use parking_lot::Mutex;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::{Service, service_fn};

use crate::{app::App, config::Config};

/// So long a server that was told to stop says that it is not ready before it stops listening.
const NOTICE: Duration = Duration::from_millis(500);
/// So long requests under way may take after that.
const DRAIN: Duration = Duration::from_secs(9);
/// Out of file descriptors, the next try waits so long.
const BREATH: Duration = Duration::from_millis(100);

/// Serves `router` until SIGTERM or SIGINT, then lets what is under way finish.
///
/// # Errors
/// The signals could not be listened for.
pub async fn until_told(listener: TcpListener, router: Router, app: &App) -> anyhow::Result<()> {
    let graceful = GracefulShutdown::new();
    {
        let mut serving = std::pin::pin!(serve(listener, router, &app.config, &graceful));
        tokio::select! {
            () = &mut serving => {}
            notice = told() => {
                app.draining.begin();
                tracing::info!("told to stop: finishing what is under way");
                // Still serving while balancers take notice.
                let _ = tokio::time::timeout(notice?, &mut serving).await;
            }
        }
    }
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests took too long and were cut off");
    }
    Ok(())
}

/// Takes connections for ever.
async fn serve(listener: TcpListener, router: Router, config: &Config, graceful: &GracefulShutdown) {
    let doors = Doors::new(config);
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(config.limits.header);
    loop {
        let Ok(permit) = Arc::clone(&doors.all).acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::error!(%error, "a connection could not be taken");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        // One source must leave room for the others.
        let Some(place) = doors.enter(peer.ip(), permit) else { continue };
        // Small answers must not wait for the peer's acknowledgement.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            router.clone().call(request)
        });
        let connection = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // How a peer left is no news.
            let _ = connection.await;
            drop(place);
        });
    }
}

/// How many may be inside, in all and from one source.
struct Doors {
    all: Arc<Semaphore>,
    by_source: Arc<Mutex<HashMap<IpAddr, usize>>>,
    of_one: usize,
    /// They speak for many.
    trusted_proxies: Vec<IpNet>,
}

/// A connection's place; leaving is dropping it.
struct Place {
    source: Option<IpAddr>,
    by_source: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Doors {
    fn new(config: &Config) -> Self {
        Self {
            all: Arc::new(Semaphore::new(config.limits.connections)),
            by_source: Arc::default(),
            of_one: config.limits.connections / 4,
            trusted_proxies: config.trusted_proxies.clone(),
        }
    }

    fn enter(&self, address: IpAddr, permit: OwnedSemaphorePermit) -> Option<Place> {
        let is_proxy = self.trusted_proxies.iter().any(|network| network.contains(&address));
        let source = (!is_proxy).then_some(address);
        if let Some(source) = source {
            let mut inside = self.by_source.lock();
            let count = inside.entry(source).or_default();
            if *count >= self.of_one {
                return None;
            }
            *count += 1;
        }
        Some(Place { source, by_source: Arc::clone(&self.by_source), _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(source) = self.source else { return };
        let mut inside = self.by_source.lock();
        if let Some(count) = inside.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&source);
            }
        }
    }
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
