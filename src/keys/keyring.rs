use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::RwLock;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::{
    Algorithm, Error,
    jws::{self, Invalid, Unverified},
    key::Key,
    making,
    seen::Seen,
    sql,
};
use crate::{
    clock::Timestamp,
    jobs::lease::Holder,
    secret::{MasterKeys, SecretHash},
    store::{self, Store},
};

/// The keys of this process. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

pub(super) struct Inner {
    pub store: Store,
    pub master: Arc<MasterKeys>,
    pub holder: Holder,
    ring: RwLock<Arc<Ring>>,
    changed: Notify,
    /// Signatures of our own that were good before.
    seen: Seen,
    /// Held while this process makes its RS256 key.
    pub making: tokio::sync::Mutex<()>,
}

/// A parsed key and when it serves.
pub(super) struct Signer {
    pub row: sql::KeyRow,
    pub algorithm: Algorithm,
    pub key: Arc<Key>,
}

/// One state of the key ring; replaced whole.
#[derive(Default)]
struct Ring {
    signers: HashMap<String, Signer>,
    published: JwkSet,
    /// Whether every algorithm has a key among the published.
    is_complete: bool,
}

/// The published keys as they go over the wire (RFC 7517 §5).
#[derive(Clone)]
pub struct JwkSet {
    pub bytes: Arc<[u8]>,
    /// A strong entity tag, quoted.
    pub etag: Arc<str>,
}

impl Default for JwkSet {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl JwkSet {
    fn of(keys: &[&Value]) -> Self {
        let bytes: Arc<[u8]> = serde_json::json!({ "keys": keys }).to_string().into_bytes().into();
        let hash = SecretHash::of(&bytes);
        let etag = hash.as_bytes().iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { bytes, etag: format!("\"{etag}\"").into() }
    }
}

impl Keyring {
    /// Reads the keys; at the first start of all, makes ES256 and EdDSA.
    ///
    /// # Errors
    /// The database's, or a key that does not open under the master keys given.
    pub async fn load(store: &Store, master: Arc<MasterKeys>, now: Timestamp) -> store::Result<Self> {
        let keyring = Self(Arc::new(Inner {
            store: store.clone(),
            master,
            holder: Holder::random(),
            ring: RwLock::default(),
            changed: Notify::new(),
            seen: Seen::default(),
            making: tokio::sync::Mutex::new(()),
        }));
        making::first_keys(&keyring, now).await?;
        Ok(keyring)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Signs `claims` as a compact JWS of type `typ`, with the newest active key of `algorithm`.
    ///
    /// # Errors
    /// The RS256 key is not there yet ([`Keyring::ready`] waits for it), or `claims` do not serialise.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        typ: &str,
        claims: &impl Serialize,
        now: Timestamp,
    ) -> Result<String, Error> {
        let claims = serde_json::to_vec(claims).map_err(|error| Error::Failed(error.to_string()))?;
        let ring = self.ring();
        let signer = ring.signer(algorithm, now).ok_or(Error::NotYet(algorithm))?;
        let header = (algorithm.as_str(), typ, signer.row.key_id.as_str());
        jws::write(&signer.key, header, &claims).map_err(|error| Error::Failed(error.to_string()))
    }

    /// Reads a token of our own of type `typ`: signature, type and time. `iss` and `aud` are the caller's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, token: &str, typ: &str, now: Timestamp) -> Result<Map<String, Value>, Invalid> {
        let claims = self.read(token, typ, |signer| signer.is_published(now))?;
        jws::check_time(&claims, now)?;
        Ok(claims)
    }

