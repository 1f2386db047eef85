//! The portal's own session rows: all the database that the portal has.
//!
//! [`Rows`] is the whole of what the portal is given: it inserts, finds, replaces and deletes rows
//! of one table, and seals what they hold under the master key. Neither the database nor the key
//! can be taken out of it.
//!
//! Invariants: a row is found by the hash of its browser's secret and never by its id; a row that
//! has ended is not found; a sign-in under way is taken out once, whoever comes first.

mod sql;

use std::{sync::Arc, time::Duration};

use crate::{
    clock::Timestamp,
    id::PortalSessionId,
    secret::{MasterKeys, Secret},
    store::{self, Result, Store},
};

pub use sql::STATEMENTS;

/// A session of the portal with what it keeps, opened.
#[derive(Clone)]
pub struct PortalSession {
    pub id: PortalSessionId,
    /// `sub` of the ID token.
    pub subject: String,
    /// `sid` of the ID token: a logout token names it.
    pub session: Option<String>,
    /// What the portal put in: its tokens.
    pub kept: Vec<u8>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Rows of `portal_sessions`, and nothing else. Cheap to clone.
#[derive(Clone)]
pub struct Rows {
    store: Store,
    master: Arc<MasterKeys>,
}

/// A sign-in under way has no subject yet.
const UNDER_WAY: &str = "";

/// A row to be kept.
pub struct NewRow<'a> {
    pub secret: &'a Secret,
    pub subject: &'a str,
    pub session: Option<&'a str>,
    pub kept: &'a [u8],
    pub lifetime: Duration,
}

impl Rows {
    /// The narrow handle over a database.
    pub fn new(store: Store, master: Arc<MasterKeys>) -> Self {
        Self { store, master }
    }

    /// Keeps a session.
    ///
    /// # Errors
    /// The database failed.
    pub async fn insert(&self, new: NewRow<'_>, now: Timestamp) -> Result<PortalSessionId> {
        let id = PortalSessionId::new(now);
        let row = sql::Row {
            id,
            subject: new.subject.to_owned(),
            session: new.session.map(str::to_owned),
            sealed: self.master.seal(&context(id), new.kept),
            created_at: now,
            expires_at: now + new.lifetime,
        };
        let hash = new.secret.hash();
        self.store.write(async move |tx| sql::insert(tx, &row, &hash).await).await?;
        Ok(id)
    }

    /// Keeps what a sign-in under way must know when its answer comes back.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin(&self, secret: &Secret, kept: &[u8], lifetime: Duration, now: Timestamp) -> Result<()> {
        let new = NewRow { secret, subject: UNDER_WAY, session: None, kept, lifetime };
        self.insert(new, now).await.map(drop)
    }

    /// Takes a sign-in under way out: the second to come with the same secret gets nothing.
    ///
    /// # Errors
    /// The database failed, or the master key that sealed the row is gone.
    pub async fn take(&self, secret: &Secret, now: Timestamp) -> Result<Option<Vec<u8>>> {
        let hash = secret.hash();
        let taken = self.store.write(async move |tx| sql::take(tx, &hash, now).await).await?;
        taken.map(|row| self.open(row)).transpose().map(|session| session.map(|session| session.kept))
    }

    /// The live session of this secret.
    ///
    /// # Errors
    /// The database failed, or the master key that sealed the row is gone.
    pub async fn find(&self, secret: &Secret, now: Timestamp) -> Result<Option<PortalSession>> {
        let mut db = self.store.reader().await?;
        let found = sql::find(&mut db, &secret.hash(), now).await?;
        found.map(|row| self.open(row)).transpose()
    }

    /// Lets one caller among all requests and nodes refresh a session's tokens, for at most `patience`:
    /// a refresh token that is used twice ends its family. [`Rows::replace`] gives the lease back.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lease(&self, id: PortalSessionId, patience: Duration, now: Timestamp) -> Result<bool> {
        self.store.write(async move |tx| sql::lease(tx, id, now + patience, now).await).await
    }

    /// Puts other content into a session: the tokens that a refresh brought. Answers whether the
    /// session was still there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn replace(&self, id: PortalSessionId, kept: &[u8]) -> Result<bool> {
        let sealed = self.master.seal(&context(id), kept);
        self.store.write(async move |tx| sql::replace(tx, id, &sealed).await).await
    }

    /// Ends one session.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete(&self, id: PortalSessionId) -> Result<()> {
        self.store.write(async move |tx| sql::delete(tx, id).await).await
    }

    /// Ends the sessions that a logout token names: one `sid`, or all of a subject. Answers how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_named(&self, subject: Option<&str>, session: Option<&str>) -> Result<u64> {
        let subject = subject.filter(|subject| *subject != UNDER_WAY).map(str::to_owned);
        let session = session.map(str::to_owned);
        self.store
            .write(async move |tx| match (&subject, &session) {
                (_, Some(session)) => sql::delete_of_session(tx, session, subject.as_deref()).await,
                (Some(subject), None) => sql::delete_of_subject(tx, subject).await,
                (None, None) => Ok(0),
            })
            .await
    }

    /// Sweeps out what has ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64> {
        self.store.write(async move |tx| sql::sweep(tx, now).await).await
    }

    fn open(&self, row: sql::Row) -> Result<PortalSession> {
        let kept = self
            .master
            .open(&context(row.id), &row.sealed)
            .map_err(|error| store::Error::Damaged(error.to_string()))?;
        Ok(PortalSession {
            id: row.id,
            subject: row.subject,
            session: row.session,
            kept: kept.to_vec(),
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

/// The place that a row's content is sealed for: moved to another row, it does not open.
fn context(id: PortalSessionId) -> String {
    format!("portal_session:{id}")
}
