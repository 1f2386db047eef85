use askama::Template;
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    http::Page,
    portal::{
        Trouble, Visit,
        api::{Connection, ConnectionClientWithSecret, ConnectionHealth, ConnectionToken, HeldList, LogPage, Problem},
        shell::{Section, Shell, draw},
        words,
    },
};

use super::{
    clients::Clients,
    log::{Filter, Line},
    used,
};

/// How many entries of the log the page shows.
const ENTRIES: u32 = 10;

#[derive(Template)]
#[template(path = "portal/pages/connection.html", config = ".config/askama.toml")]
struct ConnectionPage<'a> {
    page: &'a Page,
    shell: &'a Shell,
    connection: &'a Connection,
    path: String,
    tool: &'static str,
    used: String,
    created: String,
    tokens: Vec<TokenLine>,
    clients: Clients,
    held: Option<HeldBanner>,
    log: Vec<Line>,
    more_log: bool,
    filter: Filter,
    health: Option<ConnectionHealth>,
    /// Shown once, in the answer to the request that made it.
    fresh: Option<String>,
    fresh_client: Option<ConnectionClientWithSecret>,
}

struct TokenLine {
    token: ConnectionToken,
    until: String,
    used: String,
}

/// What waits, in words.
struct HeldBanner {
    changes: i64,
    removals: i64,
    administrators: i64,
    groups: i64,
    /// How many people would lose roles by those groups.
    losing: i64,
    since: String,
    lines: Vec<HeldLine>,
    more: i64,
}

/// A person or a group that a change waits for.
struct HeldLine {
    user: Option<Uuid>,
    name: String,
    login: String,
    /// Whether they are removed, or it is deleted.
    removes: bool,
    /// What it would mean, of a group.
    loses: String,
}

/// What stands on the page beside the connection itself.
#[derive(Default)]
pub struct More {
    fresh: Option<String>,
    fresh_client: Option<ConnectionClientWithSecret>,
    refused: Option<Problem>,
    health: Option<ConnectionHealth>,
}

impl More {
    /// A token, shown this once.
    pub fn of_token(token: String) -> Self {
        Self { fresh: Some(token), ..Self::default() }
    }

    /// An OAuth client, whose secret is shown this once.
    pub fn of_client(made: ConnectionClientWithSecret) -> Self {
        Self { fresh_client: Some(made), ..Self::default() }
    }

    /// What was refused.
    pub fn refused(problem: Problem) -> Self {
        Self { refused: Some(problem), ..Self::default() }
    }
}

/// The query of the page.
#[derive(Deserialize)]
pub struct Wanted {
    /// The test was asked for.
    test: Option<String>,
}

/// `GET .../connections/{connection}`; with `?test=1` after a look at what the tool would meet.
pub async fn show(
    Path((id, connection)): Path<(Uuid, Uuid)>,
    Query(wanted): Query<Wanted>,
    visit: Visit,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/connections/{connection}");
    let connection: Connection = visit.get(&path).await?;
    let health = match wanted.test {
        Some(_) => Some(visit.get(&format!("{path}/health")).await?),
        None => None,
    };
    render(&visit, id, &connection, More { health, ..More::default() }).await
}

/// The page of an act that was refused.
pub async fn refused(visit: &Visit, (id, connection): (Uuid, Uuid), problem: Problem) -> Result<Response, Trouble> {
    let connection: Connection = visit.get(&format!("/organizations/{id}/connections/{connection}")).await?;
    render(visit, id, &connection, More::refused(problem)).await
}