    /// Reads an ID token given as a hint: it may have expired, and so may its key, but it must be ours
    /// (OpenID Connect RP-Initiated Logout §2, Core §3.1.2.1).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify_hint(&self, token: &str, now: Timestamp) -> Result<Map<String, Value>, Invalid> {
        let claims = self.read(token, "JWT", |signer| !signer.is_compromised())?;
        jws::check_not_early(&claims, now)?;
        Ok(claims)
    }

    /// The published keys.
    pub fn jwks(&self) -> JwkSet {
        self.ring().published.clone()
    }

    /// Waits until there is a key of each algorithm; at once but in the first second of a database.
    ///
    /// # Errors
    /// The database's.
    pub async fn all_ready(&self, now: Timestamp) -> store::Result<()> {
        if !self.ring().is_complete {
            for algorithm in Algorithm::ALL {
                self.ready(algorithm, now).await?;
            }
        }
        Ok(())
    }

    /// Waits until there is a key of `algorithm`; at once but for RS256 in the first second of a database.
    /// Makes it if nobody else does.
    ///
    /// # Errors
    /// The database's.
    pub async fn ready(&self, algorithm: Algorithm, now: Timestamp) -> store::Result<()> {
        if self.ring().signer(algorithm, now).is_none() {
            making::make_missing(self, algorithm, now).await?;
        }
        Ok(())
    }

    /// Reads the keys again if they changed, and parses the new ones. Called every second on every node.
    ///
    /// # Errors
    /// The database's, or a key that does not open.
    pub async fn refresh(&self, now: Timestamp) -> store::Result<()> {
        let rows = sql::list(&mut self.0.store.reader().await?).await?;
        let old = self.ring();
        let mut signers = HashMap::with_capacity(rows.len());
        for row in rows {
            let signer = match old.signers.get(&row.key_id) {
                Some(known) => Signer { row, algorithm: known.algorithm, key: Arc::clone(&known.key) },
                None => making::open(&self.0.master, row)?,
            };
            signers.insert(signer.row.key_id.clone(), signer);
        }
        let mut published: Vec<&Signer> = signers.values().filter(|signer| signer.is_published(now)).collect();
        // Newest first within an algorithm: some relying parties take the first that fits.
        published.sort_by_key(|signer| (signer.algorithm as u8, std::cmp::Reverse(signer.row.activates_at)));
        let is_complete = Algorithm::ALL.iter().all(|all| published.iter().any(|signer| signer.algorithm == *all));
        let published = JwkSet::of(&published.iter().map(|signer| &signer.row.public_jwk.0).collect::<Vec<_>>());
        *self.0.ring.write() = Arc::new(Ring { signers, published, is_complete });
        self.0.changed.notify_waiters();
        Ok(())
    }

    /// Whether there is a key that signs now.
    pub(super) fn has(&self, algorithm: Algorithm, now: Timestamp) -> bool {
        self.ring().signer(algorithm, now).is_some()
    }

    /// Waits for a refresh, at most `at_most`.
    pub(super) async fn changed(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.0.changed.notified()).await;
    }

    fn read(&self, token: &str, typ: &str, usable: impl Fn(&Signer) -> bool) -> Result<Map<String, Value>, Invalid> {
        let ring = self.ring();
        let find = |key_id: &str| ring.signers.get(key_id).filter(|signer| usable(signer));
        Unverified::parse(token)?.verify(typ, find, &self.0.seen)
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.0.ring.read())
    }
}

impl Ring {
    /// The newest key that signs at `now`; failing that (a clock stepped back), the newest that has begun.
    fn signer(&self, algorithm: Algorithm, now: Timestamp) -> Option<&Signer> {
        let of_algorithm = || self.signers.values().filter(move |signer| signer.algorithm == algorithm);
        let newest = |signer: &&Signer| signer.row.activates_at;
        of_algorithm()
            .filter(|signer| signer.row.activates_at <= now && signer.row.retires_at.is_none_or(|end| end > now))
            .max_by_key(newest)
            .or_else(|| of_algorithm().filter(|signer| signer.row.retires_at.is_none()).min_by_key(newest))
    }
}

impl Signer {
    /// Its end came without notice: nothing it signed counts any more.
    fn is_compromised(&self) -> bool {
        self.row.retires_at.is_some() && self.row.retires_at == self.row.expires_at
    }

    fn is_published(&self, now: Timestamp) -> bool {
        self.row.expires_at.is_none_or(|end| end > now)
    }
}
