//! The one file of dynamic SQL. Texts are put together of literals of this file and `&'static str` of
//! [`Table`], [`Column`] and [`Relation`]; every [`Value`] is bound.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    Column, Comparison, Condition, Kind, Order, Place, Relation, Search, Table, Value,
    driver::{Driver, driver, is_lookup},
};
use crate::store::{Db, Result, dialect};

// Nothing here is known before a filter is: what the texts look like is tested with real ones.
statements! {}

/// What is read of a row, on both databases.
pub trait Row:
    for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin
{
}

impl<T> Row for T where
    T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>
        + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>
        + Send
        + Unpin
{
}

/// A statement on its way.
struct Statement {
    sql: String,
    binds: Vec<Value>,
    is_postgres: bool,
}

pub(super) async fn count(db: &mut Db<'_>, search: &Search) -> Result<i64> {
    let mut statement = Statement::new(db);
    statement.push("SELECT COUNT(*)");
    statement.from(search, &search.condition, Order::default());
    let (count,) = run::<(i64,)>(db, statement).await?.pop().unwrap_or_default();
    Ok(count)
}

pub(super) async fn page(db: &mut Db<'_>, search: &Search, offset: i64, limit: i64) -> Result<Vec<Place>> {
    let mut statement = Statement::new(db);
    statement.all(&place(search.order), search);
    statement.order(search.order, limit);
    if offset > 0 {
        let offset = statement.bind(Value::Number(offset));
        statement.push(&format!(" OFFSET {offset}"));
    }
    places(db, search.order, statement).await
}

pub(super) async fn rows<T: Row>(db: &mut Db<'_>, search: &Search, limit: i64) -> Result<Vec<T>> {
    let mut statement = Statement::new(db);
    statement.all("r.*", search);
    statement.order(search.order, limit);
    run(db, statement).await
}

/// Two stretches at most: rows with a value in the order's column, and rows without. Each is one range of
/// the index, which a single condition over both would not be.
pub(super) async fn after(db: &mut Db<'_>, search: &Search, after: Option<&Place>, limit: i64) -> Result<Vec<Place>> {
    let Some(column) = search.order.column else {
        let mut statement = Statement::select(db, search);
        if let Some(after) = after {
            statement.beyond("r.id", search.order, Value::Id(after.id));
        }
        statement.order(search.order, limit);
        return places(db, search.order, statement).await;
    };
    let mut found = Vec::new();
    let stretches = if search.order.descending { [false, true] } else { [true, false] };
    let begun = after.map(|after| after.key.is_some());
    let to_visit = stretches.into_iter().skip_while(|valued| begun.is_some_and(|begun| begun != *valued));
    for valued in to_visit.filter(|valued| *valued || column.nullable) {
        let left = limit - i64::try_from(found.len()).unwrap_or(limit);
        if left <= 0 {
            break;
        }
        let mut statement = Statement::select(db, search);
        if column.nullable {
            statement.push(&format!(" AND {} IS {}", column.sql, if valued { "NOT NULL" } else { "NULL" }));
        }
        match after.filter(|_| begun == Some(valued)) {
            Some(Place { key: Some(key), id }) => {
                let (key, id) = (statement.bind(key.clone()), statement.bind(Value::Id(*id)));
                let sign = if search.order.descending { "<" } else { ">" };
                statement.push(&format!(" AND ({}, r.id) {sign} ({key}, {id})", column.sql));
            }
            Some(Place { key: None, id }) => statement.beyond("r.id", search.order, Value::Id(*id)),
            None => {}
        }
        statement.order(search.order, left);
        found.extend(places(db, search.order, statement).await?);
    }
    Ok(found)
}

impl Statement {
    fn new(db: &Db<'_>) -> Self {
        Self { sql: String::new(), binds: Vec::new(), is_postgres: db.is_postgres() }
    }

    /// `SELECT id, key FROM ... WHERE ...`
    fn select(db: &Db<'_>, search: &Search) -> Self {
        let mut statement = Self::new(db);
        statement.push(&format!("SELECT {}", place(search.order)));
        statement.from(search, &search.condition, search.order);
        statement
    }

    /// `SELECT what FROM ... WHERE ...`, to be ordered. What a lookup finds is sorted afterwards: PostgreSQL, where it
    /// has not counted a table yet, would rather read all of a connection by the index that has the order.
    fn all(&mut self, what: &str, search: &Search) {
        let is_fenced = self.is_postgres && is_lookup(&search.condition);
        self.push(&if is_fenced { format!("SELECT {what} FROM (SELECT r.*") } else { format!("SELECT {what}") });
        self.from(search, &search.condition, search.order);
        if is_fenced {
            self.push(" OFFSET 0) AS r");
        }
    }

    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// The placeholder of a value.
    fn bind(&mut self, value: Value) -> String {
        self.binds.push(value);
        format!("${}", self.binds.len())
    }

