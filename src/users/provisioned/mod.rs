//! Users as the connection that owns them sees them: by its id, and nobody else's.
//!
//! A removed user belongs to no connection any more, so the index on (connection, id) is the list.

mod sql;

pub use sql::{STATEMENTS, attach, count, detach, find, find_by_external_id, page};
