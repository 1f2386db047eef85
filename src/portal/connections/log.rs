//! The provisioning log on a page of its own: searched, filtered, turned over.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    http::Page,
    portal::{
        Trouble, Visit,
        api::{Connection, LogEntry, LogPage},
        shell::{Section, Shell, draw},
        words,
    },
};

#[derive(Template)]
#[template(path = "portal/pages/connection_log.html", config = ".config/askama.toml")]
struct Log<'a> {
    page: &'a Page,
    shell: &'a Shell,
    connection: &'a Connection,
    path: String,
    filter: Filter,
    log: Vec<Line>,
    older: Option<String>,
}

/// What one looks for; the URL is the state.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    #[serde(default)]
    pub q: String,
    #[serde(default)]
    pub outcome: String,
    #[serde(default)]
    pub method: String,
    /// A person or group.
    resource: Option<Uuid>,
    before: Option<Uuid>,
}

impl Filter {
    fn query(&self, before: Option<Uuid>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &self.q), ("outcome", &self.outcome), ("method", &self.method)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        for (name, value) in [("resource", self.resource), ("before", before)] {
            if let Some(value) = value {
                query.append_pair(name, &value.to_string());
            }
        }
        query.finish()
    }

    /// Whether anything is looked for.
    pub fn is_empty(&self) -> bool {
        self.query(None).is_empty()
    }

    /// The outcomes to choose from: word, title, whether it is chosen.
    pub fn outcomes(&self) -> Vec<(&'static str, &'static str, bool)> {
        let words = ["", "changed", "refused", "held", "unchanged", "read", "rehearsed"];
        let title = |word: &str| if word.is_empty() { "Any outcome" } else { outcome(word).1 };
        words.map(|word| (word, title(word), word == self.outcome)).to_vec()
    }

    /// The methods to choose from.
    pub fn methods(&self) -> Vec<(&'static str, bool)> {
        ["GET", "POST", "PUT", "PATCH", "DELETE"].map(|word| (word, word == self.method)).to_vec()
    }
}

/// A badge and a word for an outcome.
fn outcome(word: &str) -> (&'static str, &'static str) {
    match word {
        "changed" => ("is-ok", "Changed"),
        "unchanged" => ("", "Unchanged"),
        "refused" => ("is-bad", "Refused"),
        "held" => ("is-warn", "Held"),
        "rehearsed" => ("is-warn", "Dry run"),
        _ => ("", "Read"),
    }
}

/// One entry, in words.
pub struct Line {
    pub entry: LogEntry,
    pub clock: String,
    pub day: String,
    pub title: String,
    pub badge: &'static str,
    pub word: &'static str,
    pub changes: Vec<ChangeLine>,
    pub members: String,
}

/// An attribute before and after, as text; empty where it has no value.
pub struct ChangeLine {
    pub attribute: String,
    pub before: String,
    pub after: String,
}

impl Line {
    pub fn of(entry: LogEntry, now: Timestamp) -> Self {
        let (badge, word) = outcome(&entry.outcome);
        let attributes: Vec<&str> = entry.changes.iter().map(|change| last(&change.attribute)).collect();
        let what = match (entry.method.as_str(), attributes.is_empty()) {
            ("POST", _) | (_, true) => String::new(),
            _ => format!(": {}", attributes.join(", ")),
        };
        let name = if entry.name.is_empty() { entry.path.clone() } else { entry.name.clone() };
        let members = match (entry.members_added, entry.members_removed) {
            (0, 0) => String::new(),
            (added, 0) => format!("{added} members came."),
            (0, removed) => format!("{removed} members left."),
            (added, removed) => format!("{added} members came, {removed} left."),
        };
        let changes = entry.changes.iter().map(|change| ChangeLine {
            attribute: last(&change.attribute).to_owned(),
            before: text(&change.before),
            after: text(&change.after),
        });
        Self {
            clock: words::clock(&entry.at),
            day: words::day(&entry.at, now),
            title: format!("{name}{what}"),
            badge,
            word,
            changes: changes.collect(),
            members,
            entry,
        }
    }
}

/// The name of an attribute without its schema's URN.
fn last(attribute: &str) -> &str {
    if attribute.starts_with("urn:") { attribute.rsplit(':').nth(1).unwrap_or(attribute) } else { attribute }
}

/// A value as one reads it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join("; "),
        Value::Object(members) => {
            let parts: Vec<String> = members.iter().map(|(name, value)| format!("{name} {}", text(value))).collect();
            parts.join(", ")
        }
        other => other.to_string(),
    }
}

/// `GET .../connections/{connection}/log`
pub async fn show(
    Path((id, connection)): Path<(Uuid, Uuid)>,
    Query(filter): Query<Filter>,
    visit: Visit,
) -> Result<Response, Trouble> {
    let shell = Shell::of(&visit, Some(id), Section::Connections).await?;
    let api = format!("/organizations/{id}/connections/{connection}");
    let connection: Connection = visit.get(&api).await?;
    let log: LogPage = visit.get(&format!("{api}/log?{}", filter.query(filter.before))).await?;
    let page = shell.page(&visit);
    let template = Log {
        page: &page,
        shell: &shell,
        path: format!("{}/connections/{}", shell.path(), connection.id),
        connection: &connection,
        older: log.next.map(|next| filter.query(Some(next))),
        log: log.entries.into_iter().map(|entry| Line::of(entry, visit.now)).collect(),
        filter,
    };
    Ok(draw(&visit, &page, StatusCode::OK, &template))
}

impl Log<'_> {
    fn is_first(&self) -> bool {
        self.filter.before.is_none()
    }
}
