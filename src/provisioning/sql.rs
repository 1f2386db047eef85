use uuid::Uuid;

use super::{Ending, GroupChange, HoldReason};
use crate::{
    clock::Timestamp,
    id::{ConnectionId, GroupId, ProductId, UserId, uuid_at},
    store::{Db, Error, Json, Result, Tx},
};

/// A group and all that it is in; UNION ends where a circle closes.
macro_rules! above {
    () => {
        "above (id) AS (
             SELECT id FROM groups WHERE id = $1
              UNION
             SELECT c.group_id FROM above JOIN group_children c ON c.child_id = above.id)"
    };
}

/// Some groups and all within them.
macro_rules! below {
    ($first:literal) => {
        concat!(
            "below (id) AS (",
            $first,
            " UNION SELECT c.child_id FROM below JOIN group_children c ON c.group_id = below.id)"
        )
    };
}

/// Which of `people`, or of those for whom they stand, are signed in to which products that the groups `above` give.
macro_rules! signed_in {
    () => {
        "
        SELECT DISTINCT g.user_id, c.product_id
          FROM (SELECT id FROM people
                 UNION
                SELECT s.stands_for FROM people JOIN users s ON s.id = people.id
                 WHERE s.stands_for IS NOT NULL AND s.status = 'active') AS holders
          JOIN grants g ON g.user_id = holders.id
          JOIN clients c ON c.id = g.client_id
         WHERE g.revoked_at IS NULL
           AND c.product_id IN (SELECT a.product_id FROM above JOIN assignments a ON a.group_id = above.id)"
    };
}

