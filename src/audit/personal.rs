//! The parts of events that are about people, each under that person's own key.

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{ActorKind, Event, sql};
use crate::{
    id::{EventId, UserId},
    secret::{self, MasterKeys, Sealed},
    store::{Db, Error, Result, Tx},
};

/// Stores the personal parts of `event` and answers the commitment that the event keeps.
pub(super) async fn write(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    event_id: EventId,
    event: &Event,
) -> Result<Option<Vec<u8>>> {
    let mut commitments = Vec::new();
    for (person, part) in parts(event) {
        let plain = part.to_string();
        let mut salt = [0u8; 16];
        secret::fill(&mut salt);
        let commitment = commit(&salt, plain.as_bytes());
        let is_new = event.personal.as_ref().is_some_and(|personal| personal.is_new && personal.person.0 == person);
        let key = if is_new { new_key(tx, master, person).await? } else { key_of(tx, master, person).await? };
        let sealed = key.seal(&context(event_id, person), plain.as_bytes());
        sql::insert_personal(tx, event_id, person, &commitment, &salt, &sealed).await?;
        commitments.push((person, commitment));
    }
    Ok(combine(&mut commitments))
}

/// Forgets a person: the key and every salt go, so neither the parts nor a guess at them can be
/// checked again. The events stay, and so does their chain.
///
/// # Errors
/// The database's.
pub async fn erase(tx: &mut Tx<'_>, person: UserId) -> Result<()> {
    sql::erase(tx, person.0).await
}

/// The personal parts of an event that are still readable, merged: `data`, `address`, `user_agent`.
///
/// # Errors
/// The database's, or [`Error::Damaged`] if a part does not open.
pub async fn read_personal(db: &mut Db<'_>, master: &MasterKeys, event: EventId) -> Result<Map<String, Value>> {
    let mut merged = Map::new();
    for part in sql::personal_of(db, event).await? {
        let Some(plain) = open(db, master, event, &part).await? else { continue };
        if let Ok(Value::Object(part)) = serde_json::from_slice(&plain) {
            merged.extend(part);
        }
    }
    Ok(merged)
}

/// Opens one part; `None` if it was erased.
pub(super) async fn open(
    db: &mut Db<'_>,
    master: &MasterKeys,
    event: EventId,
    part: &sql::PersonalRow,
) -> Result<Option<Vec<u8>>> {
    let (Some(sealed), Some(key)) = (&part.sealed, sql::person_key(db, part.person_id).await?) else {
        return Ok(None);
    };
    let damaged = |_| Error::Damaged(format!("the personal part of audit event {event}"));
    let key = unseal_key(master, part.person_id, &key)?;
    let plain = key.open(&context(event, part.person_id), sealed).map_err(damaged)?;
    Ok(Some(plain.to_vec()))
}

/// What ties an event to one personal part without telling it (a salted SHA-256).
pub(super) fn commit(salt: &[u8], plain: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, &[salt, plain].concat()).as_ref().to_vec()
}

/// The one commitment of an event over those of its parts, in the order of the persons' ids.
pub(super) fn combine(commitments: &mut [(Uuid, Vec<u8>)]) -> Option<Vec<u8>> {
    if commitments.is_empty() {
        return None;
    }
    commitments.sort_by_key(|(person, _)| *person);
    let all: Vec<u8> = commitments.iter().flat_map(|(_, commitment)| commitment.iter().copied()).collect();
    Some(digest::digest(&digest::SHA256, &all).as_ref().to_vec())
}

/// Who is told of, and what: at most the actor and the person acted on.
fn parts(event: &Event) -> Vec<(Uuid, Value)> {
    let mut parts: Vec<(Uuid, Map<String, Value>)> = Vec::new();
    if let Some(personal) = &event.personal {
        parts.push((personal.person.0, Map::from_iter([("data".to_owned(), personal.data.clone())])));
    }
    let by = &event.by;
    if by.address.is_some() || by.user_agent.is_some() {
        // Whoever is not a person signed in counts as the person the event is about, if any.
        let about = event.personal.as_ref().map_or(Uuid::nil(), |personal| personal.person.0);
        let person = by.id.filter(|_| by.kind == ActorKind::User).unwrap_or(about);
        let origin = [("address".to_owned(), json!(by.address)), ("user_agent".to_owned(), json!(by.user_agent))];
        match parts.iter_mut().find(|(about, _)| *about == person) {
            Some((_, part)) => part.extend(origin),
            None => parts.push((person, Map::from_iter(origin))),
        }
    }
    parts.into_iter().map(|(person, part)| (person, Value::Object(part))).collect()
}

/// The person's key, made at the first event about them.
async fn key_of(tx: &mut Tx<'_>, master: &MasterKeys, person: Uuid) -> Result<MasterKeys> {
    if let Some(sealed) = sql::person_key(tx, person).await? {
        return unseal_key(master, person, &sealed);
    }
    let (_, sealed) = make_key(master, person)?;
    // Another transaction may have been faster: what stands there counts.
    unseal_key(master, person, &sql::agree_on_person_key(tx, person, &sealed).await?)
}

/// The key of somebody who has none, for nobody has heard of them before this transaction.
async fn new_key(tx: &mut Tx<'_>, master: &MasterKeys, person: Uuid) -> Result<MasterKeys> {
    let (key, sealed) = make_key(master, person)?;
    sql::insert_person_key(tx, person, &sealed).await?;
    Ok(key)
}

fn make_key(master: &MasterKeys, person: Uuid) -> Result<(MasterKeys, Sealed)> {
    let mut key = [0u8; 32];
    secret::fill(&mut key);
    let sealed = master.seal(&key_context(person), &key);
    let key = MasterKeys::new(&[(1, key)]).ok_or_else(|| Error::Damaged(format!("key of {person}")))?;
    Ok((key, sealed))
}

fn unseal_key(master: &MasterKeys, person: Uuid, sealed: &Sealed) -> Result<MasterKeys> {
    let damaged = || Error::Damaged(format!("the audit key of person {person}"));
    let plain = master.open(&key_context(person), sealed).map_err(|_| damaged())?;
    let key: [u8; 32] = plain.as_slice().try_into().map_err(|_| damaged())?;
    MasterKeys::new(&[(1, key)]).ok_or_else(damaged)
}

fn key_context(person: Uuid) -> String {
    format!("person:{person}")
}

fn context(event: EventId, person: Uuid) -> String {
    format!("audit:{event}:{person}")
}
