//! The rows of the audit trail.

use serde_json::Value;
use uuid::Uuid;

use super::Event;
use crate::{
    clock::Timestamp,
    id::{EventId, OrganizationId},
    secret::Sealed,
    store::{Db, Json, Result, Tx},
};

statements! {
    INSERT = "
        INSERT INTO audit_events (id, organization_id, at, kind, actor_kind, actor_id, subject_kind, subject_id,
                                  outcome, details, commitment)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    INSERT_PERSONAL = "
        INSERT INTO audit_personal (event_id, person_id, commitment, salt, sealed) VALUES ($1, $2, $3, $4, $5)";
    PERSONAL_OF = "SELECT person_id, commitment, salt, sealed FROM audit_personal WHERE event_id = $1";
    PERSON_KEY = "SELECT sealed FROM person_keys WHERE person_id = $1";
    INSERT_PERSON_KEY = "INSERT INTO person_keys (person_id, sealed) VALUES ($1, $2)";
    /// Answers the key that stands there, whoever put it.
    AGREE_ON_PERSON_KEY = "
        INSERT INTO person_keys (person_id, sealed) VALUES ($1, $2)
        ON CONFLICT (person_id) DO UPDATE SET sealed = person_keys.sealed RETURNING sealed";
    DELETE_PERSON_KEY = "DELETE FROM person_keys WHERE person_id = $1";
    ERASE_PARTS = "UPDATE audit_personal SET salt = NULL, sealed = NULL WHERE person_id = $1";
    /// A page of one organization's events, newest first, optionally of one kind or subject.
    LIST = "
        SELECT id, organization_id, at, kind, actor_kind, actor_id, subject_kind, subject_id, outcome, details,
               commitment
          FROM audit_events
         WHERE organization_id = $1 AND at < $2
           AND ($3 = '' OR kind = $3)
           AND ($4 = '' OR subject_kind = $4)
         ORDER BY at DESC, id DESC
         LIMIT $5";
    /// Organizations with events that wait for their place in a chain.
    WAITING = "SELECT DISTINCT organization_id FROM audit_events WHERE position IS NULL LIMIT $1";
    /// Gives the oldest of them their place, and answers exactly those.
    PLACE = "
        UPDATE audit_events SET position = $2
         WHERE id IN (SELECT id FROM audit_events
                       WHERE position IS NULL AND organization_id = $1 ORDER BY id LIMIT $3)
           AND position IS NULL
        RETURNING id, organization_id, at, kind, actor_kind, actor_id, subject_kind, subject_id, outcome, details,
                  commitment";
    HEAD = "
        SELECT position, hash FROM audit_chain WHERE organization_id = $1 ORDER BY position DESC LIMIT 1";
    INSERT_LINK = "INSERT INTO audit_chain (organization_id, position, events, hash) VALUES ($1, $2, $3, $4)";
    CHAINED_ORGANIZATIONS = "SELECT DISTINCT organization_id FROM audit_chain";
    LINKS = "
        SELECT position, events, hash FROM audit_chain
         WHERE organization_id = $1 AND position > $2
         ORDER BY position
         LIMIT $3";
    BLOCK = "
        SELECT id, organization_id, at, kind, actor_kind, actor_id, subject_kind, subject_id, outcome, details,
               commitment
          FROM audit_events
         WHERE organization_id = $1 AND position = $2";
    COUNT_CHAINED = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_events WHERE position IS NOT NULL";
    COUNT_UNCHAINED = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_events WHERE position IS NULL";
}

/// An event as it is stored. Ids stay what the database holds, so that a hash covers exactly that.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Recorded {
    pub id: EventId,
    pub organization_id: OrganizationId,
    pub at: Timestamp,
    pub kind: String,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub subject_kind: Option<String>,
    pub subject_id: Option<Uuid>,
    pub outcome: String,
    /// JSON text.
    pub details: String,
    pub commitment: Option<Vec<u8>>,
}

/// What a list of events is narrowed by; empty text stands for any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub kind: String,
    pub subject_kind: String,
}

#[derive(sqlx::FromRow)]
pub struct PersonalRow {
    pub person_id: Uuid,
    pub commitment: Vec<u8>,
    pub salt: Option<Vec<u8>>,
    pub sealed: Option<Sealed>,
}

/// A link of a chain.
#[derive(sqlx::FromRow)]
pub struct Link {
    pub position: i64,
    /// How many events it covers.
    pub events: i64,
    pub hash: Vec<u8>,
}

