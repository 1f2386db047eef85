//! `/Bulk`: many operations in one request (RFC 7644 §3.7).
//!
//! Each operation is a [`Call`] of its own that goes through the same endpoint as a request would: its own
//! write, its own entry in the log, its own refusal; only the mass-change guard looks at all of them before. [`job`] reads the request, [`reference`] finds and
//! fills `bulkId:...`, [`order`] says what must come before what, [`run`] performs, at once or later
//! ([`super::asynchronous`]).
//!
//! Resources that refer to each other in a circle are made without what is not there yet, and get it by a
//! replacement once all are made. Where that cannot be, what was made is deleted again, so that a POST
//! that is reported as failed has left nothing.

mod job;
mod order;
mod reference;
mod run;

use axum::response::Response;
use serde_json::json;

use super::{
    answer::{Answer, Fault},
    asynchronous,
    call::Call,
};

pub(super) use job::Job;
pub(super) use run::Run;

/// The most operations in one request.
pub const MOST_OPERATIONS: usize = 1000;

/// `POST /Bulk`
pub async fn bulk(call: Call) -> Response {
    let outcome = answer(&call).await;
    call.finish(outcome).await
}

async fn answer(call: &Call) -> Result<Answer, Fault> {
    let body = call.json()?;
    let job = Job::parse(&body, call.quirks().unknown())?;
    if let Some(accepted) = asynchronous::accept_bulk(call, body).await? {
        return Ok(accepted);
    }
    let mut run = Run::new(call, &job);
    for index in run.order() {
        if run.is_stopped() {
            break;
        }
        run.perform(index).await?;
    }
    run.complete().await?;
    Ok(Answer::of(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": run.outcomes(),
    })))
}