statements! {
    /// Who is ended twice counts once, at the later time.
    NOTE_ENDING = "
        INSERT INTO connection_endings (connection_id, user_id, change, at, left_groups) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (connection_id, user_id)
        DO UPDATE SET change = excluded.change, at = excluded.at, left_groups = excluded.left_groups";
    FORGET_ENDING = "DELETE FROM connection_endings WHERE connection_id = $1 AND user_id = $2";
    /// Those of others than this person.
    COUNT_ENDINGS = "
        SELECT COUNT(*) FROM connection_endings WHERE connection_id = $1 AND user_id <> $2 AND at > $3";
    /// The latest first.
    LIST_ENDINGS = "
        SELECT user_id, change, at, left_groups FROM connection_endings WHERE connection_id = $1 AND at > $2 ORDER BY at DESC";
    /// People of the connection who have access, counted up to a limit.
    COUNT_PEOPLE = "
        SELECT COUNT(*) FROM (SELECT id FROM users
                               WHERE connection_id = $1 AND status IN ('active', 'invited') LIMIT $2) AS counted";

    /// Nothing is written where the person is held already; a removal takes the place of a deactivation.
    HOLD = "
        INSERT INTO held_changes (id, connection_id, resource_id, change, reason, status, created_at)
        SELECT $1, $2, $3, $4, $5, 'held', $6
         WHERE NOT EXISTS (SELECT 1 FROM held_changes
                            WHERE connection_id = $2 AND resource_id = $3 AND status = 'held')";
    HOLD_STRONGER = "
        UPDATE held_changes SET change = $3 WHERE connection_id = $1 AND resource_id = $2 AND status = 'held'";
    /// What makes every further ending wait: a run, not a single administrator, nor a group.
    COUNT_HELD = "
        SELECT COUNT(*) FROM (SELECT id FROM held_changes
                               WHERE connection_id = $1 AND status = 'held' AND reason <> 'last_administrator'
                                 AND people IS NULL LIMIT 1) AS counted";
    /// The latest of what the tool has wanted of a group is held.
    HOLD_GROUP = "
        INSERT INTO held_changes (id, connection_id, resource_id, change, reason, members, people, status, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'held', $8)";
    HOLD_GROUP_ANEW = "
        UPDATE held_changes SET change = $3, members = $4, people = $5
         WHERE connection_id = $1 AND resource_id = $2 AND status = 'held'";
    COUNT_HELD_GROUPS = "
        SELECT COUNT(*) FROM held_changes WHERE connection_id = $1 AND status = 'held' AND people IS NOT NULL";
    HELD_MEMBERS = "
        SELECT members FROM held_changes
         WHERE connection_id = $1 AND resource_id = $2 AND status = 'held' AND members IS NOT NULL";
    SET_HELD_MEMBERS = "
        UPDATE held_changes SET members = $3 WHERE connection_id = $1 AND resource_id = $2 AND status = 'held'";
    DISCARDED_SINCE = "
        SELECT COUNT(*) FROM held_changes
         WHERE connection_id = $1 AND resource_id = $2 AND status = 'discarded' AND decided_at > $3";
    DECIDE = "
        UPDATE held_changes SET status = $3, decided_by = $4, decided_at = $5
         WHERE connection_id = $1 AND resource_id = $2 AND status = 'held'";
    DISCARD = "
        UPDATE held_changes SET status = 'discarded', decided_by = $2, decided_at = $3
         WHERE connection_id = $1 AND status = 'held'";
    KEEP = "
        UPDATE held_changes SET reason = $3 WHERE connection_id = $1 AND resource_id = $2 AND status = 'held'";
    LIST = "
        SELECT h.resource_id, h.change, h.reason, h.members, h.people, h.created_at,
               COALESCE(u.display_name, g.display_name, '') AS name, u.login_name
          FROM held_changes h
          LEFT JOIN users u ON u.id = h.resource_id LEFT JOIN groups g ON g.id = h.resource_id
         WHERE h.connection_id = $1 AND h.status = 'held' AND h.resource_id > $2
         ORDER BY h.resource_id LIMIT $3";
    SUMMARY = "
        SELECT COUNT(*) AS changes, MIN(created_at) AS since,
               COUNT(CASE WHEN change = 'remove' THEN 1 END) AS removals,
               COUNT(CASE WHEN reason = 'last_administrator' THEN 1 END) AS administrators,
               COUNT(people) AS groups, CAST(COALESCE(SUM(people), 0) AS BIGINT) AS losing
          FROM held_changes WHERE connection_id = $1 AND status = 'held'";

    /// Whether a group, or one that it is in, gives anything.
    GIVES_ANYTHING = concat!("WITH RECURSIVE ", above!(), "
        SELECT COUNT(*) FROM (
            SELECT a.id FROM above JOIN assignments a ON a.group_id = above.id LIMIT 1) AS counted");
    /// People of a group, and of those within it, with a live grant at a client of a product that it gives.
    SIGNED_IN_BY_GROUP = concat!("WITH RECURSIVE ", above!(), ", ",
        below!("SELECT id FROM groups WHERE id = $1"), ", ",
        "people (id) AS (SELECT m.user_id FROM below JOIN group_members m ON m.group_id = below.id)", signed_in!());
    /// The same of one member of a group, a user or a group.
    SIGNED_IN_BY_MEMBER = concat!("WITH RECURSIVE ", above!(), ", ",
        below!("SELECT child_id FROM group_children WHERE group_id = $1 AND child_id = $2"), ", ",
        "people (id) AS (
             SELECT user_id FROM group_members WHERE group_id = $1 AND user_id = $2
              UNION
             SELECT m.user_id FROM below JOIN group_members m ON m.group_id = below.id)", signed_in!());
    /// Where a user is signed in, or whoever has joined by that stand-in.
    SIGNED_IN = "
        SELECT DISTINCT g.user_id, c.product_id FROM grants g JOIN clients c ON c.id = g.client_id
         WHERE g.user_id = COALESCE(
                   (SELECT stands_for FROM users WHERE id = $1 AND stands_for IS NOT NULL AND status = 'active'), $1)
           AND g.revoked_at IS NULL";
}

/// An ending that passed.
#[derive(Debug)]
pub(super) struct Noted {
    pub user_id: UserId,
    pub ending: Ending,
    pub at: Timestamp,
    /// The groups of which the person was a member until then, where the ending ended that too.
    pub left_groups: Vec<GroupId>,
}

type NotedRow = (UserId, String, Timestamp, Option<Json<Vec<GroupId>>>);

/// A change that waits, and whom or what it is about.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Change {
    /// A user's id, or a group's.
    pub resource_id: Uuid,
    change: String,
    reason: String,
    members: Option<Json<Vec<Uuid>>>,
    /// Of a group: how many people lose a role.
    pub people: Option<i64>,
    pub created_at: Timestamp,
    pub name: String,
    pub login_name: Option<String>,
}

