//! The few places where SQLite and PostgreSQL must be told different things, side by side.

/// The function that tells where a text lies in another, from 1; 0 if it does not. Both compare as they are,
/// without case, pattern or escape.
pub fn position(is_postgres: bool) -> &'static str {
    if is_postgres { "strpos" } else { "instr" }
}

/// Which index a table is read by. SQLite has no statistics that would tell it; PostgreSQL has, and no hints.
pub fn indexed_by(is_postgres: bool, index: &str) -> String {
    if is_postgres { String::new() } else { format!(" INDEXED BY {index}") }
}

/// The name of the unique index that was broken. PostgreSQL says it; SQLite says the columns
/// (`users.realm, users.login_name_prepared`), and our indexes are named after them:
/// `users_realm_login_name_prepared`.
pub fn index_name(reported: String) -> String {
    let Some((table, _)) = reported.split_once('.') else { return reported };
    let columns: Vec<&str> = reported.split(", ").filter_map(|column| column.split_once('.')).map(|(_, c)| c).collect();
    format!("{table}_{}", columns.join("_"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn sqlite_columns_become_the_index_name() {
        assert_eq!(
            super::index_name("users.realm, users.login_name_prepared".to_owned()),
            "users_realm_login_name_prepared"
        );
        assert_eq!(super::index_name("users_email".to_owned()), "users_email");
    }
}
