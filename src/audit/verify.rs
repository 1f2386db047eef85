//! Walking the chains: finds a changed byte, a removed event, a reordered link.

use super::{chain, personal, sql};
use crate::{
    id::{EventId, OrganizationId},
    secret::MasterKeys,
    store::{Db, Error, Result, Store},
};

/// Links read at a time.
const STRETCH: i64 = 200;

/// What a walk found.
#[derive(Debug, Default)]
pub struct Report {
    /// Events that have their place in a chain.
    pub events: i64,
    /// Links that were checked.
    pub links: i64,
    /// Events that wait for their place; a running server appends them within a second.
    pub waiting: i64,
    /// Everything that does not hold.
    pub flaws: Vec<Flaw>,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("organization {0}: link {1} of the chain is missing")]
    MissingLink(OrganizationId, i64),
    #[error("organization {0}: link {1} covers {2} events, but {3} are there")]
    MissingEvents(OrganizationId, i64, i64, usize),
    #[error("organization {0}: an event of link {1}, or the link, was changed")]
    Changed(OrganizationId, i64),
    #[error("event {0}: its personal part was changed or removed")]
    Personal(EventId),
    #[error("{0} events have a place in a chain, but the links cover {1}")]
    Count(i64, i64),
}

/// Walks every chain and checks every commitment.
///
/// # Errors
/// The database's. What does not hold is in the report.
pub async fn verify(store: &Store, master: &MasterKeys) -> Result<Report> {
    let mut db = store.reader().await?;
    let mut report = Report::default();
    for organization in sql::chained_organizations(&mut db).await? {
        walk(&mut db, master, organization, &mut report).await?;
    }
    let (chained, waiting) = sql::counts(&mut db).await?;
    report.waiting = waiting;
    if chained != report.events {
        report.flaws.push(Flaw::Count(chained, report.events));
    }
    Ok(report)
}

async fn walk(db: &mut Db<'_>, master: &MasterKeys, organization: OrganizationId, report: &mut Report) -> Result<()> {
    let mut position = 0;
    let mut previous = chain::genesis(organization);
    loop {
        let stretch = sql::links(db, organization, position, STRETCH).await?;
        if stretch.is_empty() {
            return Ok(());
        }
        for link in stretch {
            if link.position != position + 1 {
                report.flaws.push(Flaw::MissingLink(organization, position + 1));
            }
            position = link.position;
            let mut block = sql::block(db, organization, position).await?;
            if i64::try_from(block.len()) != Ok(link.events) {
                report.flaws.push(Flaw::MissingEvents(organization, position, link.events, block.len()));
            } else if chain::link(&previous, &mut block) != link.hash {
                report.flaws.push(Flaw::Changed(organization, position));
            }
            for event in &block {
                if !commitment_holds(db, master, event).await? {
                    report.flaws.push(Flaw::Personal(event.id));
                }
            }
            // Go on from what stands there, so that one change is one flaw.
            previous = link.hash;
            report.links += 1;
            report.events += link.events;
        }
    }
}

/// Whether the personal parts are those the event was written with; erased ones count by their commitment.
async fn commitment_holds(db: &mut Db<'_>, master: &MasterKeys, event: &sql::Recorded) -> Result<bool> {
    let mut commitments = Vec::new();
    for part in sql::personal_of(db, event.id).await? {
        let plain = match personal::open(db, master, event.id, &part).await {
            Ok(plain) => plain,
            Err(Error::Damaged(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        if let (Some(plain), Some(salt)) = (plain, &part.salt)
            && personal::commit(salt, &plain) != part.commitment
        {
            return Ok(false);
        }
        commitments.push((part.person_id, part.commitment));
    }
    Ok(personal::combine(&mut commitments) == event.commitment)
}
