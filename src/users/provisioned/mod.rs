//! Users as the connection that owns them sees them: by its id, and nobody else's.
//!
//! A removed user belongs to no connection any more, so the index on (connection, id) is the list. What
//! lists filter and sort by lies in columns of its own ([`shown`]), written with each change of the
//! account; [`catch_up`] fills them for accounts that are older than the columns.

mod shown;
mod sql;

pub use shown::{DERIVED, emails, is_derived, preferred};
pub use sql::{
    ACTIVE, CREATED, DISPLAY_NAME, EMAILS, EXTERNAL_ID, FAMILY_NAME, GIVEN_NAME, GROUPS, STATEMENTS, TABLE, UPDATED,
    USER_NAME, attach, catch_up, detach, detached_from, few, find, find_all, total,
};

pub(super) use shown::Shown;
pub(super) use sql::{add_emails, write_emails};