pub async fn insert(
    tx: &mut Tx<'_>,
    id: EventId,
    event: &Event,
    commitment: Option<&[u8]>,
    now: Timestamp,
) -> Result<()> {
    let by = &event.by;
    let subject_kind = event.subject.map(|(kind, _)| kind.as_str());
    let subject_id = event.subject.map(|(_, id)| id);
    let details: Json<&Value> = Json(&event.details);
    later!(
        tx,
        INSERT,
        id,
        event.organization,
        now,
        event.kind,
        by.kind.as_str(),
        by.id,
        subject_kind,
        subject_id,
        event.outcome.as_str(),
        &details,
        commitment
    )
}

pub async fn insert_personal(
    tx: &mut Tx<'_>,
    event: EventId,
    person: Uuid,
    commitment: &[u8],
    salt: &[u8],
    sealed: &Sealed,
) -> Result<()> {
    later!(tx, INSERT_PERSONAL, event, person, commitment, salt, sealed)
}

pub async fn personal_of(db: &mut Db<'_>, event: EventId) -> Result<Vec<PersonalRow>> {
    fetch_all!(db, PersonalRow, PERSONAL_OF, event)
}

pub async fn person_key(db: &mut Db<'_>, person: Uuid) -> Result<Option<Sealed>> {
    Ok(fetch_optional!(db, (Sealed,), PERSON_KEY, person)?.map(|row| row.0))
}

pub async fn insert_person_key(tx: &mut Tx<'_>, person: Uuid, sealed: &Sealed) -> Result<()> {
    later!(tx, INSERT_PERSON_KEY, person, sealed)
}

pub async fn agree_on_person_key(tx: &mut Tx<'_>, person: Uuid, sealed: &Sealed) -> Result<Sealed> {
    Ok(fetch_one!(tx, (Sealed,), AGREE_ON_PERSON_KEY, person, sealed)?.0)
}

pub async fn erase(tx: &mut Tx<'_>, person: Uuid) -> Result<()> {
    later!(tx, ERASE_PARTS, person)?;
    later!(tx, DELETE_PERSON_KEY, person)
}

/// A page of one organization's events older than `before`, newest first.
///
/// # Errors
/// The database's.
pub async fn list(
    db: &mut Db<'_>,
    organization: OrganizationId,
    filter: &Filter,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Recorded>> {
    fetch_all!(db, Recorded, LIST, organization, before, filter.kind.as_str(), filter.subject_kind.as_str(), limit)
}

pub async fn waiting(db: &mut Db<'_>, limit: i64) -> Result<Vec<OrganizationId>> {
    Ok(fetch_all!(db, (OrganizationId,), WAITING, limit)?.into_iter().map(|row| row.0).collect())
}

pub async fn place(tx: &mut Tx<'_>, organization: OrganizationId, position: i64, limit: i64) -> Result<Vec<Recorded>> {
    fetch_all!(tx, Recorded, PLACE, organization, position, limit)
}

pub async fn head(db: &mut Db<'_>, organization: OrganizationId) -> Result<Option<(i64, Vec<u8>)>> {
    fetch_optional!(db, (i64, Vec<u8>), HEAD, organization)
}

pub async fn insert_link(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    position: i64,
    block: &[Recorded],
    hash: &[u8],
) -> Result<()> {
    let events = i64::try_from(block.len()).unwrap_or(i64::MAX);
    later!(tx, INSERT_LINK, organization, position, events, hash)
}

pub async fn block(db: &mut Db<'_>, organization: OrganizationId, position: i64) -> Result<Vec<Recorded>> {
    fetch_all!(db, Recorded, BLOCK, organization, position)
}

pub async fn chained_organizations(db: &mut Db<'_>) -> Result<Vec<OrganizationId>> {
    Ok(fetch_all!(db, (OrganizationId,), CHAINED_ORGANIZATIONS)?.into_iter().map(|row| row.0).collect())
}

pub async fn links(db: &mut Db<'_>, organization: OrganizationId, after: i64, limit: i64) -> Result<Vec<Link>> {
    fetch_all!(db, Link, LINKS, organization, after, limit)
}

pub async fn counts(db: &mut Db<'_>) -> Result<(i64, i64)> {
    let chained = fetch_one!(db, (i64,), COUNT_CHAINED)?.0;
    let unchained = fetch_one!(db, (i64,), COUNT_UNCHAINED)?.0;
    Ok((chained, unchained))
}
