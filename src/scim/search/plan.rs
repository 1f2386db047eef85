//! How a list of one resource type is answered: by the database alone where its columns know everything
//! that is asked, else by the database narrowing and this process judging, within a budget of time.

use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

use super::{order, rows::Rows};
use crate::{
    scim::{
        answer::Fault,
        call::Call,
        error::Refusal,
        filter::bounds::{Bounds, Held},
        list::Wanted,
        projection::Selection,
        schema::{Located, ResourceType},
    },
    search::{Condition, Order, Place, Search},
    store::Db,
};

/// How many rows are judged at once.
const BATCH: i64 = 500;
/// So many are read whole at once, before it is known how many there are.
const FEW: i64 = 10;
/// More rows than these are not held at once, for a lookup or to be sorted here.
const MOST_LOOKED_UP: i64 = 1000;
const MOST_SORTED: i64 = 10_000;

/// A list of one resource type.
pub struct Plan<'s> {
    pub kind: &'s ResourceType,
    pub wanted: Wanted<'s>,
    pub descending: bool,
    search: Search,
    /// Whether the search's condition is the whole filter.
    exact: bool,
    /// Whether no column has what is sorted by.
    sorts_here: bool,
}

/// How much time a request has left to look at rows that no index has chosen.
#[derive(Debug, Clone, Copy)]
pub struct Budget(Instant);

impl Budget {
    pub fn of(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    fn is_spent(self) -> bool {
        Instant::now() >= self.0
    }
}

/// A resource that matches, and itself if it has been read already, whole.
pub struct Match {
    pub place: Place,
    resource: Option<Value>,
}

impl Match {
    /// One that is read, in a list without an order of its own.
    fn read(resource: Value) -> Option<Self> {
        Some(Self { place: Place { key: None, id: id_of(&resource)? }, resource: Some(resource) })
    }
}

/// Part of a list, and where it goes on.
pub struct Stretch {
    pub matches: Vec<Match>,
    pub rest: Rest,
    /// How many there are in all, where that has come out by the way.
    pub total: Option<i64>,
}

/// What follows a stretch.
pub enum Rest {
    Nothing,
    /// What lies behind this place, or all if there is none.
    Behind(Option<Place>),
}

impl<'s> Plan<'s> {
    pub fn of<R: Rows>(call: &Call, kind: &'s ResourceType, wanted: Wanted<'s>, descending: bool) -> Self {
        let held = |located: &Located<'_>| R::held(kind, located);
        let bounds = wanted.filter.as_ref().map(|filter| Bounds::of(filter, &held));
        let exact = bounds.as_ref().is_none_or(Bounds::is_exact);
        let (column, sorts_here) = match wanted.sort_by.as_ref().map(held) {
            None | Some(Held::Id | Held::Constant(_)) => (None, false),
            Some(Held::Text(column) | Held::Instant(column) | Held::Flag(column)) => (Some(column), false),
            Some(_) => (None, true),
        };
        let search = Search {
            table: R::TABLE,
            scope: call.connection.id.0,
            kind: R::TABLE.kind.map(|_| kind.name.clone()),
            condition: bounds.map_or(Condition::Always, |bounds| bounds.most),
            order: Order { column, descending },
        };
        Self { kind, wanted, descending, search, exact, sorts_here }
    }

    /// Whether an index bounds what is read, however many resources there are.
    pub fn is_quick(&self) -> bool {
        self.search.is_lookup() || (self.is_plain() && !self.sorts_here)
    }

    /// Asks what the condition depends on, before anything is looked for.
    pub async fn settle<R: Rows>(&mut self, db: &mut Db<'_>) -> Result<(), Fault> {
        let condition = std::mem::replace(&mut self.search.condition, Condition::Always);
        self.search.condition = R::meant(db, condition).await?;
        Ok(())
    }

    fn is_plain(&self) -> bool {
        self.wanted.filter.is_none()
    }