/// What a tool wants of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    User(UserId, Ending),
    Group(GroupId, GroupChange),
}

impl Wanted {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User(_, ending) => ending.as_str(),
            Self::Group(_, change) => change.as_str(),
        }
    }
}

impl Change {
    /// What the tool wants.
    ///
    /// # Errors
    /// The row says something else.
    pub fn wanted(&self) -> Result<Wanted> {
        if self.people.is_some() {
            let change = self.change.parse().map_err(Error::Damaged)?;
            return Ok(Wanted::Group(GroupId(self.resource_id), change));
        }
        Ok(Wanted::User(UserId(self.resource_id), self.change.parse().map_err(Error::Damaged)?))
    }

    /// The members, users and groups, that would leave a group.
    pub fn members(&self) -> &[Uuid] {
        self.members.as_ref().map_or(&[], |Json(members)| members)
    }

    /// Why it waits.
    ///
    /// # Errors
    /// The row says something else.
    pub fn reason(&self) -> Result<HoldReason> {
        self.reason.parse().map_err(Error::Damaged)
    }
}

/// What waits, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub changes: i64,
    /// How many of them remove people.
    pub removals: i64,
    /// How many are about an organization's last administrator.
    pub administrators: i64,
    /// How many are about groups, and how many people lose a role by them.
    pub groups: i64,
    pub losing: i64,
    pub since: Timestamp,
}

pub(super) async fn note_ending(
    tx: &mut Tx<'_>,
    (connection, user): (ConnectionId, UserId),
    (ending, left_groups): (Ending, &[GroupId]),
    now: Timestamp,
) -> Result<()> {
    let left_groups = (!left_groups.is_empty()).then_some(Json(left_groups));
    later!(tx, NOTE_ENDING, connection, user, ending.as_str(), now, left_groups)
}

pub(super) async fn forget_ending(tx: &mut Tx<'_>, connection: ConnectionId, user: UserId) -> Result<()> {
    later!(tx, FORGET_ENDING, connection, user)
}

pub(super) async fn count_endings(
    db: &mut Db<'_>,
    connection: ConnectionId,
    besides: UserId,
    since: Timestamp,
) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), COUNT_ENDINGS, connection, besides, since)?.0)
}

pub(super) async fn list_endings(db: &mut Db<'_>, connection: ConnectionId, since: Timestamp) -> Result<Vec<Noted>> {
    let rows: Vec<NotedRow> = fetch_all!(db, NotedRow, LIST_ENDINGS, connection, since)?;
    let noted = |(user_id, change, at, left): NotedRow| {
        let ending = change.parse().map_err(Error::Damaged)?;
        Ok(Noted { user_id, ending, at, left_groups: left.map(|Json(groups)| groups).unwrap_or_default() })
    };
    rows.into_iter().map(noted).collect()
}

pub(super) async fn count_people(db: &mut Db<'_>, connection: ConnectionId, limit: i64) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), COUNT_PEOPLE, connection, limit)?.0)
}

pub(super) async fn hold(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    user: UserId,
    (ending, reason): (Ending, HoldReason),
    now: Timestamp,
) -> Result<bool> {
    let (change, reason) = (ending.as_str(), reason.as_str());
    if execute!(tx, HOLD, uuid_at(now), connection, user, change, reason, now)? == 1 {
        return Ok(true);
    }
    if ending != Ending::Deactivate {
        execute!(tx, HOLD_STRONGER, connection, user, change)?;
    }
    Ok(false)
}

pub(super) async fn count_held(db: &mut Db<'_>, connection: ConnectionId) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), COUNT_HELD, connection)?.0)
}

