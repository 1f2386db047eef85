//! Connections, as an administrator lives with them (product.md V1 to V4): the list, making one, its page with
//! what is held and the log, its rules, and what one does to it.

pub mod acts;
mod group_rows;
pub mod log;
pub mod new;
pub mod rules;
pub mod show;

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use uuid::Uuid;

use super::{
    Trouble, Visit,
    api::{Connection, ConnectionList},
    shell::{Section, Shell, draw},
    words,
};
use crate::{clock::Timestamp, http::Page};

#[derive(Template)]
#[template(path = "portal/pages/connections.html", config = ".config/askama.toml")]
struct Connections<'a> {
    page: &'a Page,
    shell: &'a Shell,
    rows: Vec<Row>,
}

struct Row {
    connection: Connection,
    tool: &'static str,
    used: String,
    live: usize,
}

/// `GET .../connections`
pub async fn list(Path(id): Path<Uuid>, visit: Visit) -> Result<Response, Trouble> {
    let shell = Shell::of(&visit, Some(id), Section::Connections).await?;
    let list: ConnectionList = visit.get(&format!("/organizations/{id}/connections")).await?;
    let page = shell.page(&visit);
    let rows = list.connections.into_iter().map(|connection| Row {
        tool: words::vendor(&connection.vendor),
        used: used(&connection, visit.now),
        live: connection.tokens.iter().filter(|token| token.live).count(),
        connection,
    });
    let template = Connections { page: &page, shell: &shell, rows: rows.collect() };
    Ok(draw(&visit, &page, StatusCode::OK, &template))
}

fn used(connection: &Connection, now: Timestamp) -> String {
    connection.last_used_at.as_deref().map_or_else(|| "never".to_owned(), |at| words::ago(at, now))
}
