//! The provisioning log (V4).

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Caller, Ids, Invalid, Parameters, Problem, READ, Refusal};
use crate::{
    app::App,
    connections::{
        self,
        log::{self, Logged, Search},
    },
    id::{ConnectionId, OrganizationId},
};

/// How many entries a page has unless asked for, and at most.
const USUAL: u32 = 25;
const LARGEST: u32 = 100;

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// `read`, `unchanged`, `changed`, `refused`, `held` or `rehearsed`; all if absent.
    #[serde(default)]
    outcome: String,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`; all if absent.
    #[serde(default)]
    method: String,
    /// Entries about this person or group.
    resource: Option<Uuid>,
    /// Part of a name, of the request's path and query, or of a reason, in any case.
    #[serde(default)]
    q: String,
    /// `next` of the page before.
    before: Option<Uuid>,
    /// 1 to 100; 25 if absent.
    limit: Option<u32>,
}

/// A page of the log, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogPage {
    pub entries: Vec<LogEntry>,
    /// What to send as `before` for the next page; null on the last.
    pub next: Option<Uuid>,
}

/// One request of the tool. Secrets are redacted.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogEntry {
    pub id: Uuid,
    /// RFC 3339.
    pub at: String,
    pub method: String,
    /// Below the connection's base URL, with the query.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: i64,
    /// `read`, `unchanged`, `changed`, `refused`, `held` or `rehearsed`.
    pub outcome: String,
    /// The person or group.
    pub resource: Option<Uuid>,
    /// Its name; empty where none is known.
    pub name: String,
    pub changes: Vec<AttributeChange>,
    /// Why it was refused or held.
    pub reason: Option<String>,
    /// What the tool does otherwise than the standard says, and was understood all the same.
    pub warnings: Vec<String>,
    /// Members that came to a group, and that left it.
    pub members_added: u64,
    pub members_removed: u64,
}

/// An attribute before and after.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttributeChange {
    pub attribute: String,
    /// Null: it had no value.
    pub before: Value,
    /// Null: it has none now.
    pub after: Value,
}

/// The requests of the last 30 days, the newest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/connections/{connection}/log", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path), LogQuery),
    responses((status = 200, body = LogPage), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn entries(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
    Parameters(query): Parameters<LogQuery>,
) -> Result<Json<LogPage>, Refusal> {
    let mut db = app.store.reader().await?;
    caller.over(&mut db, id).await?.require(READ)?;
    let connection = connections::find_in(&mut db, id, connection).await?.ok_or(Refusal::NotFound)?.id;
    let limit = query.limit.unwrap_or(USUAL).clamp(1, LARGEST) as usize;
    let before = match query.before {
        None => None,
        Some(entry) => {
            let entry = log::find(&mut db, connection, entry).await?.ok_or(Refusal::NotFound)?;
            Some((entry.at, entry.id))
        }
    };
    let wanted = Search {
        before,
        outcome: outcome(&query.outcome)?,
        method: Some(query.method.to_ascii_uppercase()),
        resource: query.resource,
        text: query.q,
        limit: limit as i64 + 1,
    };
    let mut found = log::search(&mut db, connection, &wanted).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|entry| entry.id);
    Ok(Json(LogPage { entries: found.into_iter().map(LogEntry::from).collect(), next }))
}

fn outcome(text: &str) -> Result<Option<log::Outcome>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let text = "Use one of read, unchanged, changed, refused, held, rehearsed.";
        Refusal::Invalid(vec![Invalid::new("/outcome", "unknown-word", text)])
    })
}

impl From<Logged> for LogEntry {
    fn from(entry: Logged) -> Self {
        let details = &entry.details.0;
        let count = |name: &str| details["members"][name].as_u64().unwrap_or_default();
        let reason = details["refused"].as_str().or_else(|| details["held"].as_str());
        Self {
            changes: changes(details),
            reason: reason.map(str::to_owned),
            warnings: texts(&details["warnings"]),
            members_added: details["members"].as_u64().unwrap_or_else(|| count("added")),
            members_removed: count("removed"),
            id: entry.id,
            at: entry.at.to_rfc3339(),
            method: entry.method,
            path: entry.path,
            status: entry.status,
            outcome: entry.outcome.as_str().to_owned(),
            resource: entry.resource_id,
            name: entry.subject,
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What was created has a value after only.
fn changes(details: &Value) -> Vec<AttributeChange> {
    let created = details["created"].as_object().into_iter().flatten();
    let created = created.map(|(name, value)| (name, Value::Null, value.clone()));
    let changed = details["changed"].as_object().into_iter().flatten();
    let changed = changed.map(|(name, value)| (name, value["before"].clone(), value["after"].clone()));
    let all = created.chain(changed);
    all.map(|(name, before, after)| AttributeChange { attribute: name.clone(), before, after }).collect()
}