/// The page.
pub async fn render(visit: &Visit, id: Uuid, connection: &Connection, more: More) -> Result<Response, Trouble> {
    let has_made = more.fresh.is_some() || more.fresh_client.is_some();
    let status = match &more.refused {
        Some(problem) => StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT),
        None if has_made => StatusCode::CREATED,
        None => StatusCode::OK,
    };
    let shell = Shell::of(visit, Some(id), Section::Connections).await?.refusing(more.refused);
    let api = format!("/organizations/{id}/connections/{}", connection.id);
    let log: LogPage = visit.get(&format!("{api}/log?limit={ENTRIES}")).await?;
    let page = shell.page(visit);
    let tokens = connection.tokens.iter().map(|token| TokenLine {
        until: words::date(&token.expires_at),
        used: token
            .last_used_at
            .as_deref()
            .map_or_else(|| "not used yet".to_owned(), |at| format!("last used {}", words::ago(at, visit.now))),
        token: token.clone(),
    });
    let template = ConnectionPage {
        page: &page,
        shell: &shell,
        path: format!("{}/connections/{}", shell.path(), connection.id),
        tool: words::vendor(&connection.vendor),
        used: used(connection, visit.now),
        created: words::date(&connection.created_at),
        tokens: tokens.collect(),
        clients: Clients::of(visit, &api).await?,
        held: held(visit, &api, connection).await?,
        more_log: log.next.is_some(),
        log: log.entries.into_iter().map(|entry| Line::of(entry, visit.now)).collect(),
        filter: Filter::default(),
        health: more.health,
        connection,
        fresh: more.fresh,
        fresh_client: more.fresh_client,
    };
    Ok(draw(visit, &page, status, &template))
}

async fn held(visit: &Visit, api: &str, connection: &Connection) -> Result<Option<HeldBanner>, Trouble> {
    let Some(held) = &connection.held else { return Ok(None) };
    let list: HeldList = visit.get(&format!("{api}/held")).await?;
    let loses = |people: i64| format!("{} would lose roles", words::count(people, "user", "users"));
    let lines: Vec<HeldLine> = list
        .changes
        .into_iter()
        .map(|change| HeldLine {
            user: change.user,
            login: change.login_name.unwrap_or_else(|| change.name.clone()),
            name: change.name,
            removes: matches!(change.change.as_str(), "remove" | "delete_group"),
            loses: change.people.map(loses).unwrap_or_default(),
        })
        .collect();
    Ok(Some(HeldBanner {
        changes: held.changes,
        removals: held.removals,
        administrators: held.administrators,
        groups: held.groups,
        losing: held.losing,
        since: words::ago(&held.since, visit.now),
        more: held.changes - i64::try_from(lines.len()).unwrap_or(held.changes),
        lines,
    }))
}

impl HeldBanner {
    /// What letting it through would do, as verbs with their objects.
    fn act(&self) -> String {
        let changes = [
            ("deactivate", self.changes - self.removals - self.groups, "user", "users"),
            ("remove", self.removals, "user", "users"),
            ("change", self.groups, "group", "groups"),
        ];
        let done = changes.into_iter().filter(|(_, number, ..)| *number > 0);
        let acts: Vec<String> =
            done.map(|(verb, number, one, many)| format!("{verb} {}", words::count(number, one, many))).collect();
        let mut words = acts.join(" and ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        words
    }

    /// Whether it is a run, and not one administrator who must stay.
    fn is_run(&self) -> bool {
        self.changes > self.administrators
    }

    /// Whether it is about groups alone.
    fn is_of_groups(&self) -> bool {
        self.changes == self.groups
    }

    /// What waits, counted.
    fn counted(&self) -> String {
        match self.groups {
            0 => words::count(self.changes, "user", "users"),
            groups if groups == self.changes => words::count(groups, "group", "groups"),
            _ => words::count(self.changes, "change", "changes"),
        }
    }

    /// The act within a sentence.
    fn act_words(&self) -> String {
        let mut words = self.act();
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        words
    }
}

impl ConnectionPage<'_> {
    fn manages(&self) -> bool {
        self.shell.here.may("portal:connections:manage")
    }

    fn may_have_another(&self) -> bool {
        self.manages() && self.tokens.iter().filter(|line| line.token.live).count() < 2
    }

    fn may_have_another_client(&self) -> bool {
        self.manages() && self.clients.has_room()
    }

    fn no_live_token(&self) -> bool {
        self.tokens.iter().all(|line| !line.token.live)
    }

    /// The guard's rule in one phrase.
    fn guard(&self) -> String {
        match &self.connection.guard {
            None => "Off".to_owned(),
            Some(guard) => format!("{}% of users in an hour, from {} on", guard.share, guard.minimum),
        }
    }
}
