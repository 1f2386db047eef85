//! What stands before every handler: how much one source may ask for, how large and how slow a
//! request may be, and that a panic ends one request and not the connection.

use std::{any::Any, num::NonZeroU32};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer};

use super::{
    ClientAddress, Failure,
    limits::{Limits, PerSource},
};
use crate::config;

/// Puts the router behind the configured limits. Below [`super::surround`], which says who asks.
pub fn guard<S: Clone + Send + Sync + 'static>(router: Router<S>, limits: &config::Limits) -> Router<S> {
    // One layer of three: each layer of a router boxes every request once more. The first stands outermost.
    let router = router.layer((
        TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits.request),
        RequestBodyLimitLayer::new(limits.body_bytes),
        CatchPanicLayer::custom(panicked),
    ));
    let rate = NonZeroU32::new(limits.requests_per_second).zip(NonZeroU32::new(limits.burst));
    let Some((per_second, burst)) = rate else { return router };
    let limiter = Limits::new(PerSource { per_second, burst });
    router.layer(middleware::from_fn(move |request, next| slow_down(request, next, limiter.clone())))
}

async fn slow_down(request: Request, next: Next, limiter: Limits) -> Response {
    let address = request.extensions().get::<ClientAddress>().copied();
    // What asks whether the process is well must always be told.
    let exempt = matches!(request.uri().path(), "/healthz" | "/readyz");
    if exempt || address.is_none_or(|address| limiter.allow(address)) {
        return next.run(request).await;
    }
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, HeaderValue::from_static("1"))], "too many requests\n")
        .into_response()
}

/// The message may hold anything, so it goes to the log as text and nowhere else.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Failure::internal(&format_args!("a handler panicked: {}", message.unwrap_or("without a message"))).into_response()
}
