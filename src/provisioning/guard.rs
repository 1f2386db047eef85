//! Judging one ending more: it passes and is noted, or it is held.

use std::{collections::HashMap, time::Duration};

use serde_json::json;

use super::{
    joins,
    sql::{self, Noted},
    tell,
};
use crate::{
    access,
    audit::{self, By, Event, SubjectKind},
    clock::Timestamp,
    connections::{self, Connection, Guard},
    groups,
    id::{GroupId, UserId},
    organizations,
    secret::MasterKeys,
    store::{Result, Tx},
    users::{self, Status, User, life_cycle, provisioned},
};

/// Over which time the share is counted.
pub const WINDOW: Duration = Duration::from_secs(3600);
/// Endings of one run follow each other within this time.
const PAUSE: Duration = Duration::from_secs(300);
/// A discarded change that comes again within this time is held at once.
pub(super) const DISCARDED_FOR: Duration = Duration::from_secs(24 * 3600);

text_enum! {
    /// What a tool wants of a person's access.
    pub enum Ending {
        Deactivate = "deactivate",
        /// Deactivate, and leave the account to the administrators.
        Detach = "detach",
        Remove = "remove",
    }
}
text_enum! {
    /// Why a change waits for a person.
    pub enum HoldReason {
        /// Too many within an hour.
        Run = "run",
        /// An administrator discarded it, and it came again.
        Discarded = "discarded",
        /// Nobody locks out an organization (P13, V5).
        LastAdministrator = "last_administrator",
    }
}

/// Why something is held, and whom it had ended before of the same run.
#[derive(Debug)]
pub struct Held {
    pub reason: HoldReason,
    pub taken_back: Vec<TakenBack>,
}

impl From<HoldReason> for Held {
    fn from(reason: HoldReason) -> Self {
        Self { reason, taken_back: Vec::new() }
    }
}

/// Somebody whose ending was undone, as they are now. Whoever was told of the ending is to be told of this.
#[derive(Debug)]
pub struct TakenBack {
    pub user: User,
    /// What had been done.
    pub ending: Ending,
}

/// A connection at work, as the guard sees it.
#[derive(Clone, Copy)]
pub struct Guarded<'a> {
    pub connection: &'a Connection,
    pub master: &'a MasterKeys,
    pub by: &'a By,
    /// Where an administrator decides: for the mail.
    pub link: &'a str,
    pub now: Timestamp,
}

