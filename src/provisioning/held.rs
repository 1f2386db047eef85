//! The queue of what is held, and an administrator's decision about it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Ending, GroupChange, HoldReason,
    event::{Kind, Origin, Subject},
    joins, memberships, sql,
};
use crate::{
    audit::{self, By, Event, SubjectKind},
    clock::{Clock, Timestamp},
    connections::{Connection, unique},
    groups::{self, Group},
    id::{ConnectionId, UserId},
    secret::MasterKeys,
    store::{Db, Result, Tx},
    users::{self, User, life_cycle, provisioned},
};

pub use sql::{Change, Summary, Wanted};

/// How many changes one transaction lets through, so that other writers need not wait long.
const BATCH: i64 = 50;

/// What waits at a connection; `None` if nothing does.
///
/// # Errors
/// The database's.
pub async fn summary(db: &mut Db<'_>, connection: ConnectionId) -> Result<Option<Summary>> {
    sql::summary(db, connection).await
}

/// Changes that wait, in the order of the ids of those whom they are about, after the id `after`.
///
/// # Errors
/// The database's.
pub async fn list(db: &mut Db<'_>, connection: ConnectionId, after: Uuid, limit: i64) -> Result<Vec<Change>> {
    sql::list(db, connection, after, limit).await
}

/// Who decides, and when.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    pub connection: &'a Connection,
    pub master: &'a MasterKeys,
    pub by: &'a By,
    pub decided_by: Option<UserId>,
    /// The server's, and what the decision is known by: for the events that tell of it.
    pub issuer: &'a str,
    pub transaction: &'a str,
    pub clock: &'a Clock,
    pub now: Timestamp,
}

/// What a batch has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Released {
    /// How many changes were done.
    pub done: i64,
    /// How many of this batch must go on waiting: nobody locks out an organization.
    pub kept: i64,
    /// Whether more wait.
    pub more: bool,
}

