use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{BoundTo, sql};
use crate::{
    clock::Timestamp,
    id::{self, UserId},
    secret::MasterKeys,
    store::{Error, Result, Store, Tx},
};

/// How long a person may take to touch the authenticator.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// What a ceremony is for; none passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Register,
    Authenticate,
    /// Whoever answers: usernameless.
    Discover,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Authenticate => "authenticate",
            Self::Discover => "discover",
        }
    }
}

/// Whose ceremony it is, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub kind: Kind,
    pub user: Option<UserId>,
    pub bound_to: BoundTo,
}

/// Keeps the state of a ceremony, and answers its id.
pub(super) async fn begin<T: Serialize>(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    place: Place,
    state: &T,
    now: Timestamp,
) -> Result<Uuid> {
    let ceremony = id::uuid_at(now);
    let text = serde_json::to_vec(state).map_err(|error| Error::Damaged(error.to_string()))?;
    let sealed = keys.seal(&context(ceremony), &text);
    let (user, bound_to, kind) = (place.user, place.bound_to.0, place.kind.as_str());
    sql::insert_ceremony(tx, ceremony, (user, bound_to, kind), &sealed, now + LIFE).await?;
    Ok(ceremony)
}

/// Takes the state out: once, only at the place it was made for, and before its time is over. It is
/// spent even if the answer then turns out wrong.
pub(super) async fn consume<T: DeserializeOwned>(
    store: &Store,
    keys: &Arc<MasterKeys>,
    ceremony: Uuid,
    place: Place,
    now: Timestamp,
) -> Result<Option<T>> {
    let row = store
        .write(async move |tx| {
            sql::consume_ceremony(tx, ceremony, (place.user, place.bound_to.0, place.kind.as_str()), now).await
        })
        .await?;
    let Some(sealed) = row else { return Ok(None) };
    let damaged = |reason: String| Error::Damaged(format!("ceremony {ceremony}: {reason}"));
    let text = keys.open(&context(ceremony), &sealed).map_err(|error| damaged(error.to_string()))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| damaged(error.to_string()))
}

fn context(ceremony: Uuid) -> String {
    format!("webauthn-ceremony:{ceremony}")
}
