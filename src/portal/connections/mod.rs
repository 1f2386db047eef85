//! Connections, as an administrator lives with them (product.md V1 to V4): the list with the organization's
//! webhooks, making one, its page with what is held and the log, its rules, and what one does to it.

pub mod acts;
pub mod clients;
mod group_rows;
mod kept;
pub mod log;
pub mod new;
pub mod rules;
pub mod show;
pub mod webhooks;

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use uuid::Uuid;

use super::{
    Trouble, Visit,
    api::{Connection, ConnectionList, Problem, WebhookWithSecret},
    shell::{Section, Shell, draw},
    words,
};
use crate::{clock::Timestamp, http::Page};
use webhooks::HookLine;

#[derive(Template)]
#[template(path = "portal/pages/connections.html", config = ".config/askama.toml")]
struct Connections<'a> {
    page: &'a Page,
    shell: &'a Shell,
    rows: Vec<Row>,
    hooks: Vec<HookLine>,
    /// A webhook that was made just now, with its secret, this once.
    fresh: Option<WebhookWithSecret>,
    /// The address as it was typed, and what is wrong with it.
    url: String,
    url_error: Option<String>,
    /// Where the keys are that sign the events.
    keys: String,
}

/// What stands on the page beside the list: of a webhook that was made, or not.
#[derive(Default)]
pub struct More {
    fresh: Option<WebhookWithSecret>,
    url: String,
    refused: Option<Problem>,
}

struct Row {
    connection: Connection,
    tool: &'static str,
    used: String,
    live: usize,
}

/// `GET .../connections`
pub async fn list(Path(id): Path<Uuid>, visit: Visit) -> Result<Response, Trouble> {
    render(&visit, id, More::default()).await
}

/// The page. What is wrong with an address stands beside its field, all else at the top.
async fn render(visit: &Visit, id: Uuid, more: More) -> Result<Response, Trouble> {
    let status = match (&more.fresh, &more.refused) {
        (_, Some(problem)) => StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT),
        (Some(_), None) => StatusCode::CREATED,
        (None, None) => StatusCode::OK,
    };
    let fault = |problem: &Problem| problem.errors.first().map(|error| error.detail.clone());
    let url_error = more.refused.as_ref().and_then(fault);
    let refused = more.refused.filter(|_| url_error.is_none());
    let shell = Shell::of(visit, Some(id), Section::Connections).await?.refusing(refused);
    let list: ConnectionList = visit.get(&format!("/organizations/{id}/connections")).await?;
    let page = shell.page(visit);
    let rows = list.connections.into_iter().map(|connection| Row {
        tool: words::vendor(&connection.vendor),
        used: used(&connection, visit.now),
        live: connection.tokens.iter().filter(|token| token.live).count(),
        connection,
    });
    let template = Connections {
        page: &page,
        shell: &shell,
        rows: rows.collect(),
        hooks: webhooks::lines(visit, id).await?,
        fresh: more.fresh,
        url: more.url,
        url_error,
        keys: format!("{}/jwks", visit.portal.issuer),
    };
    Ok(draw(visit, &page, status, &template))
}

fn used(connection: &Connection, now: Timestamp) -> String {
    connection.last_used_at.as_deref().map_or_else(|| "never".to_owned(), |at| words::ago(at, now))
}
