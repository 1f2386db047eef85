//! Judging a change of a group that gives product roles: it passes, or it is held.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::{Guarded, HoldReason, guard, sql, tell};
use crate::{
    access,
    audit::{self, Event, SubjectKind},
    clock::Timestamp,
    connections::{self, Connection},
    groups::{self, Group},
    id::{GroupId, UserId},
    store::{Db, Result, Tx},
};

text_enum! {
    /// What a tool wants of a group by which people would lose roles.
    pub enum GroupChange {
        /// Members leave it.
        Leave = "leave_group",
        Delete = "delete_group",
    }
}

/// Who is out of a group by a change of it.
#[derive(Debug)]
pub enum Leaving {
    /// All, since it is deleted.
    Everybody,
    /// Of its members, users and groups, those that are gone then, those that are not, and which of these are groups.
    Members { gone: BTreeSet<Uuid>, rest: BTreeSet<Uuid>, within: Vec<GroupId> },
}

impl Leaving {
    fn change(&self) -> GroupChange {
        match self {
            Self::Everybody => GroupChange::Delete,
            Self::Members { .. } => GroupChange::Leave,
        }
    }

    /// The members that letting it through takes out.
    fn gone(self) -> Vec<Uuid> {
        match self {
            Self::Everybody => Vec::new(),
            Self::Members { gone, .. } => gone.into_iter().collect(),
        }
    }

    /// Whoever is in the group now, by themselves or by groups within it, and not after.
    async fn people(&self, db: &mut Db<'_>, group: GroupId) -> Result<Vec<UserId>> {
        let Self::Members { gone, rest, within } = self else { return groups::people(db, group).await };
        let mut leaving: BTreeSet<UserId> = gone.iter().copied().map(UserId).collect();
        let mut staying: BTreeSet<UserId> = rest.iter().copied().map(UserId).collect();
        for child in groups::children(db, group).await?.into_iter().filter(|child| gone.contains(&child.group_id.0)) {
            leaving.extend(groups::people(db, child.group_id).await?);
        }
        for child in within {
            staying.extend(groups::people(db, *child).await?);
        }
        Ok(leaving.difference(&staying).copied().collect())
    }
}

impl Guarded<'_> {
    /// Whether a change of the group could be one to hold: a guard is set, and the group gives something.
    ///
    /// # Errors
    /// The database's.
    pub async fn watches(self, db: &mut Db<'_>, group: GroupId) -> Result<bool> {
        Ok(self.connection.settings.guard.is_some() && sql::gives_anything(db, group).await?)
    }

    /// Judges a change of a group before anything of it is done: by how many people lose a role with it that they
    /// have in no other way. `Some` says why it is held; then the group is as before, and the caller does nothing
    /// else but commit.
    ///
    /// # Errors
    /// The database's.
    pub async fn judge_group(self, tx: &mut Tx<'_>, group: &Group, leaving: Leaving) -> Result<Option<HoldReason>> {
        let Some(guard) = self.connection.settings.guard else { return Ok(None) };
        let people = leaving.people(tx, group.id).await?;
        let losing = access::losing(tx, group.id, &people, self.now).await?;
        if losing == 0 || !self.is_too_much(tx, guard, (0, losing)).await? {
            return Ok(None);
        }
        // Nothing but this is written from here on.
        connections::lock(tx, self.connection.id).await?;
        let is_again = sql::was_discarded(tx, self.connection.id, group.id.0, self.now - guard::DISCARDED_FOR).await?;
        let reason = if is_again { HoldReason::Discarded } else { HoldReason::Run };
        let is_first = sql::count_held_groups(tx, self.connection.id).await? == 0;
        let change = leaving.change();
        let wanted = (change, reason, leaving.gone(), losing);
        if sql::hold_group(tx, (self.connection.id, group.id), wanted, self.now).await? {
            let connection = self.connection.id;
            let details = json!({ "connection": connection, "reason": reason, "wanted": change, "people": losing });
            let event = Event::new(group.organization_id, "connection.change_held", self.by.clone())
                .on(SubjectKind::Group, group.id.0)
                .with(details);
            audit::record(tx, self.master, event, self.now).await?;
        }
        if is_first {
            tell::group_held(tx, self, group, losing).await?;
        }
        Ok(Some(reason))
    }

    /// The tool names these as members, so that what is held of the group does not take them out; nor is it deleted.
    ///
    /// # Errors
    /// The database's.
    pub async fn names_members(self, tx: &mut Tx<'_>, group: GroupId, named: &BTreeSet<Uuid>) -> Result<()> {
        if self.connection.settings.guard.is_none() || named.is_empty() {
            return Ok(());
        }
        let Some(mut members) = sql::held_members(tx, self.connection.id, group).await? else { return Ok(()) };
        members.retain(|member| !named.contains(member));
        if members.is_empty() {
            return forget_group(tx, self.connection, group, self.now).await;
        }
        sql::set_held_members(tx, self.connection.id, group, &members).await
    }
}

/// Nothing is held of the group any more: it is gone, or the tool has changed its mind.
///
/// # Errors
/// The database's.
pub async fn forget_group(tx: &mut Tx<'_>, connection: &Connection, group: GroupId, now: Timestamp) -> Result<()> {
    sql::withdraw(tx, connection.id, group.0, now).await
}
