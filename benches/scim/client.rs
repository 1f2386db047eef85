use std::{cell::Cell, rc::Rc, time::Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::seed::Tool;
use crate::{
    http::{Answer, Connection, Target},
    measure::Journey,
    server::Demo,
};

/// A SCIM server under load: where it is, and how it is asked.
#[derive(Clone)]
pub struct Party {
    pub target: Target,
    /// The path before `/Users`.
    pub base: String,
    authorization: String,
    /// Whether a connection serves one request only (HTTP/1.0).
    pub closes: bool,
}

impl Party {
    pub fn ours(demo: &Demo, tool: &Tool) -> Result<Self> {
        let (base, authorization) = (tool.base.clone(), format!("Bearer {}", tool.token));
        Ok(Self { target: demo.target.clone(), base, authorization, closes: false })
    }

    pub fn of(target: Target, base: &str, closes: bool) -> Self {
        Self { target, base: base.to_owned(), authorization: "Bearer bench".to_owned(), closes }
    }

    pub fn get(&self, endpoint: &str) -> Vec<u8> {
        self.request("GET", endpoint, None)
    }

    pub fn request(&self, method: &str, endpoint: &str, body: Option<&Value>) -> Vec<u8> {
        let text = body.map(Value::to_string);
        let body = text.as_deref().map(|text| ("application/scim+json", text));
        let headers = [("authorization", self.authorization.as_str()), ("accept", "application/scim+json")];
        self.target.request(method, &format!("{}{endpoint}", self.base), &headers, body)
    }

    /// One request, answered with a status of success.
    pub async fn ask(&self, request: &[u8]) -> Result<Answer> {
        succeeded(Connection::new(&self.target).send(request).await?)
    }

    /// One request, and how many milliseconds it took.
    pub async fn timed(&self, connection: &mut Connection, request: &[u8]) -> Result<(Answer, f64)> {
        let began = Instant::now();
        let answer = succeeded(connection.send(request).await?)?;
        Ok((answer, began.elapsed().as_secs_f64() * 1e3))
    }

    /// So many connections that take the next request of a script in turn.
    pub async fn script(&self, count: usize, next: impl Fn(usize) -> Option<Vec<u8>> + 'static) -> Result<Vec<Script>> {
        let (turn, next) = (Rc::new(Cell::new(0)), Rc::new(next));
        let mut scripts = Vec::new();
        for _ in 0..count {
            let connection = Connection::open(&self.target).await?;
            let (turn, next) = (Rc::clone(&turn), Rc::clone(&next) as Next);
            scripts.push(Script { party: self.clone(), connection, turn, next });
        }
        Ok(scripts)
    }
}

type Next = Rc<dyn Fn(usize) -> Option<Vec<u8>>>;

/// Requests by number, each answered with success.
pub struct Script {
    party: Party,
    connection: Connection,
    turn: Rc<Cell<usize>>,
    next: Next,
}

impl Journey for Script {
    async fn step(&mut self) -> Result<bool> {
        let Some(request) = (self.next)(self.turn.replace(self.turn.get() + 1)) else { return Ok(false) };
        if self.party.closes {
            self.connection = Connection::new(&self.party.target);
        }
        succeeded(self.connection.send(&request).await?)?;
        Ok(true)
    }
}

fn succeeded(answer: Answer) -> Result<Answer> {
    let text: String = answer.text().chars().take(400).collect();
    ensure!((200..300).contains(&answer.status), "answered {}: {text}", answer.status);
    Ok(answer)
}

/// A filter as it stands in a query.
pub fn encoded(filter: &str) -> String {
    form_urlencoded::byte_serialize(filter.as_bytes()).collect()
}