    fn from(&mut self, search: &Search, condition: &Condition, order: Order) {
        let Table { name, scope, kind, .. } = search.table;
        let scoped = self.bind(Value::Id(search.scope));
        match driver(search.table, condition, order) {
            Driver::Index(index) => {
                let index = dialect::indexed_by(self.is_postgres, index);
                self.push(&format!(" FROM {name} AS r{index} WHERE r.{scope} = {scoped}"));
            }
            // SQLite reads the left side of a CROSS JOIN first.
            Driver::Relation(relation, value) => {
                let Relation { table, owner, value: column, scope: its_scope, index } = relation;
                let index = dialect::indexed_by(self.is_postgres, index);
                let value = self.bind(value.clone());
                self.push(&format!(" FROM {table} AS d{index} CROSS JOIN {name} AS r WHERE d.{column} = {value}"));
                if let Some(its_scope) = its_scope {
                    self.push(&format!(" AND d.{its_scope} = {scoped}"));
                }
                self.push(&format!(" AND r.id = d.{owner} AND r.{scope} = {scoped}"));
            }
            Driver::Claim(attribute, value) => {
                let claimed = self.claimed("d", attribute, value);
                self.push(&format!(" FROM unique_values AS d CROSS JOIN {name} AS r WHERE {claimed}"));
                self.push(&format!(" AND r.id = d.resource_id AND r.{scope} = {scoped}"));
            }
            Driver::Union(branches) => {
                let mut before = " FROM (SELECT r.id";
                for branch in branches {
                    self.push(before);
                    self.from(search, branch, Order::default());
                    before = " UNION SELECT r.id";
                }
                self.push(&format!(") AS d CROSS JOIN {name} AS r WHERE r.id = d.id AND r.{scope} = {scoped}"));
            }
        }
        if let (Some(column), Some(kind)) = (kind, &search.kind) {
            let kind = self.bind(Value::Text(kind.clone()));
            self.push(&format!(" AND r.{column} = {kind}"));
        }
        for condition in condition.conjuncts() {
            self.push(" AND ");
            self.condition(condition);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Always => self.push("1 = 1"),
            Condition::Never => self.push("1 = 0"),
            Condition::All(all) => self.joined(all, " AND "),
            Condition::Any(any) => self.joined(any, " OR "),
            Condition::Not(inner) => {
                self.push("NOT (");
                self.condition(inner);
                self.push(")");
            }
            Condition::Id(id) => {
                let id = self.bind(Value::Id(*id));
                self.push(&format!("r.id = {id}"));
            }
            Condition::Present(column) => self.push(&format!("{} IS NOT NULL", column.sql)),
            Condition::Compare(column, comparison, value) => {
                // Null would make the opposite null too.
                self.push(&if column.nullable { format!("({} IS NOT NULL AND ", column.sql) } else { "(".to_owned() });
                self.compare(column.sql, *comparison, value);
                self.push(")");
            }
            Condition::Related(relation, compared) => {
                let Relation { table, owner, value: column, .. } = relation;
                // No EXISTS: the SQLite that we embed makes it a join, and its OFFSET then counts a row once for
                // each related value.
                self.push(&format!("(SELECT 1 FROM {table} AS e WHERE e.{owner} = r.id"));
                if let Some((comparison, value)) = compared {
                    self.push(" AND ");
                    self.compare(&format!("e.{column}"), *comparison, value);
                }
                self.push(" LIMIT 1) IS NOT NULL");
            }
            Condition::Claimed { attribute, value } => {
                let claimed = self.claimed("e", attribute, value);
                self.push(&format!(
                    "EXISTS (SELECT 1 FROM unique_values AS e WHERE {claimed} AND e.resource_id = r.id)"
                ));
            }
        }
    }

    /// The scope is the first value of every statement.
    fn claimed(&mut self, alias: &str, attribute: &str, value: &str) -> String {
        let attribute = self.bind(Value::Text(attribute.to_owned()));
        let value = self.bind(Value::Text(value.to_owned()));
        format!("{alias}.scope_id = $1 AND {alias}.attribute = {attribute} AND {alias}.value = {value}")
    }

    fn joined(&mut self, conditions: &[Condition], word: &str) {
        self.push("(");
        for (place, condition) in conditions.iter().enumerate() {
            if place > 0 {
                self.push(word);
            }
            self.condition(condition);
        }
        self.push(")");
    }

