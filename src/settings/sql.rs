use crate::store::{Db, Result, Tx};

statements! {
    FIND = "SELECT value FROM settings WHERE name = $1";
    INSERT_IF_ABSENT = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    PUT = "
        INSERT INTO settings (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    CONSUME = "DELETE FROM settings WHERE name = $1 AND value = $2";
}

/// The value of that name.
///
/// # Errors
/// The database failed.
pub async fn find(db: &mut Db<'_>, name: &str) -> Result<Option<String>> {
    Ok(fetch_optional!(db, (String,), FIND, name)?.map(|(value,)| value))
}

pub(super) async fn insert_if_absent(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
    execute!(tx, INSERT_IF_ABSENT, name, value)?;
    Ok(())
}

/// Sets the value, whether or not there was one.
///
/// # Errors
/// The database failed.
pub async fn put(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
    execute!(tx, PUT, name, value)?;
    Ok(())
}

/// Takes the value away if it is this one; answers whether it was. Single use is judged by that.
///
/// # Errors
/// The database failed.
pub async fn consume(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<bool> {
    Ok(execute!(tx, CONSUME, name, value)? == 1)
}
