//! A job under way.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::{
    job::{Job, Operation},
    order,
    reference::{self, Known, References},
};
use crate::{
    connections::asynchronous as stored,
    scim::{
        answer::{Answer, Fault, etag},
        asynchronous::Progress,
        call::{Call, Single},
        endpoint,
        error::Refusal,
        users,
    },
    store,
};

/// What has come of a job so far.
pub struct Run<'j> {
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
    /// Where each outcome is noted and told of, if nobody waits for the answer.
    progress: Option<Progress>,
}

impl<'j> Run<'j> {
    pub fn new(call: &'j Call, job: &'j Job) -> Self {
        let known = References::of(&job.operations);
        let outcomes = vec![None; job.operations.len()];
        Self { call, job, known, outcomes, errors: 0, is_foreseen: false, incomplete: Vec::new(), progress: None }
    }

    /// A job that is performed later, and may have been begun before: what was told of then stays so, and
    /// what was done without having been told of is told of now.
    ///
    /// # Errors
    /// The database's; [`store::Error::Lost`] where another performs the job.
    pub async fn resume(
        call: &'j Call,
        job: &'j Job,
        progress: Progress,
        done: Vec<stored::Operation>,
    ) -> store::Result<Self> {
        let mut run = Self { progress: Some(progress), ..Self::new(call, job) };
        for operation in done {
            run.recall(&operation).await?;
        }
        Ok(run)
    }