impl Guarded<'_> {
    /// Judges one ending before anything of it is done. `Some` says why it is held; then the person is as
    /// before, and the caller tells of whoever was taken back and does nothing else but commit.
    ///
    /// # Errors
    /// The database's.
    pub async fn judge(self, tx: &mut Tx<'_>, user: &User, ending: Ending) -> Result<Option<Held>> {
        organizations::bump_revision(tx, user.organization_id).await?;
        if access::is_last_administrator(tx, user.organization_id, user.id, self.now).await? {
            return Ok(Some(self.hold_administrator(tx, user, ending).await?.into()));
        }
        let Some(guard) = self.connection.settings.guard else { return Ok(None) };
        // From here on all endings of the connection queue.
        connections::lock(tx, self.connection.id).await?;
        let waiting = sql::count_held(tx, self.connection.id).await?;
        if waiting > 0 {
            let reason = HoldReason::Run;
            self.hold(tx, user.id, (ending, reason)).await?;
            return Ok(Some(reason.into()));
        }
        if sql::was_discarded(tx, self.connection.id, user.id.0, self.now - DISCARDED_FOR).await? {
            let reason = HoldReason::Discarded;
            self.hold(tx, user.id, (ending, reason)).await?;
            self.tell(tx, 1).await?;
            return Ok(Some(reason.into()));
        }
        let before = sql::count_endings(tx, self.connection.id, user.id, self.now - WINDOW).await?;
        if self.is_too_much(tx, guard, (before, 1)).await? {
            let taken_back = self.take_back(tx).await?;
            self.hold(tx, user.id, (ending, HoldReason::Run)).await?;
            self.record(tx, guard, count(taken_back.len())).await?;
            self.tell(tx, count(taken_back.len()) + 1).await?;
            return Ok(Some(Held { reason: HoldReason::Run, taken_back }));
        }
        let left = self.groups_left(tx, user, ending).await?;
        sql::note_ending(tx, (self.connection.id, user.id), (ending, &left), self.now).await?;
        Ok(None)
    }

    /// Judges all that one request would end, before any of it is done. If together they are a run, all are
    /// held and none of them has been changed; else each is judged in its turn. Answers whom an earlier part of the
    /// run had ended, and who is taken back.
    ///
    /// # Errors
    /// The database's.
    pub async fn foresee(self, tx: &mut Tx<'_>, endings: &[(UserId, Ending)]) -> Result<Vec<TakenBack>> {
        let Some(guard) = self.connection.settings.guard.filter(|_| !endings.is_empty()) else { return Ok(Vec::new()) };
        // In the order in which one ending takes them.
        organizations::bump_revision(tx, self.connection.organization_id).await?;
        connections::lock(tx, self.connection.id).await?;
        if sql::count_held(tx, self.connection.id).await? > 0 {
            return Ok(Vec::new());
        }
        let people: HashMap<UserId, Ending> = endings.iter().copied().collect();
        let noted = sql::list_endings(tx, self.connection.id, self.now - WINDOW).await?;
        let before = noted.iter().filter(|noted| !people.contains_key(&noted.user_id)).count();
        let (before, new) = (count(before), count(people.len()));
        if !self.is_too_much(tx, guard, (before, new)).await? {
            return Ok(Vec::new());
        }
        let taken_back = self.take_back(tx).await?;
        for (user, ending) in endings {
            self.hold(tx, *user, (*ending, HoldReason::Run)).await?;
        }
        self.record(tx, guard, count(taken_back.len())).await?;
        self.tell(tx, count(taken_back.len()) + new).await?;
        Ok(taken_back)
    }

    /// Whether the new ones and those of the last hour are more than the guard allows.
    pub(super) async fn is_too_much(self, tx: &mut Tx<'_>, guard: Guard, (before, new): (i64, i64)) -> Result<bool> {
        let endings = before + new;
        if endings < i64::from(guard.minimum) {
            return Ok(false);
        }
        // Counted only as far as it decides: beyond this many people the share is small enough.
        let enough = endings * 100 / i64::from(guard.share.max(1));
        let people = before + sql::count_people(tx, self.connection.id, enough + 1).await?;
        Ok(endings * 100 > i64::from(guard.share) * people)
    }

    /// Undoes what the run has done so far, and holds it with the rest.
    async fn take_back(self, tx: &mut Tx<'_>) -> Result<Vec<TakenBack>> {
        let mut taken_back = Vec::new();
        let mut later = self.now;
        for noted in sql::list_endings(tx, self.connection.id, self.now - WINDOW).await? {
            if later.since(noted.at) > PAUSE {
                break;
            }
            later = noted.at;
            let Some(user) = self.undo(tx, &noted).await? else { continue };
            sql::forget_ending(tx, self.connection.id, noted.user_id).await?;
            self.hold(tx, noted.user_id, (noted.ending, HoldReason::Run)).await?;
            taken_back.push(TakenBack { user, ending: noted.ending });
        }
        Ok(taken_back)
    }

    /// Undoes one ending, and answers the person as they are then; `None` if there is nothing to undo any more.
    async fn undo(self, tx: &mut Tx<'_>, noted: &Noted) -> Result<Option<User>> {
        let Some(mut user) = users::find(tx, noted.user_id).await? else { return Ok(None) };
        let is_detached = noted.ending == Ending::Detach;
        if is_detached && provisioned::attach(tx, &user, self.connection.id).await? {
            user.connection_id = Some(self.connection.id);
        }
        if user.connection_id != Some(self.connection.id) || user.status != Status::Deactivated {
            return Ok(None);
        }
        let act = life_cycle::Act { master: self.master, by: &By::system() };
        if !joins::take_back(tx, act, &user, self.now).await? {
            return Ok(None);
        }
        for group in &noted.left_groups {
            // It may have gone meanwhile.
            if groups::find_provisioned(tx, self.connection.id, *group).await?.is_some() {
                groups::add_members(tx, self.connection.id, *group, &[user.id], self.now).await?;
                groups::touch(tx, *group, self.now).await?;
            }
        }
        provisioned::find(tx, self.connection.id, user.id).await
    }

    /// The groups that an ending takes the person out of, should it have to be undone.
    async fn groups_left(self, tx: &mut Tx<'_>, user: &User, ending: Ending) -> Result<Vec<GroupId>> {
        if ending != Ending::Detach {
            return Ok(Vec::new());
        }
        let held = groups::memberships(tx, self.connection.id, &[user.id]).await?;
        Ok(held.into_iter().filter(|held| held.is_direct).map(|held| held.group_id).collect())
    }

    async fn hold_administrator(self, tx: &mut Tx<'_>, user: &User, ending: Ending) -> Result<HoldReason> {
        let reason = HoldReason::LastAdministrator;
        if self.hold(tx, user.id, (ending, reason)).await? {
            let event = Event::new(user.organization_id, "connection.change_held", self.by.clone())
                .on(SubjectKind::User, user.id.0)
                .with(json!({ "connection": self.connection.id, "reason": reason }));
            audit::record(tx, self.master, event, self.now).await?;
            tell::last_administrator(tx, self, user).await?;
        }
        Ok(reason)
    }

    /// Keeps a change; `false` if it is kept already.
    async fn hold(self, tx: &mut Tx<'_>, user: UserId, (ending, reason): (Ending, HoldReason)) -> Result<bool> {
        sql::hold(tx, self.connection.id, user, (ending, reason), self.now).await
    }

    async fn record(self, tx: &mut Tx<'_>, guard: Guard, taken_back: i64) -> Result<()> {
        let event = Event::new(self.connection.organization_id, "connection.run_held", self.by.clone())
            .on(SubjectKind::Connection, self.connection.id.0)
            .with(json!({ "share": guard.share, "minimum": guard.minimum, "taken_back": taken_back }));
        audit::record(tx, self.master, event, self.now).await
    }

    async fn tell(self, tx: &mut Tx<'_>, changes: i64) -> Result<()> {
        tell::run_held(tx, self, changes).await
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The tool has let somebody in again: their ending counts no more, and none of theirs is held.
///
/// # Errors
/// The database's.
pub async fn changed_its_mind(tx: &mut Tx<'_>, connection: &Connection, user: UserId, now: Timestamp) -> Result<()> {
    sql::forget_ending(tx, connection.id, user).await?;
    sql::withdraw(tx, connection.id, user.0, now).await
}
