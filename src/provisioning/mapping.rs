//! Groups that give product roles (V2): a connection's rules, kept as assignments to its groups.
//!
//! A rule names a group by its display name, whatever its case, or by its id. A group that is renamed away from
//! its rule loses what the rule gave; one that is renamed to it gains it.

use super::Reach;
use crate::{
    access::{self, NewAssignment, Source, Subject},
    clock::Timestamp,
    connections::{Connection, GroupRole},
    groups::{self, Group},
    products::{self, portal},
    secret::MasterKeys,
    store::{Db, Result, Tx},
    text,
};

/// Gives a group what the connection's rules say, and takes what they say no more. A tool makes no
/// administrators and gives no more than its organization has: the portal's administrator is never given, nor a
/// product that is not switched on there, even if it stands in a rule.
///
/// # Errors
/// The database's, here and below.
pub async fn apply(tx: &mut Tx<'_>, connection: &Connection, group: &Group, now: Timestamp) -> Result<()> {
    let mut missing = wanted(tx, connection, group).await?;
    for given in access::given_to_group(tx, group.id, connection.id).await? {
        let found = missing.iter().position(|rule| {
            rule.product == given.product_id && rule.subtree == given.subtree && same(&rule.roles, &given.roles)
        });
        match found {
            Some(index) => drop(missing.remove(index)),
            None => access::unassign(tx, given.id).await?,
        }
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
    Ok(())
}

/// The rules have changed: every group that the old or the new ones name gets what is now right, and whoever
/// loses a product is signed out there.
pub async fn change(
    tx: &mut Tx<'_>,
    (before, after): (&Connection, &Connection),
    master: &MasterKeys,
    now: Timestamp,
) -> Result<()> {
    if before.settings.group_roles == after.settings.group_roles {
        return Ok(());
    }
    let mut named: Vec<&GroupRole> = before.settings.group_roles.iter().chain(&after.settings.group_roles).collect();
    named.sort_by(|a, b| a.group.cmp(&b.group));
    named.dedup_by(|a, b| a.group == b.group);
    for rule in named {
        if let Some(group) = find(tx, after, &rule.group).await? {
            let reach = Reach::of_group(tx, group.id).await?;
            apply(tx, after, &group, now).await?;
            reach.settle(tx, master, now).await?;
        }
    }
    Ok(())
}

/// The connection's group of that id, or else of that name.
pub async fn find(db: &mut Db<'_>, connection: &Connection, name: &str) -> Result<Option<Group>> {
    match name.parse() {
        Ok(id) => groups::find_provisioned(db, connection.id, id).await,
        Err(_) => groups::find_by_name(db, connection.id, name).await,
    }
}

async fn wanted(tx: &mut Tx<'_>, connection: &Connection, group: &Group) -> Result<Vec<GroupRole>> {
    let name = text::fold(&group.display_name).into_owned();
    let named = |rule: &&GroupRole| text::fold(&rule.group) == name || rule.group == group.id.to_string();
    let mut rules: Vec<GroupRole> = connection.settings.group_roles.iter().filter(named).cloned().collect();
    if rules.is_empty() {
        return Ok(rules);
    }
    let here = products::list_of_organization(tx, connection.organization_id).await?;
    let portal = products::find_by_slug(tx, portal::SLUG).await?.map(|portal| portal.id);
    rules.retain(|rule| Some(rule.product) != portal && here.iter().any(|product| product.id == rule.product));
    Ok(rules)
}

fn same<T: Ord + Clone>(a: &[T], b: &[T]) -> bool {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    a.sort_unstable();
    b.sort_unstable();
    a == b
}