    /// How many resources there are in the list, and those from `offset` on, `count` at most, as they are shown.
    pub async fn page<R: Rows>(
        &self,
        db: &mut Db<'_>,
        call: &Call,
        budget: Budget,
        (offset, count): (i64, i64),
    ) -> Result<(i64, Vec<Value>), Fault> {
        if let Some(matches) = self.collected::<R>(db, call, budget).await? {
            let total = i64::try_from(matches.len()).unwrap_or(i64::MAX);
            let page = matches.into_iter().skip(to_usize(offset)).take(to_usize(count)).collect();
            return Ok((total, self.shown::<R>(db, call, page).await?));
        }
        if !self.exact {
            return self.scanned::<R>(db, call, budget, (offset, count)).await;
        }
        let total = self.total::<R>(db, call).await?;
        let places = self.search.page(db, offset, count).await?;
        Ok((total, self.shown::<R>(db, call, unread(places)).await?))
    }

    /// How many resources there are in the list, where the database knows. May take as long as a scan.
    pub async fn total<R: Rows>(&self, db: &mut Db<'_>, call: &Call) -> Result<i64, Fault> {
        if self.is_plain() {
            return Ok(R::total(db, call, self.kind).await?);
        }
        Ok(self.search.count(db).await?)
    }

    /// Whether [`Plan::total`] says it rightly.
    pub fn knows_total(&self) -> bool {
        self.exact
    }

    /// What lies behind a place, `limit` at most.
    pub async fn after<R: Rows>(
        &self,
        db: &mut Db<'_>,
        call: &Call,
        budget: Budget,
        (after, limit): (Option<Place>, i64),
    ) -> Result<Stretch, Fault> {
        if let Some(matches) = self.collected::<R>(db, call, budget).await? {
            let total = i64::try_from(matches.len()).unwrap_or(i64::MAX);
            let is_behind = |found: &Match| {
                after.as_ref().is_none_or(|after| order::compare(after, &found.place, self.descending).is_lt())
            };
            let behind = matches.into_iter().filter(is_behind).collect();
            return Ok(Stretch { total: Some(total), ..cut(behind, limit, after) });
        }
        if self.exact {
            let places = self.search.after(db, after.as_ref(), limit + 1).await?;
            return Ok(cut(unread(places), limit, after));
        }
        let mut found: Vec<Match> = Vec::new();
        let mut reached = after.clone();
        loop {
            let places = self.search.after(db, reached.as_ref(), BATCH).await?;
            let is_last = places.len() < to_usize(BATCH);
            reached = places.last().cloned().or(reached);
            found.extend(self.judged::<R>(db, call, places, false).await?);
            if is_last || found.len() > to_usize(limit) {
                return Ok(cut(found, limit, after));
            }
            if budget.is_spent() {
                // RFC 9865 §2: a page may be smaller than it could be, as long as it says that more follow.
                return Ok(Stretch { matches: found, rest: Rest::Behind(reached), total: None });
            }
        }
    }

    /// Matches as the request wants to see them.
    pub async fn shown<R: Rows>(&self, db: &mut Db<'_>, call: &Call, matches: Vec<Match>) -> Result<Vec<Value>, Fault> {
        let selection = &self.wanted.selection;
        let missing: Vec<Uuid> =
            matches.iter().filter(|found| found.resource.is_none()).map(|found| found.place.id).collect();
        let mut read = Vec::new();
        if !missing.is_empty() {
            read = R::resources(db, call, self.kind, selection, &missing).await?;
        }
        let mut read = read.into_iter().peekable();
        let mut shown = Vec::with_capacity(matches.len());
        for found in matches {
            let resource = match found.resource {
                Some(resource) => Some(resource),
                // Who is gone meanwhile was left out.
                None => read.next_if(|resource| id_of(resource) == Some(found.place.id)),
            };
            shown.extend(resource.map(|resource| selection.project(self.kind, resource)));
        }
        Ok(shown)
    }

