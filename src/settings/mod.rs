//! What is fixed at the first start: small values by name, for the whole deployment.
//!
//! Owns the table `settings` (but for the row `signing_keys`, which is a lock of `keys`).
//!
//! Invariant: a value that [`fix`] set stays; whoever comes with another one is told what it is.

mod sql;

use std::sync::Arc;

use crate::{
    secret::{MasterKeys, Sealed},
    store::{Db, Error, Result, Store, Tx},
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

/// Sealed at the first start; opens only under the same master key.
const KEY_CHECK: &str = "master_key_check";

/// Refuses another master key than that of the first start, before anything is sealed under it.
///
/// # Errors
/// [`Error::WrongMasterKey`], or the database failed.
pub async fn check_master_key(store: &Store, master: &Arc<MasterKeys>) -> Result<()> {
    match find_sealed(&mut store.reader().await?, master, KEY_CHECK).await {
        Ok(Some(_)) => Ok(()),
        Err(Error::Damaged(_)) => Err(Error::WrongMasterKey),
        Err(error) => Err(error),
        Ok(None) => {
            let master = Arc::clone(master);
            store.write(async move |tx| put_sealed(tx, &master, KEY_CHECK, b"castellan").await).await
        }
    }
}

fn place(name: &str) -> String {
    format!("setting:{name}")
}
