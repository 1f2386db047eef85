//! How a call ends: what the provisioning log tells of it, and what a dry run undoes.

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use crate::{
    connections::log::{self, Outcome},
    http::RequestId,
    scim::{
        answer::{Answer, Fault},
        error::Refusal,
    },
    store::{self, Tx},
};

/// A longer name of a refused resource is cut in the log.
const LONGEST_SUBJECT: usize = 200;

impl Call {
    /// Logs a change of `resource`, whose name is `subject`, in the change's own transaction. A dry run,
    /// which rolls that back, keeps the entry until then.
    ///
    /// # Errors
    /// The database's.
    pub async fn log(
        &self,
        tx: &mut Tx<'_>,
        status: StatusCode,
        (resource, subject): (Uuid, &str),
        details: Value,
    ) -> store::Result<()> {
        let mut entry = self.entry(status, Some(resource), details, subject.to_owned());
        if self.connection.settings.dry_run {
            entry.outcome = if entry.outcome == Outcome::Changed { Outcome::Rehearsed } else { entry.outcome };
            self.rehearsed.lock().push(entry);
            return Ok(());
        }
        if let Some(part) = self.part.as_ref().filter(|_| status.is_success()) {
            part.mark(tx, status, resource, self.now).await?;
        }
        log::insert(tx, &entry).await
    }

    /// How a write ends: its answer, or in a dry run the same answer as what rolls everything back.
    ///
    /// # Errors
    /// The rollback of a dry run; [`Call::finish`] answers it like a success.
    pub fn settle(&self, answer: Answer) -> Result<Answer, Fault> {
        if !self.connection.settings.dry_run {
            return Ok(answer);
        }
        let entries = std::mem::take(&mut *self.rehearsed.lock());
        Err(Fault::Rehearsed(Box::new((answer, entries))))
    }

    /// An entry of the provisioning log about this request, and the resource that is called `subject`.
    fn entry(&self, status: StatusCode, resource: Option<Uuid>, mut details: Value, subject: String) -> log::Entry {
        let warnings = self.warnings.lock();
        if !warnings.is_empty() {
            details["warnings"] = json!(*warnings);
        }
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let has = |name: &str| details.get(name).is_some();
        let outcome = if has("held") {
            Outcome::Held
        } else if has("refused") {
            Outcome::Refused
        } else if ["created", "changed", "removed"].into_iter().any(has) {
            Outcome::Changed
        } else if self.method == Method::GET || self.path.ends_with("/.search") {
            Outcome::Read
        } else {
            Outcome::Unchanged
        };
        log::Entry {
            connection: self.connection.id,
            at: self.now,
            method: self.method.to_string(),
            path: format!("{}{query}", self.path),
            status: status.as_u16(),
            outcome,
            resource,
            subject,
            details,
        }
    }

    /// Logs a request that changed nothing. Its body says whom it was about, so that one finds what was refused.
    pub(super) async fn note(&self, status: StatusCode, resource: Option<Uuid>, details: Value) {
        let named = serde_json::from_slice(&self.body).ok().and_then(|body| name(&body));
        self.keep(self.entry(status, resource, details, named.unwrap_or_default())).await;
    }

    async fn keep(&self, entry: log::Entry) {
        let recorder = self.shared.recorder.get_or_init(|| log::Recorder::start(self.app.store.clone()));
        recorder.note(entry).await;
    }

    /// Logs the outcome, unless its transaction has, and answers.
    pub async fn finish(&self, outcome: Result<Answer, Fault>) -> Response {
        match self.conclude(outcome).await {
            Ok(answer) => answer.into_response(),
            Err(refusal) => refusal.into_response(),
        }
    }

    /// Logs the outcome, unless its transaction has. A failure of the database becomes a refusal.
    ///
    /// # Errors
    /// What was refused.
    pub async fn conclude(&self, outcome: Result<Answer, Fault>) -> Result<Answer, Refusal> {
        match outcome {
            Ok(answer) => {
                if answer.is_logged {
                    // It changed something, and may have left mail or logout tokens to send.
                    self.app.wake.ring();
                } else if let Some(transaction) = &answer.transaction {
                    self.note(answer.status, answer.resource, json!({ "transaction": transaction })).await;
                } else {
                    match answer.body.as_ref().and_then(name) {
                        Some(name) => self.keep(self.entry(answer.status, answer.resource, json!({}), name)).await,
                        None => self.note(answer.status, answer.resource, json!({})).await,
                    }
                }
                answer.settled()
            }
            Err(Fault::Rehearsed(rehearsal)) => {
                let (answer, entries) = *rehearsal;
                if entries.is_empty() {
                    self.note(answer.status, answer.resource, json!({})).await;
                }
                for entry in entries {
                    self.keep(entry).await;
                }
                answer.settled()
            }
            Err(Fault::Refused(refusal)) => {
                let resource = self.id.as_deref().and_then(|id| id.parse().ok());
                self.note(refusal.status(), resource, json!({ "refused": refusal.to_string() })).await;
                Err(refusal)
            }
            Err(Fault::Store(error)) => {
                let refusal = failed(&error, &self.request_id);
                self.note(refusal.status(), None, json!({ "refused": refusal.to_string() })).await;
                Err(refusal)
            }
        }
    }
}

/// What a resource calls itself.
fn name(resource: &Value) -> Option<String> {
    let name = ["displayName", "userName"].iter().find_map(|name| resource.get(name)?.as_str())?;
    Some(name.chars().take(LONGEST_SUBJECT).collect())
}

pub(super) fn failed(error: &store::Error, request_id: &RequestId) -> Refusal {
    tracing::error!(%error, request_id = %request_id.0, "a SCIM request failed");
    Refusal::Internal(request_id.0.to_string())
}