    async fn recall(&mut self, done: &stored::Operation) -> store::Result<()> {
        let index = usize::try_from(done.place).unwrap_or(usize::MAX);
        let Some(operation) = self.job.operations.get(index) else { return Ok(()) };
        let stored = u16::try_from(done.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = stored.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if done.is_told {
            let id = done.resource_id.filter(|_| status.is_success());
            self.learn(operation, id.map(|id| id.to_string()));
            self.errors += usize::from(!status.is_success());
            self.outcomes[index] = Some(Value::Null);
            return Ok(());
        }
        let id = done.resource_id.map(|id| id.to_string()).unwrap_or_default();
        if !done.is_whole {
            self.learn(operation, Some(id.clone()));
            self.incomplete.push((index, id));
            return Ok(());
        }
        // A resource that was made in two steps was made.
        let is_made = operation.method.eq_ignore_ascii_case("POST");
        let location = operation.single.as_ref().ok().map(|single| self.location(single, &id));
        let answer = Answer {
            status: if is_made { StatusCode::CREATED } else { status },
            resource: done.resource_id,
            location,
            ..Answer::empty(status)
        };
        self.note(index, Ok(answer)).await
    }

    /// The order in which to perform what is left.
    pub fn order(&self) -> Vec<usize> {
        let begun = |index: &usize| self.incomplete.iter().any(|(begun, _)| begun == index);
        let left = |index: &usize| self.outcomes[*index].is_none() && !begun(index);
        order::of(&self.job.operations).into_iter().filter(left).collect()
    }

    /// RFC 7644 §3.7: so many errors are accepted before the rest is left undone.
    pub fn is_stopped(&self) -> bool {
        self.job.fail_on_errors.is_some_and(|most| self.errors >= most)
    }

    /// What came of the operations that were attempted, in the order of the request.
    pub fn outcomes(self) -> Vec<Value> {
        self.outcomes.into_iter().flatten().collect()
    }

    /// Does one operation. What is refused is its outcome.
    ///
    /// # Errors
    /// The outcome could not be noted.
    pub async fn perform(&mut self, index: usize) -> store::Result<()> {
        let operation = &self.job.operations[index];
        if !self.is_foreseen && operation.single.as_ref().is_ok_and(|single| users::may_end(self.call, single)) {
            self.is_foreseen = true;
            self.foresee().await?;
        }
        let made = match self.prepare(operation) {
            Err(refusal) => Err(refusal),
            Ok((single, is_whole)) => {
                let done = self.one(&single, index, is_whole).await;
                if let (false, Ok(answer)) = (is_whole, &done)
                    && let Some(id) = answer.resource
                {
                    self.learn(operation, Some(id.to_string()));
                    self.incomplete.push((index, id.to_string()));
                    return Ok(());
                }
                done
            }
        };
        self.note(index, made).await
    }

    /// Before the first that could end somebody, the guard is told of all that are left. What refers to somebody
    /// who is not there yet ends nobody who is.
    async fn foresee(&self) -> store::Result<()> {
        let left = self.job.operations.iter().zip(&self.outcomes).filter(|(_, outcome)| outcome.is_none());
        let requests = left.filter_map(|(operation, _)| Some(self.prepare(operation).ok()?.0));
        match users::foresee(self.call, requests).await {
            Err(Fault::Store(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// The request that an operation stands for, and whether it is all of it.
    fn prepare(&self, operation: &Operation) -> Result<(Single, bool), Refusal> {
        let mut single = operation.single.clone()?;
        if self.job.is_alone {
            return Ok((single, true));
        }
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
    ///
    /// # Errors
    /// An outcome could not be noted.
    pub async fn complete(&mut self) -> store::Result<()> {
        for (index, id) in std::mem::take(&mut self.incomplete) {
            let operation = &self.job.operations[index];
            let Ok(mut single) = operation.single.clone() else { continue };
            let made = single.clone();
            single.method = Method::PUT;
            single.id = Some(id.clone());
            let whole = match self.known.fill(&mut single.body) {
                Ok(()) => self.one(&single, index, true).await.map(|answer| Answer {
                    status: StatusCode::CREATED,
                    location: Some(self.location(&made, &id)),
                    ..answer
                }),
                Err(refusal) => Err(refusal),
            };
            if whole.is_err() {
                let undo = Single { method: Method::DELETE, id: Some(id), body: Value::Null, ..made };
                // What cannot be taken back stands in the log with its reason.
                let _ = perform(&self.call.single(&undo, None), &undo).await;
            }
            self.note(index, whole).await?;
        }
        Ok(())
    }

    /// Says of all that has no outcome yet why it was not attempted.
    ///
    /// # Errors
    /// An outcome could not be noted.
    pub async fn leave(&mut self, why: &Refusal) -> store::Result<()> {
        for index in 0..self.outcomes.len() {
            if self.outcomes[index].is_none() {
                self.note(index, Err(why.clone())).await?;
            }
        }
        Ok(())
    }

    /// The same, once more in the log, for what an administrator may want to know of.
    ///
    /// # Errors
    /// An outcome could not be noted.
    pub async fn stop(&mut self, why: Refusal) -> store::Result<()> {
        if self.outcomes.iter().any(Option::is_none) {
            let _ = self.call.conclude(Err(why.clone().into())).await;
        }
        self.leave(&why).await
    }

    async fn one(&self, single: &Single, index: usize, is_whole: bool) -> Result<Answer, Refusal> {
        let part = self.progress.as_ref().map(|progress| progress.part(index, is_whole));
        perform(&self.call.single(single, part), single).await
    }

    /// What others that refer to the operation find: the id of what it made, if it made something.
    fn learn(&mut self, operation: &Operation, id: Option<String>) {
        if let Some(bulk_id) = operation.own_id() {
            self.known.set(bulk_id, id.map_or(Known::Failed, Known::Made));
        }
    }

    /// Keeps what came of an operation, for the answer and for those that refer to it.
    async fn note(&mut self, index: usize, outcome: Result<Answer, Refusal>) -> store::Result<()> {
        let operation = &self.job.operations[index];
        let resource = outcome.as_ref().ok().and_then(|answer| answer.resource);
        let status = outcome.as_ref().map_or_else(Refusal::status, |answer| answer.status);
        self.learn(operation, resource.map(|id| id.to_string()));
        self.errors += usize::from(outcome.is_err());
        let shown = self.outcome(operation, outcome);
        if let Some(progress) = &self.progress {
            let endpoint = operation.single.as_ref().map_or("/Bulk", |single| single.endpoint.as_str());
            progress.tell(self.call, index, (status, resource), (endpoint, &shown)).await?;
        }
        self.outcomes[index] = Some(shown);
        Ok(())
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
                let body = if self.progress.is_some() { refusal.told() } else { refusal.body() };
                shown.insert("response".to_owned(), body);
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
async fn perform(call: &Call, single: &Single) -> Result<Answer, Refusal> {
    let outcome = match endpoint::Act::of(&single.method) {
        Some(act) => endpoint::perform(call, &single.endpoint, act).await,
        None => Err(Refusal::Method.into()),
    };
    call.conclude(outcome).await
}
