//! Groups that give product roles (V2): a connection's rules, kept as assignments to its groups.
//!
//! A rule names a group by its display name, whatever its case, or by its id. A group that is renamed away from
//! its rule loses what the rule gave; one that is renamed to it gains it.

use uuid::Uuid;

use super::Reach;
use crate::{
    access::{self, NewAssignment, Source, Subject},
    clock::Timestamp,
    connections::{Connection, GroupRole},
    groups::{self, Group},
    id::GroupId,
    products::{self, portal},
    secret::MasterKeys,
    store::{Db, Result, Tx},
    text,
};

/// Gives a group what the connection's rules say, takes what they say no more, and answers who may lose a product by
/// that. A tool makes no administrators and gives no more than its organization has: no role of the portal is
/// given, nor of a product that is not switched on there, even if it stands in a rule.
///
/// # Errors
/// The database's, here and below.
pub async fn apply(tx: &mut Tx<'_>, connection: &Connection, group: &Group, now: Timestamp) -> Result<Reach> {
    let mut missing = wanted(tx, connection, group).await?;
    let mut over = Vec::new();
    for given in access::given_to_group(tx, group.id, connection.id).await? {
        let found = missing.iter().position(|rule| {
            rule.product == given.product_id && rule.subtree == given.subtree && same(&rule.roles, &given.roles)
        });
        match found {
            Some(index) => drop(missing.remove(index)),
            None => over.push(given.id),
        }
    }
    let reach = if over.is_empty() { Reach::default() } else { Reach::of_group(tx, group.id).await? };
    for id in over {
        access::unassign(tx, id).await?;
    }
    for rule in missing {
        let new = NewAssignment {
            subject: Subject::Group(group.id),
            product: rule.product,
            roles: rule.roles,
            organization: connection.organization_id,
            subtree: rule.subtree,
            source: Source::Connection,
            connection: Some(connection.id),
            created_by: None,
        };
        access::assign(tx, &new, now).await?;
    }
    Ok(reach)
}

/// The rules have changed: every group that has something by them, or that the new ones name, gets what is now right,
/// and whoever loses a product is signed out there. The connection must be locked ([`connections::lock`]).
///
/// # Errors
/// The database's, here and below.
pub async fn change(
    tx: &mut Tx<'_>,
    (before, after): (&Connection, &Connection),
    master: &MasterKeys,
    now: Timestamp,
) -> Result<()> {
    if before.settings.group_roles == after.settings.group_roles {
        return Ok(());
    }
    let mut touched = access::groups_given_by_connection(tx, after.id).await?;
    for rule in &after.settings.group_roles {
        touched.extend(find(tx, after, &rule.group).await?.map(|group| group.id));
    }
    touched.sort_unstable();
    touched.dedup();
    for id in touched {
        if let Some(group) = groups::find_provisioned(tx, after.id, id).await? {
            apply(tx, after, &group, now).await?.settle(tx, master, now).await?;
        }
    }
    Ok(())
}

/// The connection ends, and its rules with it: what its groups gave is given no more.
///
/// # Errors
/// The database's, here and below.
pub async fn end(tx: &mut Tx<'_>, connection: &Connection, master: &MasterKeys, now: Timestamp) -> Result<()> {
    let mut without = connection.clone();
    without.settings.group_roles.clear();
    for id in access::groups_given_by_connection(tx, connection.id).await? {
        if let Some(group) = groups::find_provisioned(tx, connection.id, id).await? {
            apply(tx, &without, &group, now).await?.settle(tx, master, now).await?;
        }
    }
    Ok(())
}

/// The connection's group that a rule names so.
///
/// # Errors
/// The database's.
pub async fn find(db: &mut Db<'_>, connection: &Connection, name: &str) -> Result<Option<Group>> {
    match id(name) {
        Some(id) => groups::find_provisioned(db, connection.id, id).await,
        None => groups::find_by_name(db, connection.id, name).await,
    }
}

/// What reads as an id, however it is written, names the group of that id, and no group that is called so: names are
/// the tool's to choose.
fn id(name: &str) -> Option<GroupId> {
    Uuid::try_parse(name.trim()).ok().map(GroupId)
}

fn names(rule: &GroupRole, group: &Group) -> bool {
    match id(&rule.group) {
        Some(id) => id == group.id,
        None => text::fold(&rule.group) == text::fold(&group.display_name),
    }
}

async fn wanted(tx: &mut Tx<'_>, connection: &Connection, group: &Group) -> Result<Vec<GroupRole>> {
    let named = connection.settings.group_roles.iter().filter(|rule| names(rule, group));
    let mut rules: Vec<GroupRole> = named.cloned().collect();
    if rules.is_empty() {
        return Ok(rules);
    }
    let here = products::list_of_organization(tx, connection.organization_id).await?;
    let given =
        |rule: &GroupRole| here.iter().any(|product| product.id == rule.product && product.slug != portal::SLUG);
    rules.retain(given);
    Ok(rules)
}

fn same<T: Ord + Clone>(a: &[T], b: &[T]) -> bool {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    a.sort_unstable();
    b.sort_unstable();
    a == b
}