    fn compare(&mut self, column: &str, comparison: Comparison, value: &Value) {
        let bound = self.bind(value.clone());
        let text = match comparison {
            Comparison::Equal => format!("{column} = {bound}"),
            Comparison::Less => format!("{column} < {bound}"),
            Comparison::LessOrEqual => format!("{column} <= {bound}"),
            Comparison::Greater => format!("{column} > {bound}"),
            Comparison::GreaterOrEqual => format!("{column} >= {bound}"),
            // No LIKE, whose patterns would need escapes, and which on SQLite knows no case.
            Comparison::Contains => format!("{}({column}, {bound}) > 0", dialect::position(self.is_postgres)),
            Comparison::EndsWith => format!("substr({column}, length({column}) - length({bound}) + 1) = {bound}"),
            Comparison::StartsWith => match successor(value) {
                Some(end) => {
                    let end = self.bind(end);
                    format!("{column} >= {bound} AND {column} < {end}")
                }
                None => format!("{column} >= {bound}"),
            },
        };
        self.push(&text);
    }

    fn beyond(&mut self, column: &str, order: Order, value: Value) {
        let bound = self.bind(value);
        let sign = if order.descending { "<" } else { ">" };
        self.push(&format!(" AND {column} {sign} {bound}"));
    }

    fn order(&mut self, order: Order, limit: i64) {
        let direction = if order.descending { "DESC" } else { "ASC" };
        self.push(" ORDER BY ");
        if let Some(column) = order.column {
            let nulls = match (column.nullable, order.descending) {
                (false, _) => "",
                (true, false) => " NULLS LAST",
                (true, true) => " NULLS FIRST",
            };
            self.push(&format!("{} {direction}{nulls}, ", column.sql));
        }
        let limit = self.bind(Value::Number(limit));
        self.push(&format!("r.id {direction} LIMIT {limit}"));
    }
}

/// The columns of a [`Place`].
fn place(order: Order) -> String {
    match order.column {
        None => "r.id, CAST(NULL AS BIGINT)".to_owned(),
        Some(Column { sql, kind: Kind::Text, .. }) => format!("r.id, {sql}"),
        Some(Column { sql, kind: Kind::Number, .. }) => format!("r.id, CAST({sql} AS BIGINT)"),
    }
}

/// The least text that is greater than all that begin with this one; `None` if none is.
fn successor(value: &Value) -> Option<Value> {
    let Value::Text(prefix) = value else { return None };
    let mut prefix = prefix.clone();
    while let Some(last) = prefix.pop() {
        // The range skips surrogates, which no text has.
        if let Some(next) = (last..=char::MAX).nth(1) {
            prefix.push(next);
            return Some(Value::Text(prefix));
        }
    }
    None
}

async fn places(db: &mut Db<'_>, order: Order, statement: Statement) -> Result<Vec<Place>> {
    if order.column.is_some_and(|column| column.kind == Kind::Text) {
        let rows = run::<(Uuid, Option<String>)>(db, statement).await?;
        return Ok(rows.into_iter().map(|(id, key)| Place { key: key.map(Value::Text), id }).collect());
    }
    let rows = run::<(Uuid, Option<i64>)>(db, statement).await?;
    Ok(rows.into_iter().map(|(id, key)| Place { key: key.map(Value::Number), id }).collect())
}

/// Binds and runs. The text is asserted to be safe here and nowhere else: see the top of this file.
async fn run<T: Row>(db: &mut Db<'_>, statement: Statement) -> Result<Vec<T>> {
    let Statement { sql, binds, .. } = statement;
    // Shapes of usual filters are few and stay prepared; others would push out what all requests need.
    let persistent = binds.len() <= USUAL_BINDS;
    on!(db, c => binds.into_iter().fold(
        sqlx::query_as::<_, T>(AssertSqlSafe(sql)).persistent(persistent),
        |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Id(id) => query.bind(id),
        },
    ).fetch_all(c))
}

/// So many values has a statement at most that is kept prepared.
const USUAL_BINDS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_its_successor() {
        let after = |text: &str| match successor(&Value::Text(text.to_owned())) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        assert_eq!(after("ab").as_deref(), Some("ac"));
        assert_eq!(after("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after("\u{10ffff}"), None);
    }

    /// Security.md row 96: whatever a value says, it is bound and no part of the text.
    #[test]
    fn values_are_never_part_of_the_text() {
        let hostile = Value::Text("x' OR '1'='1".to_owned());
        let column = Column::text("r.external_id").indexed("users_external");
        let mut statement = Statement { sql: String::new(), binds: Vec::new(), is_postgres: false };
        for comparison in [Comparison::Equal, Comparison::Contains, Comparison::StartsWith, Comparison::EndsWith] {
            statement.condition(&Condition::Compare(column, comparison, hostile.clone()));
        }
        assert!(!statement.sql.contains('x') || !statement.sql.contains("OR '1'"), "{}", statement.sql);
        assert!(!statement.sql.contains('\''), "{}", statement.sql);
        assert_eq!(statement.binds.iter().filter(|bind| **bind == hostile).count(), 4);
    }
}
