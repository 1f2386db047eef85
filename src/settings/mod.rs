//! What is fixed at the first start: small values by name, for the whole deployment.
//!
//! Owns the table `settings` (but for the row `signing_keys`, which is a lock of `keys`).
//!
//! Invariant: a value that [`fix`] set stays; whoever comes with another one is told what it is.

mod sql;

use crate::{
    secret::{MasterKeys, Sealed},
    store::{Db, Error, Result, Tx},
};

pub use sql::{STATEMENTS, consume, find, put};

/// Sets the value if there is none, and answers the one that stands.
///
/// # Errors
/// The database failed.
pub async fn fix(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<String> {
    sql::insert_if_absent(tx, name, value).await?;
    Ok(sql::find(tx, name).await?.unwrap_or_else(|| value.to_owned()))
}

/// Keeps a value under the master key.
///
/// # Errors
/// The database failed.
pub async fn put_sealed(tx: &mut Tx<'_>, master: &MasterKeys, name: &str, plain: &[u8]) -> Result<()> {
    let sealed = serde_json::to_string(&master.seal(&place(name), plain));
    put(tx, name, &sealed.map_err(|error| Error::Damaged(error.to_string()))?).await
}

/// Opens what [`put_sealed`] kept.
///
/// # Errors
/// The database failed, or the value does not open: it was altered, or sealed under another master key.
pub async fn find_sealed(db: &mut Db<'_>, master: &MasterKeys, name: &str) -> Result<Option<Vec<u8>>> {
    let Some(text) = find(db, name).await? else { return Ok(None) };
    let damaged = |error: &dyn std::fmt::Display| Error::Damaged(format!("setting {name}: {error}"));
    let sealed: Sealed = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
    let plain = master.open(&place(name), &sealed).map_err(|error| damaged(&error))?;
    Ok(Some(plain.to_vec()))
}

fn place(name: &str) -> String {
    format!("setting:{name}")
}