    /// All that match, in order, where they are few enough to be held; `None` where the database is to page.
    async fn collected<R: Rows>(
        &self,
        db: &mut Db<'_>,
        call: &Call,
        budget: Budget,
    ) -> Result<Option<Vec<Match>>, Fault> {
        let most = match (self.sorts_here, self.search.is_lookup()) {
            (true, _) => MOST_SORTED,
            (false, true) => MOST_LOOKED_UP,
            (false, false) => return Ok(None),
        };
        if self.exact && !self.sorts_here {
            let few = (&self.search, FEW);
            if let Some(found) = R::few(db, call, self.kind, &self.wanted.selection, few).await? {
                return Ok(Some(found.into_iter().filter_map(Match::read).collect()));
            }
        }
        let places = self.search.page(db, 0, most + 1).await?;
        if places.len() > to_usize(most) {
            return if self.sorts_here { Err(Refusal::TooMany.into()) } else { Ok(None) };
        }
        if self.exact && !self.sorts_here {
            return Ok(Some(unread(places)));
        }
        let mut found = Vec::new();
        for batch in places.chunks(to_usize(BATCH)) {
            found.extend(self.judged::<R>(db, call, batch.to_vec(), !self.sorts_here).await?);
            if self.sorts_here && budget.is_spent() {
                return Err(Refusal::TooMany.into());
            }
        }
        if self.sorts_here {
            found.sort_by(|a, b| order::compare(&a.place, &b.place, self.descending));
        }
        Ok(Some(found))
    }

    /// Counts and finds by judging every row that the database could not rule out.
    async fn scanned<R: Rows>(
        &self,
        db: &mut Db<'_>,
        call: &Call,
        budget: Budget,
        (offset, count): (i64, i64),
    ) -> Result<(i64, Vec<Value>), Fault> {
        let (mut total, mut page) = (0, Vec::new());
        let mut reached = None;
        loop {
            if budget.is_spent() {
                return Err(Refusal::TooMany.into());
            }
            let places = self.search.after(db, reached.as_ref(), BATCH).await?;
            let is_last = places.len() < to_usize(BATCH);
            reached = places.last().cloned();
            for found in self.judged::<R>(db, call, places, false).await? {
                if total >= offset && total - offset < count {
                    page.push(found);
                }
                total += 1;
            }
            if is_last {
                return Ok((total, self.shown::<R>(db, call, page).await?));
            }
        }
    }

    /// Those that match the whole filter. They keep what was read of them if it is all that is shown.
    async fn judged<R: Rows>(
        &self,
        db: &mut Db<'_>,
        call: &Call,
        places: Vec<Place>,
        for_show: bool,
    ) -> Result<Vec<Match>, Fault> {
        let filter = self.wanted.filter.as_ref();
        let is_judged = |heavy: &Located<'_>| {
            filter.is_some_and(|filter| filter.depends_on(heavy))
                || self.wanted.sort_by.is_some_and(|located| located.is_of(heavy))
        };
        let is_shown = |heavy: &Located<'_>| self.wanted.selection.keeps(heavy);
        let is_read = |heavy: &Located<'_>| is_judged(heavy) || (for_show && is_shown(heavy));
        let heavy: Vec<Located<'_>> = self.kind.located().filter(R::is_heavy).collect();
        let selection = Selection::of(heavy.iter().filter(|heavy| is_read(heavy)));
        // Thousands of whole resources are not kept for the sake of a page.
        let keeps = !self.sorts_here && heavy.iter().all(|heavy| is_read(heavy) == is_shown(heavy));
        let ids: Vec<Uuid> = places.iter().map(|place| place.id).collect();
        let resources = R::resources(db, call, self.kind, &selection, &ids).await?;
        let mut places = places.into_iter();
        let mut found = Vec::new();
        for resource in resources {
            let id = id_of(&resource);
            let Some(mut place) = places.find(|place| Some(place.id) == id) else { continue };
            if let Some(sort_by) = self.wanted.sort_by.as_ref().filter(|_| self.sorts_here) {
                place.key = order::key(sort_by, &resource);
            }
            if filter.is_none_or(|filter| filter.matches(&resource)) {
                found.push(Match { place, resource: keeps.then_some(resource) });
            }
        }
        Ok(found)
    }
}

/// The first `limit`, and whether there are more.
fn cut(mut matches: Vec<Match>, limit: i64, after: Option<Place>) -> Stretch {
    let rest = if matches.len() > to_usize(limit) {
        matches.truncate(to_usize(limit));
        Rest::Behind(matches.last().map(|last| last.place.clone()).or(after))
    } else {
        Rest::Nothing
    };
    Stretch { matches, rest, total: None }
}

fn unread(places: Vec<Place>) -> Vec<Match> {
    places.into_iter().map(|place| Match { place, resource: None }).collect()
}

fn id_of(resource: &Value) -> Option<Uuid> {
    resource.get("id")?.as_str()?.parse().ok()
}

fn to_usize(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}