/// Keeps a change of a group; `false` if one is kept already, whose place it takes.
pub(super) async fn hold_group(
    tx: &mut Tx<'_>,
    (connection, group): (ConnectionId, GroupId),
    (change, reason, members, people): (GroupChange, HoldReason, Vec<Uuid>, i64),
    now: Timestamp,
) -> Result<bool> {
    let (change, reason, members) = (change.as_str(), reason.as_str(), Json(members));
    if execute!(tx, HOLD_GROUP_ANEW, connection, group, change, &members, people)? > 0 {
        return Ok(false);
    }
    execute!(tx, HOLD_GROUP, uuid_at(now), connection, group, change, reason, &members, people, now)?;
    Ok(true)
}

pub(super) async fn count_held_groups(db: &mut Db<'_>, connection: ConnectionId) -> Result<i64> {
    Ok(fetch_one!(db, (i64,), COUNT_HELD_GROUPS, connection)?.0)
}

/// Who would leave a group by what is held of it; nobody where it would be deleted. `None` if nothing is held.
pub(super) async fn held_members(
    db: &mut Db<'_>,
    connection: ConnectionId,
    group: GroupId,
) -> Result<Option<Vec<Uuid>>> {
    let row = fetch_optional!(db, (Json<Vec<Uuid>>,), HELD_MEMBERS, connection, group)?;
    Ok(row.map(|(Json(members),)| members))
}

pub(super) async fn set_held_members(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    group: GroupId,
    members: &[Uuid],
) -> Result<()> {
    later!(tx, SET_HELD_MEMBERS, connection, group, Json(members))
}

pub(super) async fn was_discarded(
    db: &mut Db<'_>,
    connection: ConnectionId,
    resource: Uuid,
    since: Timestamp,
) -> Result<bool> {
    Ok(fetch_one!(db, (i64,), DISCARDED_SINCE, connection, resource, since)?.0 > 0)
}

pub(super) async fn withdraw(tx: &mut Tx<'_>, connection: ConnectionId, resource: Uuid, now: Timestamp) -> Result<()> {
    decide(tx, connection, resource, ("withdrawn", None), now).await
}

pub(super) async fn decide(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    resource: Uuid,
    (status, decided_by): (&str, Option<UserId>),
    now: Timestamp,
) -> Result<()> {
    later!(tx, DECIDE, connection, resource, status, decided_by, now)
}

pub(super) async fn keep(tx: &mut Tx<'_>, connection: ConnectionId, resource: Uuid, reason: HoldReason) -> Result<()> {
    later!(tx, KEEP, connection, resource, reason.as_str())
}

pub(super) async fn discard(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    decided_by: Option<UserId>,
    now: Timestamp,
) -> Result<u64> {
    execute!(tx, DISCARD, connection, decided_by, now)
}

pub(super) async fn list(db: &mut Db<'_>, connection: ConnectionId, after: Uuid, limit: i64) -> Result<Vec<Change>> {
    fetch_all!(db, Change, LIST, connection, after, limit)
}

pub(super) async fn summary(db: &mut Db<'_>, connection: ConnectionId) -> Result<Option<Summary>> {
    let row = fetch_one!(db, (i64, Option<Timestamp>, i64, i64, i64, i64), SUMMARY, connection)?;
    let (changes, since, removals, administrators, groups, losing) = row;
    Ok(since.map(|since| Summary { changes, removals, administrators, groups, losing, since }))
}

pub(super) async fn gives_anything(db: &mut Db<'_>, group: GroupId) -> Result<bool> {
    Ok(fetch_one!(db, (i64,), GIVES_ANYTHING, group)?.0 > 0)
}

pub(super) async fn signed_in_by_group(db: &mut Db<'_>, group: GroupId) -> Result<Vec<(UserId, ProductId)>> {
    fetch_all!(db, (UserId, ProductId), SIGNED_IN_BY_GROUP, group)
}

pub(super) async fn signed_in_by_member(
    db: &mut Db<'_>,
    group: GroupId,
    member: Uuid,
) -> Result<Vec<(UserId, ProductId)>> {
    fetch_all!(db, (UserId, ProductId), SIGNED_IN_BY_MEMBER, group, member)
}

pub(super) async fn signed_in(db: &mut Db<'_>, user: UserId) -> Result<Vec<(UserId, ProductId)>> {
    fetch_all!(db, (UserId, ProductId), SIGNED_IN, user)
}
