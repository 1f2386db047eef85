//! Requests that are answered before they are performed (RFC 9967 §2.5.1): `Prefer: respond-async`.
//!
//! Where an organization has a webhook to be told at, a request that changes something is judged as far as
//! that needs no resource ([`accept`], [`accept_bulk`]), kept ([`crate::connections::asynchronous`]) and answered
//! 202. [`perform`] does it afterwards, operation by operation as [`super::bulk`] does, and each that ends
//! is one event. Elsewhere the preference is not applied, as RFC 7240 allows.
//!
//! Invariants: an operation that has changed something is noted in the transaction of the change, and told
//! of in the transaction that notes it as told: whatever dies in between, it is neither done nor told of
//! twice. What changed nothing may be judged again. No event carries an attribute's value.

mod perform;

use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    answer::{Answer, Fault, RESPOND_ASYNC},
    bulk::Job,
    call::{Call, Single},
    endpoint::Act,
    error::Refusal,
    event,
    value::Unknown,
};
use crate::{
    clock::Timestamp,
    connections::asynchronous::{self as stored, Hold, Operation},
    store::{self, Tx},
    webhooks,
};

pub use perform::{keep_performing, perform_due};

/// A request as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    work: Work,
    /// From where it came, for the audit trail.
    address: Option<String>,
    user_agent: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Work {
    Bulk(Value),
    Single { method: String, endpoint: String, id: Option<String>, version: Option<String>, body: Value },
}

impl Work {
    fn of(single: Single) -> Self {
        let Single { method, endpoint, id, version, body } = single;
        Self::Single { method: method.to_string(), endpoint, id, version, body }
    }

    /// Below the base URL, as in the log.
    fn path(&self) -> String {
        match self {
            Self::Bulk(_) => "/Bulk".to_owned(),
            Self::Single { endpoint, id: None, .. } => endpoint.clone(),
            Self::Single { endpoint, id: Some(id), .. } => format!("{endpoint}/{id}"),
        }
    }

    /// What there is to do. It was judged when it was accepted, however strict the connection is by now.
    fn job(self) -> Result<Job, Refusal> {
        match self {
            Self::Bulk(body) => Job::parse(&body, Unknown::Ignore),
            Self::Single { method, endpoint, id, version, body } => {
                let method = Method::from_bytes(method.as_bytes()).map_err(|_| Refusal::Method)?;
                Ok(Job::of(Single { method, endpoint, id, version, body }))
            }
        }
    }
}

/// Takes a request to one resource for later, if the client wants that and somebody is there to be told:
/// its answer. `None` if it is to be performed now.
///
/// # Errors
/// What is wrong with the request in itself; 429 if too many wait.
pub async fn accept(call: &Call, act: Act) -> Result<Option<Answer>, Fault> {
    if !is_wanted(call).await? {
        return Ok(None);
    }
    let kind = call.registry()?.endpoint(call.endpoint()).ok_or(Refusal::NotFound)?;
    let Some(single) = call.as_single()? else { return Ok(None) };
    match act {
        Act::Create | Act::Replace => _ = call.resource(kind, single.body.clone())?,
        Act::Patch => _ = call.operations(kind, &single.body)?,
        Act::Delete => {}
    }
    let location = single.id.as_ref().map(|id| format!("{}{}/{id}", call.base_url(), single.endpoint));
    let accepted = keep(call, Work::of(single)).await?;
    Ok(Some(Answer { location, ..accepted }))
}

/// The same of a bulk request, which has been parsed.
///
/// # Errors
/// 429 if too many wait.
pub async fn accept_bulk(call: &Call, body: Value) -> Result<Option<Answer>, Fault> {
    if !is_wanted(call).await? {
        return Ok(None);
    }
    keep(call, Work::Bulk(body)).await.map(Some)
}

/// Whether the client prefers not to wait, and its organization will be told.
async fn is_wanted(call: &Call) -> Result<bool, Fault> {
    if !call.prefers(RESPOND_ASYNC) {
        return Ok(false);
    }
    let mut db = call.app.store.reader().await?;
    Ok(webhooks::any_active(&mut db, call.connection.organization_id).await?)
}

async fn keep(call: &Call, work: Work) -> Result<Answer, Fault> {
    let (address, user_agent) = (call.by.address.clone(), call.by.user_agent.clone());
    let kept = serde_json::to_vec(&Kept { work, address, user_agent });
    let kept = kept.map_err(|error| store::Error::Damaged(error.to_string()))?;
    let (master, connection, now) = (call.app.master.clone(), call.connection.id, call.now);
    let unit = async move |tx: &mut Tx<'_>| stored::insert(tx, &master, (connection, kept.as_slice()), now).await;
    let id = call.app.store.write(unit).await?.ok_or(Refusal::RateLimited)?;
    call.shared.wake.ring();
    Ok(Answer::accepted(&id.to_string()))
}

/// Where the outcomes of a request go that nobody waits for.
#[derive(Clone)]
pub struct Progress {
    hold: Hold,
    /// Whether its operations are told apart by their places.
    is_bulk: bool,
}

/// Which operation of such a request a call is.
#[derive(Debug, Clone)]
pub struct Part {
    hold: Hold,
    place: i64,
    /// Whether nothing of the operation is left to do when it is done.
    is_whole: bool,
    /// What its events are known by.
    pub transaction: String,
}

impl Progress {
    /// RFC 9967 §2.5.1.2: the operations of a bulk request are counted from 0.
    fn transaction(&self, index: usize) -> String {
        let request = self.hold.request;
        if self.is_bulk { format!("{request}:{index}") } else { request.to_string() }
    }

    pub fn part(&self, index: usize, is_whole: bool) -> Part {
        Part { hold: self.hold, place: place(index), is_whole, transaction: self.transaction(index) }
    }

    /// Notes what came of an operation, and publishes it, which is one transaction.
    ///
    /// # Errors
    /// The database's; [`store::Error::Lost`] where another performs the request.
    pub async fn tell(
        &self,
        call: &Call,
        index: usize,
        (status, resource_id): (StatusCode, Option<Uuid>),
        (endpoint, outcome): (&str, &Value),
    ) -> store::Result<()> {
        let status = i64::from(status.as_u16());
        let told = Operation { place: place(index), status, resource_id, is_whole: true, is_told: true };
        let location = outcome.get("location").and_then(Value::as_str);
        let below = location.and_then(|location| location.strip_prefix(&call.base_url()));
        let (uri, transaction) = (below.unwrap_or(endpoint).to_owned(), self.transaction(index));
        let (owned, hold, outcome) = (call.clone(), self.hold, outcome.clone());
        let unit = async move |tx: &mut Tx<'_>| {
            let now = owned.app.clock.now();
            stored::note(tx, hold, &told, now).await?;
            event::publish_outcome(tx, &owned, (transaction.as_str(), uri.as_str()), &outcome).await
        };
        call.app.store.write(unit).await?;
        call.app.wake.ring();
        Ok(())
    }
}

impl Part {
    /// Notes that the operation has changed something, in the transaction of the change.
    ///
    /// # Errors
    /// The database's; [`store::Error::Lost`] where another performs the request: then the change is not made.
    pub async fn mark(&self, tx: &mut Tx<'_>, status: StatusCode, resource: Uuid, now: Timestamp) -> store::Result<()> {
        let (status, resource_id) = (i64::from(status.as_u16()), Some(resource));
        let done = Operation { place: self.place, status, resource_id, is_whole: self.is_whole, is_told: false };
        stored::note(tx, self.hold, &done, now).await
    }
}

fn place(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
