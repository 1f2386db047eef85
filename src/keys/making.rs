//! Making keys, once for all nodes that share a database.

use std::{sync::Arc, time::Duration};

use super::{
    Algorithm,
    key::{Key, NewKey, Rejected},
    keyring::{Keyring, Signer},
    sql::{self, KeyRow},
};
use crate::{
    clock::Timestamp,
    jobs::lease,
    secret::{MasterKeys, Sealed},
    store::{Error, Result},
};

/// How long the making of an RSA key may take before another node tries.
const MAKING: Duration = Duration::from_secs(60);

/// How long one waits for keys that another node makes.
const PATIENCE: u32 = 600;
const GLANCE: Duration = Duration::from_millis(50);

/// Loads the keys, and makes the quick ones if this is the first start of all.
pub(super) async fn first_keys(keyring: &Keyring, now: Timestamp) -> Result<()> {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        keyring.refresh(now).await?;
        if !keyring.has(algorithm, now) {
            let new = NewKey::generate(algorithm)?;
            insert_first(keyring, new, now).await?;
            keyring.refresh(now).await?;
        }
    }
    Ok(())
}

/// Makes the key of `algorithm`, or waits while another task or node does.
pub(super) async fn make_missing(keyring: &Keyring, algorithm: Algorithm, now: Timestamp) -> Result<()> {
    let inner = keyring.inner();
    let _one_at_a_time = inner.making.lock().await;
    for _ in 0..PATIENCE {
        keyring.refresh(now).await?;
        if keyring.has(algorithm, now) {
            return Ok(());
        }
        let holder = inner.holder;
        let mine =
            inner.store.write(async move |tx| lease::take_for(tx, "key-making", holder, MAKING, now).await).await?;
        if !mine {
            keyring.changed(GLANCE).await;
            continue;
        }
        let new = tokio::task::spawn_blocking(move || NewKey::generate(algorithm)).await;
        let new = new.map_err(|_| Error::Damaged("the thread that makes keys".to_owned()))??;
        insert_first(keyring, new, now).await?;
    }
    Err(Error::Damaged(format!("no {} key was made in time", algorithm.as_str())))
}

/// Inserts a key unless its algorithm has one; the lease's row serialises the nodes.
async fn insert_first(keyring: &Keyring, new: NewKey, now: Timestamp) -> Result<()> {
    let inner = keyring.inner();
    let sealed = seal(&inner.master, &new);
    let holder = inner.holder;
    inner
        .store
        .write(async move |tx| {
            sql::lock(tx).await?;
            if sql::exists(tx, new.algorithm).await? {
                return Ok(());
            }
            sql::insert(tx, &new, &sealed, now, now).await?;
            lease::release(tx, "key-making", holder).await
        })
        .await
}

/// Encrypts the private half for its row.
pub(super) fn seal(master: &MasterKeys, new: &NewKey) -> Sealed {
    master.seal(&context(&new.id), &new.pkcs8)
}

/// Decrypts and parses a row.
pub(super) fn open(master: &MasterKeys, row: KeyRow) -> Result<Signer> {
    let damaged = |why: &str| Error::Damaged(format!("signing key {}: {why}", row.key_id));
    let algorithm = row.algorithm.parse::<Algorithm>().map_err(|error| damaged(&error))?;
    let pkcs8 = master.open(&context(&row.key_id), &row.sealed).map_err(|error| damaged(&error.to_string()))?;
    let key = Key::parse(algorithm, &pkcs8).map_err(|error| damaged(&error.to_string()))?;
    Ok(Signer { row, algorithm, key: Arc::new(key) })
}

fn context(key_id: &str) -> String {
    format!("signing_key:{key_id}")
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Damaged(rejected.to_string())
    }
}
