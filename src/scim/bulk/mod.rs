//! `/Bulk`: many operations in one request (RFC 7644 §3.7).
//!
//! Each operation is a [`Call`] of its own that goes through the same endpoint as a request would: its own
//! write, its own entry in the log, its own refusal; only the mass-change guard looks at all of them before. [`job`] reads the request, [`reference`] finds and
//! fills `bulkId:...`, [`order`] says what must come before what.
//!
//! Resources that refer to each other in a circle are made without what is not there yet, and get it by a
//! replacement once all are made. Where that cannot be, what was made is deleted again, so that a POST
//! that is reported as failed has left nothing.

mod job;
mod order;
mod reference;

use axum::{
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Fault, etag},
    call::{Call, Single},
    endpoint,
    error::Refusal,
    users,
};
use job::{Job, Operation};
use reference::{Known, References};

/// The most operations in one request.
pub const MOST_OPERATIONS: usize = 1000;

/// `POST /Bulk`
pub async fn bulk(call: Call) -> Response {
    let outcome = run(&call).await;
    call.finish(outcome).await
}

async fn run(call: &Call) -> Result<Answer, Fault> {
    let job = Job::parse(&call.json()?, call.quirks().unknown())?;
    let mut run = Run::new(call, &job);
    for index in order::of(&job.operations) {
        if run.is_stopped() {
            break;
        }
        run.perform(index).await?;
    }
    run.complete().await;
    Ok(Answer::of(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": run.outcomes.into_iter().flatten().collect::<Vec<_>>(),
    })))
}

/// A job under way.
struct Run<'j> {
    call: &'j Call,
    job: &'j Job,
    known: References,
    /// By the place of the operation in the request; those not attempted have none.
    outcomes: Vec<Option<Value>>,
    errors: usize,
    /// Whether the guard knows what this request would end.
    is_foreseen: bool,
    /// Operations that made a resource without what was not there yet, and its id.
    incomplete: Vec<(usize, String)>,
}

impl<'j> Run<'j> {
    fn new(call: &'j Call, job: &'j Job) -> Self {
        let known = References::of(&job.operations);
        let outcomes = vec![None; job.operations.len()];
        Self { call, job, known, outcomes, errors: 0, is_foreseen: false, incomplete: Vec::new() }
    }

    /// RFC 7644 §3.7: so many errors are accepted before the rest is left undone.
    fn is_stopped(&self) -> bool {
        self.job.fail_on_errors.is_some_and(|most| self.errors >= most)
    }

    async fn perform(&mut self, index: usize) -> Result<(), Fault> {
        let operation = &self.job.operations[index];
        if !self.is_foreseen && operation.single.as_ref().is_ok_and(|single| users::may_end(self.call, single)) {
            self.is_foreseen = true;
            self.foresee().await?;
        }
        let made = match self.prepare(operation) {
            Err(refusal) => Err(refusal),
            Ok((single, is_whole)) => {
                let done = one(self.call, &single).await;
                if let (false, Ok(answer)) = (is_whole, &done)
                    && let Some(id) = answer.resource
                {
                    self.incomplete.push((index, id.to_string()));
                }
                done
            }
        };
        self.note(index, made);
        Ok(())
    }

    /// Before the first that could end somebody, the guard is told of all that are left. What refers to somebody
    /// who is not there yet ends nobody who is.
    async fn foresee(&self) -> Result<(), Fault> {
        let left = self.job.operations.iter().zip(&self.outcomes).filter(|(_, outcome)| outcome.is_none());
        let requests = left.filter_map(|(operation, _)| Some(self.prepare(operation).ok()?.0));
        users::foresee(self.call, requests).await
    }

    /// The request that an operation stands for, and whether it is all of it.
    fn prepare(&self, operation: &Operation) -> Result<(Single, bool), Refusal> {
        let mut single = operation.single.clone()?;
        if let Some(id) = single.id.as_deref().and_then(reference::named) {
            single.id = Some(self.known.made(id)?);
        }
        let is_circular = single.method == Method::POST && self.known.any_waits(&single.body);
        if is_circular {
            single.body = self.known.without_waiting(&single.body);
        }
        self.known.fill(&mut single.body)?;
        Ok((single, !is_circular))
    }

    /// Gives the resources of circles what they were made without.
    async fn complete(&mut self) {
        for (index, id) in std::mem::take(&mut self.incomplete) {
            let operation = &self.job.operations[index];
            let Ok(mut single) = operation.single.clone() else { continue };
            let made = single.clone();
            single.method = Method::PUT;
            single.id = Some(id.clone());
            let whole = match self.known.fill(&mut single.body) {
                Ok(()) => one(self.call, &single).await.map(|answer| Answer {
                    status: StatusCode::CREATED,
                    location: Some(self.location(&made, &id)),
                    ..answer
                }),
                Err(refusal) => Err(refusal),
            };
            if whole.is_err() {
                let undo = Single { method: Method::DELETE, id: Some(id), body: Value::Null, ..made };
                // What cannot be taken back stands in the log with its reason.
                let _ = one(self.call, &undo).await;
            }
            self.note(index, whole);
        }
    }

    /// Keeps what came of an operation, for the answer and for those that refer to it.
    fn note(&mut self, index: usize, outcome: Result<Answer, Refusal>) {
        let operation = &self.job.operations[index];
        if let Some(bulk_id) = operation.own_id() {
            let id = outcome.as_ref().ok().and_then(|answer| answer.resource);
            self.known.set(bulk_id, id.map_or(Known::Failed, |id| Known::Made(id.to_string())));
        }
        self.errors += usize::from(outcome.is_err());
        self.outcomes[index] = Some(self.outcome(operation, outcome));
    }

    /// RFC 7644 §3.7.3: location always, save for a POST that failed; the body of errors only.
    fn outcome(&self, operation: &Operation, outcome: Result<Answer, Refusal>) -> Value {
        let mut shown = Map::new();
        shown.insert("method".to_owned(), operation.method.as_str().into());
        if let Some(bulk_id) = &operation.bulk_id {
            shown.insert("bulkId".to_owned(), bulk_id.as_str().into());
        }
        let of_request = || {
            let single = operation.single.as_ref().ok()?;
            let id = single.id.as_deref()?;
            let id = reference::named(id).map_or_else(|| Some(id.to_owned()), |id| self.known.made(id).ok())?;
            Some(self.location(single, &id))
        };
        let made = outcome.as_ref().ok().and_then(|answer| answer.location.clone());
        if let Some(location) = made.or_else(of_request) {
            shown.insert("location".to_owned(), location.into());
        }
        let status = match outcome {
            Ok(answer) => {
                if let Some(version) = answer.version {
                    shown.insert("version".to_owned(), etag(version).into());
                }
                answer.status
            }
            Err(refusal) => {
                shown.insert("response".to_owned(), refusal.body());
                refusal.status()
            }
        };
        shown.insert("status".to_owned(), status.as_u16().to_string().into());
        Value::Object(shown)
    }

    fn location(&self, single: &Single, id: &str) -> String {
        format!("{}{}/{id}", self.call.base_url(), single.endpoint)
    }
}

/// Does one operation as its endpoint does, and logs it as a request of its own.
async fn one(call: &Call, single: &Single) -> Result<Answer, Refusal> {
    let call = call.single(single);
    let outcome = match endpoint::Act::of(&single.method) {
        Some(act) => endpoint::perform(&call, &single.endpoint, act).await,
        None => Err(Refusal::Method.into()),
    };
    call.conclude(outcome).await
}