impl Decision<'_> {
    /// Begins to let everything through: the decision as an audit event. `false` if nothing waits.
    ///
    /// # Errors
    /// The database's.
    pub async fn release(self, tx: &mut Tx<'_>) -> Result<bool> {
        let Some(summary) = sql::summary(tx, self.connection.id).await? else { return Ok(false) };
        self.record(tx, "connection.run_released", summary.changes).await?;
        Ok(true)
    }

    /// Lets the next changes after `after` through, in the same way as if the tool had just asked. Answers
    /// the last id, after which to go on.
    ///
    /// # Errors
    /// The database's.
    pub async fn release_batch(self, tx: &mut Tx<'_>, after: Uuid) -> Result<(Released, Uuid)> {
        let changes = sql::list(tx, self.connection.id, after, BATCH).await?;
        let mut released = Released { more: changes.len() as i64 == BATCH, ..Released::default() };
        let mut last = after;
        for change in &changes {
            last = change.resource_id;
            if self.apply(tx, change).await? {
                sql::decide(tx, self.connection.id, last, ("released", self.decided_by), self.now).await?;
                released.done += 1;
            } else {
                sql::keep(tx, self.connection.id, last, HoldReason::LastAdministrator).await?;
                released.kept += 1;
            }
        }
        Ok((released, last))
    }

    /// Does what the tool wanted, and tells webhooks as if it had just asked; `false` if the person is their
    /// organization's last administrator.
    async fn apply(self, tx: &mut Tx<'_>, change: &Change) -> Result<bool> {
        match change.wanted()? {
            Wanted::User(user, ending) => self.end(tx, user, ending).await,
            Wanted::Group(group, wanted) => {
                // A group that has gone, or is nobody's any more, needs nothing.
                if let Some(group) = groups::find_provisioned(tx, self.connection.id, group).await? {
                    self.shrink(tx, &group, (wanted, change.members())).await?;
                }
                Ok(true)
            }
        }
    }

    /// Takes the members out, or deletes the group.
    async fn shrink(self, tx: &mut Tx<'_>, group: &Group, (wanted, members): (GroupChange, &[Uuid])) -> Result<()> {
        let subject = Subject::group(group);
        if wanted == GroupChange::Delete {
            if !memberships::delete(tx, self.master, group.id, self.now).await? {
                return Ok(());
            }
            self.record_group(tx, group, ("group.removed", json!({}))).await?;
            return self.origin().publish(tx, Kind::Delete, &subject, []).await;
        }
        let (left, reach) = memberships::leave(tx, group.id, members).await?;
        reach.settle(tx, self.master, self.now).await?;
        if left == 0 {
            return Ok(());
        }
        groups::touch(tx, group.id, self.now).await?;
        self.record_group(tx, group, ("group.updated", json!({ "added": 0, "removed": left }))).await?;
        self.origin().publish(tx, Kind::Patch, &subject, ["members"]).await
    }

    async fn record_group(self, tx: &mut Tx<'_>, group: &Group, (kind, details): (&'static str, Value)) -> Result<()> {
        let event =
            Event::new(group.organization_id, kind, self.by.clone()).on(SubjectKind::Group, group.id.0).with(details);
        audit::record(tx, self.master, event, self.now).await
    }

    /// Ends somebody's access; `false` if they are their organization's last administrator.
    async fn end(self, tx: &mut Tx<'_>, user: UserId, ending: Ending) -> Result<bool> {
        // Who has been removed, or belongs to another by now, needs nothing any more.
        let user = users::find(tx, user).await?;
        let Some(user) = user.filter(|user| user.connection_id == Some(self.connection.id)) else { return Ok(true) };
        let act = life_cycle::Act { master: self.master, by: self.by };
        let outcome = match ending {
            Ending::Deactivate => joins::deactivate(tx, act, &user, self.now).await?,
            Ending::Detach => self.detach(tx, act, &user).await?,
            Ending::Remove => joins::remove(tx, act, &user, self.now).await?,
        };
        if outcome == Err(life_cycle::Refusal::LastAdministrator) {
            return Ok(false);
        }
        if outcome.is_ok() && ending != Ending::Remove {
            self.tell(tx, Kind::Deactivate, &user).await?;
        }
        if ending != Ending::Deactivate {
            self.tell(tx, Kind::Delete, &user).await?;
        }
        Ok(true)
    }

    /// Deactivates the person, out of every group, and leaves the account to the administrators.
    async fn detach(
        self,
        tx: &mut Tx<'_>,
        act: life_cycle::Act<'_>,
        user: &User,
    ) -> Result<std::result::Result<(), life_cycle::Refusal>> {
        let outcome = life_cycle::deactivate(tx, act, user, self.now).await?;
        if outcome != Err(life_cycle::Refusal::LastAdministrator) {
            groups::leave_all(tx, user.id, self.now).await?;
            unique::release(tx, user.id.0).await?;
            if let Some(user) = users::find(tx, user.id).await? {
                provisioned::detach(tx, &user, self.connection.id, self.now).await?;
            }
        }
        Ok(outcome)
    }

    async fn tell(self, tx: &mut Tx<'_>, kind: Kind, user: &User) -> Result<()> {
        self.origin().publish(tx, kind, &Subject::user(user), []).await
    }

    fn origin(&self) -> Origin<'_> {
        let Self { connection, master, by, issuer, transaction, clock, .. } = *self;
        Origin { connection, master, by, issuer, transaction, clock }
    }

    /// Forgets everything that waits: nothing of it is done. Answers how many there were.
    ///
    /// # Errors
    /// The database's.
    pub async fn discard(self, tx: &mut Tx<'_>) -> Result<u64> {
        let discarded = sql::discard(tx, self.connection.id, self.decided_by, self.now).await?;
        if discarded > 0 {
            self.record(tx, "connection.run_discarded", i64::try_from(discarded).unwrap_or(i64::MAX)).await?;
        }
        Ok(discarded)
    }

    async fn record(self, tx: &mut Tx<'_>, kind: &'static str, changes: i64) -> Result<()> {
        let event = Event::new(self.connection.organization_id, kind, self.by.clone())
            .on(SubjectKind::Connection, self.connection.id.0)
            .with(json!({ "changes": changes }));
        audit::record(tx, self.master, event, self.now).await
    }
}
