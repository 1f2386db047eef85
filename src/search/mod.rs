//! Which rows match a condition, in which order, and which page of them: what lists over SCIM ask.
//!
//! A [`Condition`] is made of columns and relations that the nouns declare as constants ([`Column`],
//! [`Relation`], [`Table`]) and of values that are bound. [`sql`] is the one file of dynamic SQL: its text is
//! put together of those constants alone, and nothing that came in from outside is ever part of it.
//!
//! Ids come first and rows afterwards, so that a deep page walks an index. On SQLite the index is named,
//! since it keeps no statistics; PostgreSQL chooses by its own. Texts compare by code points, numbers as
//! numbers; a row without a value comes last in ascending order and first in descending.
//!
//! Left to others: what an attribute means (`scim`), and what a noun's columns hold (the noun).

mod condition;
mod driver;
mod sql;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::{Db, Result};

pub use condition::{Comparison, Condition};
pub use sql::{Row, STATEMENTS};

/// A table whose rows are listed, within the scope of one connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// The column of the owning connection.
    pub scope: &'static str,
    /// The column that tells the kinds of its rows apart, if it has several.
    pub kind: Option<&'static str>,
    /// The index on (scope, kind, id).
    pub index: &'static str,
}

/// A value of a row: an expression over the row, which is called `r`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    sql: &'static str,
    kind: Kind,
    /// The index on (scope, kind, this, id).
    index: Option<&'static str>,
    nullable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

impl Column {
    /// A text that may be null.
    pub const fn text(sql: &'static str) -> Self {
        Self { sql, kind: Kind::Text, index: None, nullable: true }
    }

    /// A whole number that may be null.
    pub const fn number(sql: &'static str) -> Self {
        Self { sql, kind: Kind::Number, index: None, nullable: true }
    }

    /// With the index on (scope, this, id).
    pub const fn indexed(self, index: &'static str) -> Self {
        Self { index: Some(index), ..self }
    }

    /// Every row has it.
    pub const fn never_null(self) -> Self {
        Self { nullable: false, ..self }
    }
}

/// Values that lie in rows of another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    pub table: &'static str,
    /// The column with the id of the row they belong to.
    pub owner: &'static str,
    /// The column with the value.
    pub value: &'static str,
    /// The column of the connection, if it has one.
    pub scope: Option<&'static str>,
    /// The index that finds owners by value.
    pub index: &'static str,
}

/// What is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    Text(String),
    Number(i64),
    Id(Uuid),
}

/// In which order rows come; equal ones, and all if there is no column, by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    pub column: Option<Column>,
    pub descending: bool,
}

/// A row that was found, and its place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The value of the order's column; `None` where the row has none, or the order has no column.
    pub key: Option<Value>,
    pub id: Uuid,
}

/// One question about one table.
#[derive(Debug, Clone)]
pub struct Search {
    pub table: &'static Table,
    /// The connection.
    pub scope: Uuid,
    /// Which of the table's kinds, if it has several.
    pub kind: Option<String>,
    pub condition: Condition,
    pub order: Order,
}

impl Search {
    /// Whether an index leads to a handful of rows. All else may take long: see `Store::reader_within`.
    pub fn is_lookup(&self) -> bool {
        self.condition == Condition::Never || driver::is_lookup(&self.condition)
    }

    /// How many rows match.
    ///
    /// # Errors
    /// The database's, here and below.
    pub async fn count(&self, db: &mut Db<'_>) -> Result<i64> {
        if self.condition == Condition::Never { Ok(0) } else { sql::count(db, self).await }
    }

    /// The places from `offset` on, `limit` at most.
    pub async fn page(&self, db: &mut Db<'_>, offset: i64, limit: i64) -> Result<Vec<Place>> {
        if self.condition == Condition::Never || limit <= 0 {
            return Ok(Vec::new());
        }
        sql::page(db, self, offset, limit).await
    }

    /// The rows themselves, read as `T`, where a lookup finds `most` at most and no order is asked for: one question
    /// instead of two. `None` where it finds more, or is none.
    pub async fn few<T: Row>(&self, db: &mut Db<'_>, most: i64) -> Result<Option<Vec<T>>> {
        if self.order.column.is_some() || self.condition == Condition::Never || !self.is_lookup() {
            return Ok(None);
        }
        let rows = sql::rows(db, self, most + 1).await?;
        Ok((i64::try_from(rows.len()).is_ok_and(|found| found <= most)).then_some(rows))
    }

    /// The places behind `after`, or the first ones; `limit` at most. Costs the same however far it is.
    pub async fn after(&self, db: &mut Db<'_>, after: Option<&Place>, limit: i64) -> Result<Vec<Place>> {
        if self.condition == Condition::Never || limit <= 0 {
            return Ok(Vec::new());
        }
        sql::after(db, self, after, limit).await
    }
}
