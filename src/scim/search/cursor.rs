//! Cursors (RFC 9865 §2): where a list goes on, as text that only this server can make or read.
//!
//! A cursor is encrypted and authenticated under the master key for one connection, so it tells nobody what
//! it holds, opens for no other connection, and cannot be altered. It carries the query it belongs to: with
//! another filter, order or endpoint it is no cursor. Who asks is authenticated on each page like on any
//! other request; a cursor is no right.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    scim::{call::Call, error::Refusal, list::Asked},
    search::Place,
    secret::{Sealed, SecretHash},
};

/// How long a client may take from one page to the next.
pub const LIFE: Duration = Duration::from_secs(3600);

/// Where a list goes on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Position {
    /// Which of the resource types.
    pub kind: usize,
    /// Behind this one; `None` is at the type's beginning.
    pub place: Option<Place>,
    /// The total as the first page counted it.
    pub total: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    query: Vec<u8>,
    expires_at: Timestamp,
    position: Position,
}

/// The text for a position in the list that was asked for.
pub fn write(call: &Call, types: &[&str], asked: &Asked, position: Position) -> Option<String> {
    let content = Content { query: query(types, asked), expires_at: call.now + LIFE, position };
    let plain = serde_json::to_vec(&content).ok()?;
    let sealed = serde_json::to_value(call.app.master.seal(&context(call), &plain)).ok()?;
    sealed.as_str().map(str::to_owned)
}

/// The position that the text of a cursor means; the empty one is the beginning.
///
/// # Errors
/// `invalidCursor`, `expiredCursor`.
pub fn read(call: &Call, types: &[&str], asked: &Asked, cursor: &str) -> Result<Position, Refusal> {
    if cursor.is_empty() {
        return Ok(Position::default());
    }
    let sealed: Sealed = serde_json::from_value(cursor.into()).map_err(|_| Refusal::InvalidCursor)?;
    let plain = call.app.master.open(&context(call), &sealed).map_err(|_| Refusal::InvalidCursor)?;
    let content: Content = serde_json::from_slice(&plain).map_err(|_| Refusal::InvalidCursor)?;
    if content.query != query(types, asked) {
        return Err(Refusal::InvalidCursor);
    }
    if content.expires_at <= call.now {
        return Err(Refusal::ExpiredCursor);
    }
    Ok(content.position)
}

fn context(call: &Call) -> String {
    format!("scim cursor 1: {}", call.connection.id)
}

/// What a cursor is bound to: all that decides which resources come, and in which order.
fn query(types: &[&str], asked: &Asked) -> Vec<u8> {
    let bound = serde_json::json!([types, asked.filter, asked.sort_by, asked.descending]);
    SecretHash::of(bound.to_string().as_bytes()).as_bytes()[..16].to_vec()
}
