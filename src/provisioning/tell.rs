//! Who is told that something waits.

use std::time::Duration;

use super::Guarded;
use crate::{
    access,
    groups::Group,
    id::OrganizationId,
    mail::{self, Brand, Mail},
    organizations::{self, Organization},
    store::{Result, Tx},
    users::{self, User},
};

/// News for so long.
const NEWS_FOR: Duration = Duration::from_secs(3 * 24 * 3600);

/// The administrators of the organization or, where it has none, of the nearest one above.
pub(super) async fn run_held(tx: &mut Tx<'_>, guarded: Guarded<'_>, changes: i64) -> Result<()> {
    nearest(tx, guarded, |(brand, home), (person, email)| {
        let what = (guarded.connection.name.as_str(), home.name.as_str(), changes);
        mail::run_held(brand, email, person.name(), what, guarded.link)
    })
    .await
}

/// The same: a change of a group would take roles from so many people.
pub(super) async fn group_held(tx: &mut Tx<'_>, guarded: Guarded<'_>, group: &Group, people: i64) -> Result<()> {
    nearest(tx, guarded, |(brand, home), (person, email)| {
        let names = (guarded.connection.name.as_str(), home.name.as_str(), group.display_name.as_str());
        mail::group_held(brand, email, person.name(), (names, people), guarded.link)
    })
    .await
}

async fn nearest(
    tx: &mut Tx<'_>,
    guarded: Guarded<'_>,
    letter: impl Fn((&Brand, &Organization), (&User, &str)) -> Mail,
) -> Result<()> {
    let lineage = organizations::lineage(tx, guarded.connection.organization_id).await?;
    let Some(home) = lineage.first() else { return Ok(()) };
    for organization in &lineage {
        let people = administrators(tx, organization.id, guarded).await?;
        if !people.is_empty() {
            let brand = brand(organization);
            return send(tx, guarded, people, |person, email| letter((&brand, home), (person, email))).await;
        }
    }
    Ok(())
}

/// V5: the administrator it is about, and the provider's administrators.
pub(super) async fn last_administrator(tx: &mut Tx<'_>, guarded: Guarded<'_>, user: &User) -> Result<()> {
    let lineage = organizations::lineage(tx, user.organization_id).await?;
    let (Some(home), Some(provider)) = (lineage.first().cloned(), lineage.last().cloned()) else { return Ok(()) };
    let mut people = administrators(tx, provider.id, guarded).await?;
    if provider.id != home.id {
        people.extend(administrators(tx, home.id, guarded).await?);
    }
    send(tx, guarded, people, |person, email| {
        let what = (guarded.connection.name.as_str(), home.name.as_str(), user.name());
        mail::last_administrator_held(&brand(&provider), email, person.name(), what, guarded.link)
    })
    .await
}

async fn administrators(tx: &mut Tx<'_>, organization: OrganizationId, guarded: Guarded<'_>) -> Result<Vec<User>> {
    let mut people = Vec::new();
    for id in access::administrators(tx, organization, guarded.now).await? {
        people.extend(users::find(tx, id).await?);
    }
    Ok(people)
}

async fn send(
    tx: &mut Tx<'_>,
    guarded: Guarded<'_>,
    people: Vec<User>,
    letter: impl Fn(&User, &str) -> Mail,
) -> Result<()> {
    for person in &people {
        let Some(email) = &person.email else { continue };
        mail::enqueue(tx, guarded.master, &letter(person, email), guarded.now + NEWS_FOR, guarded.now).await?;
    }
    Ok(())
}

fn brand(organization: &Organization) -> Brand {
    Brand { name: organization.name.clone(), support: organization.contact_email.clone() }
}
