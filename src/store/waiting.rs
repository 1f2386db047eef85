use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, SqliteConnection, Type, sqlite::SqliteArguments};

use super::{Result, rows::patiently};

/// So many statements wait at most; the next is preceded by them.
const MOST: usize = 16;

/// Statements of a transaction whose outcome nobody asks for, gathered into one text: on SQLite each text is handed to
/// the connection's thread and back, which costs more than a statement itself.
///
/// Whatever else the transaction asks runs after them, and so does its commit, so that nothing can tell that they have
/// waited but an error, which comes later and ends the whole unit.
#[derive(Default)]
pub(super) struct Waiting {
    text: String,
    arguments: SqliteArguments,
    statements: usize,
    /// One has failed. What else waited with it is lost, so nothing of the unit may be kept, whatever it answers.
    has_failed: bool,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.statements == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.statements >= MOST
    }

    /// Takes what waits, to be written and put back. Should nobody put it back, it counts as lost.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self { has_failed: true, ..Self::default() })
    }

    /// Adds a statement whose values follow by [`Waiting::bind`].
    pub(super) fn push(&mut self, sql: &str) {
        let before = self.arguments.len();
        let mut parts = sql.split('$');
        self.text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let (number, rest) = part.split_at(end);
            self.text.push('$');
            // A dollar sign without a number is no placeholder.
            if let Ok(number) = number.parse::<usize>() {
                self.text.push_str(&(number + before).to_string());
            }
            self.text.push_str(rest);
        }
        self.text.push_str(";\n");
        self.statements += 1;
    }

    /// Adds a value of the statement that was pushed last.
    pub(super) fn bind<'v, T: Encode<'v, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> Result<()> {
        let bound = self.arguments.add(value).map_err(sqlx::Error::Encode);
        self.has_failed |= bound.is_err();
        Ok(bound?)
    }

    /// What is left to be written with the unit's end.
    ///
    /// # Errors
    /// Some of what waited before is lost.
    pub(super) fn left(self) -> sqlx::Result<Self> {
        if self.has_failed {
            return Err(sqlx::Error::Protocol("a write that waited has failed".to_owned()));
        }
        Ok(self)
    }

    /// Runs what waits and then `next`, in one text; nothing waits any more.
    pub(super) async fn run(&mut self, next: &'static str, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let Self { mut text, arguments, has_failed, .. } = std::mem::take(self);
        if text.is_empty() {
            return patiently(sqlx::query(next).execute(connection)).await.map(|_| ());
        }
        text.push_str(next);
        let written = patiently(sqlx::query_with(AssertSqlSafe(text), arguments).execute(connection)).await;
        self.has_failed = has_failed || written.is_err();
        written.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_on_from_statement_to_statement() {
        let mut waiting = Waiting::default();
        waiting.push("UPDATE a SET b = $2 WHERE c = $1 OR d = $2");
        waiting.bind(1_i64).unwrap();
        waiting.bind("two").unwrap();
        waiting.push("DELETE FROM a WHERE b IN ($1, $12) AND c <> '$.d'");
        assert_eq!(
            waiting.text,
            "UPDATE a SET b = $2 WHERE c = $1 OR d = $2;\nDELETE FROM a WHERE b IN ($3, $14) AND c <> '$.d';\n"
        );
    }
}
