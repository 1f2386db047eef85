//! Lists over one resource type or several (RFC 7644 §3.4.2, §3.4.3; RFC 9865).
//!
//! A request becomes a [`plan::Plan`] for each type. Without `sortBy` the types follow one another, with it
//! they are one list. Pages are asked for by index, or by cursor ([`cursor`]), whose pages cost the same
//! however deep they lie.
//!
//! Invariants: what no index bounds runs in a reader of its own with a deadline, a few at once, so that it
//! makes neither the writer nor other tenants wait; a page without a next cursor is the last.

mod cursor;
mod order;
mod plan;
mod rows;

use axum::response::Response;
use serde_json::Value;

pub use cursor::LIFE as CURSOR_LIFE;
pub(in crate::scim) use rows::Rows;

use self::{
    cursor::Position,
    plan::{Budget, Match, Plan, Rest, Stretch},
};
use super::{
    answer::{Answer, Fault},
    call::Call,
    custom,
    error::Refusal,
    groups,
    list::{self, Asked, Wanted},
    users,
};
use crate::{
    search::Place,
    store::{Db, Error},
};

/// How deep a sorted list over several types can be entered by index; a cursor goes further.
const DEEPEST: i64 = 10_000;

/// Runs `$body` with `$rows` as the rows of that resource type.
macro_rules! with_rows {
    ($kind:expr, $rows:ident => $body:expr) => {
        match $kind.name.as_str() {
            "Group" => {
                type $rows = groups::Listed;
                $body
            }
            "User" => {
                type $rows = users::Listed;
                $body
            }
            _ => {
                type $rows = custom::Listed;
                $body
            }
        }
    };
}

/// Where a request says what it wants.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    Query,
    Body,
}

/// `POST /.search`
pub async fn everywhere(call: Call) -> Response {
    call.finish(listed_everywhere(&call, Source::Body).await).await
}

/// `GET /` (RFC 7644 §3.4.2.1)
pub async fn root(call: Call) -> Response {
    call.finish(listed_everywhere(&call, Source::Query).await).await
}

async fn listed_everywhere(call: &Call, source: Source) -> Result<Answer, Fault> {
    let types: Vec<&str> = call.registry()?.resource_types().iter().map(|kind| kind.name.as_str()).collect();
    listed(call, &types, source).await
}

/// What a list request of these types finds. A filter need be understood by one of them only: an
/// attribute that a type does not have is unassigned in it.
pub async fn listed(call: &Call, types: &[&str], source: Source) -> Result<Answer, Fault> {
    answered(call, types, source).await.map_err(|fault| match fault {
        Fault::Store(Error::Deadline) => Refusal::TooMany.into(),
        fault => fault,
    })
}

async fn answered(call: &Call, types: &[&str], source: Source) -> Result<Answer, Fault> {
    let asked = match source {
        Source::Query => Asked::from_query(call)?,
        Source::Body => Asked::from_body(&call.json()?)?,
    };
    let mut plans = plans(call, types, &asked)?;
    let limit = call.app.config.scim.filter;
    let budget = Budget::of(limit);
    let is_quick = plans.iter().all(Plan::is_quick);
    let _turn = if is_quick { None } else { Some(call.scan(limit).await?) };
    let mut db = match is_quick {
        true => call.app.store.reader().await?,
        false => call.app.store.reader_within(limit).await?,
    };
    for plan in &mut plans {
        with_rows!(plan.kind, R => plan.settle::<R>(&mut db).await)?;
    }
    let lists = Lists { call, plans: &plans, budget, merged: asked.sort_by.is_some() && plans.len() > 1 };
    let Some(text) = &asked.cursor else {
        let (total, shown) = lists.page(&mut db, asked.start_index - 1, asked.count).await?;
        return Ok(Answer::of(list::indexed(shown, total, asked.start_index)));
    };
    let position = cursor::read(call, types, &asked, text)?;
    let (shown, next, total) = lists.continued(&mut db, position, asked.count).await?;
    let next = next.and_then(|position| cursor::write(call, types, &asked, Position { total, ..position }));
    Ok(Answer::of(list::continued(shown, total, next)))
}

fn plans<'c>(call: &'c Call, types: &[&str], asked: &Asked) -> Result<Vec<Plan<'c>>, Refusal> {
    let mut plans = Vec::new();
    let mut refusal = None;
    for name in types {
        let kind = call.resource_type(name)?;
        match Wanted::of(asked, call, kind) {
            Ok(wanted) => plans.push(with_rows!(kind, R => Plan::of::<R>(call, kind, wanted, asked.descending))),
            Err(Refusal::Filter { at, expected }) => refusal = Some(Refusal::Filter { at, expected }),
            Err(refusal) => return Err(refusal),
        }
    }
    if plans.is_empty() {
        return Err(refusal.unwrap_or(Refusal::NotFound));
    }
    match &asked.sort_by {
        Some(name) if plans.iter().all(|plan| plan.wanted.sort_by.is_none()) => Err(Refusal::Path(name.clone())),
        _ => Ok(plans),
    }
}

/// The lists of a request's types, one behind the other or merged into one.
struct Lists<'p> {
    call: &'p Call,
    plans: &'p [Plan<'p>],
    budget: Budget,
    merged: bool,
}

impl Lists<'_> {
    /// The total, and a page by index.
    async fn page(&self, db: &mut Db<'_>, offset: i64, count: i64) -> Result<(i64, Vec<Value>), Fault> {
        if self.merged {
            return self.merged_page(db, offset, count).await;
        }
        let (mut total, mut shown) = (0, Vec::new());
        for plan in self.plans {
            // The page begins in this type, or in a later one.
            let offset = (offset - total).max(0);
            let left = count - i64::try_from(shown.len()).unwrap_or(count);
            let (found, page) =
                with_rows!(plan.kind, R => plan.page::<R>(db, self.call, self.budget, (offset, left)).await)?;
            total += found;
            shown.extend(page);
        }
        Ok((total, shown))
    }

    async fn merged_page(&self, db: &mut Db<'_>, offset: i64, count: i64) -> Result<(i64, Vec<Value>), Fault> {
        if offset.saturating_add(count) > DEEPEST {
            return Err(Refusal::TooMany.into());
        }
        let (merged, totals) = self.merge(db, None, offset + count).await?;
        let mut total = 0;
        for (plan, known) in self.plans.iter().zip(totals) {
            total += match known {
                Some(total) => total,
                None if plan.knows_total() => with_rows!(plan.kind, R => plan.total::<R>(db, self.call).await)?,
                None => return Err(Refusal::TooMany.into()),
            };
        }
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        let page = merged.matches.into_iter().skip(skipped).collect();
        Ok((total, self.show_merged(db, page).await?))
    }

    /// What lies behind a position, the next one if there is more, and the total if it is known.
    async fn continued(
        &self,
        db: &mut Db<'_>,
        position: Position,
        count: i64,
    ) -> Result<(Vec<Value>, Option<Position>, Option<i64>), Fault> {
        let is_first = position.place.is_none() && position.kind == 0;
        let (shown, next, known) = if self.merged {
            let (merged, totals) = self.merge(db, position.place, count).await?;
            let next = match merged.rest {
                Rest::Nothing => None,
                Rest::Behind(place) => Some(Position { place, ..Position::default() }),
            };
            (self.show_merged(db, merged.matches).await?, next, totals)
        } else {
            self.sequence(db, &position, count).await?
        };
        let total = if is_first { self.first_total(db, &known).await? } else { position.total };
        Ok((shown, next, total))
    }

    /// One type behind the other. A type that ends with the page is looked beyond: only the last page of
    /// all has no next one.
    async fn sequence(
        &self,
        db: &mut Db<'_>,
        position: &Position,
        count: i64,
    ) -> Result<(Vec<Value>, Option<Position>, Vec<Option<i64>>), Fault> {
        let (mut shown, mut place) = (Vec::new(), position.place.clone());
        let mut known = vec![None; self.plans.len()];
        for (kind, plan) in self.plans.iter().enumerate().skip(position.kind) {
            let left = count - i64::try_from(shown.len()).unwrap_or(count);
            let behind = (place.take(), left);
            let stretch = with_rows!(plan.kind, R => plan.after::<R>(db, self.call, self.budget, behind).await)?;
            known[kind] = stretch.total;
            shown.extend(with_rows!(plan.kind, R => plan.shown::<R>(db, self.call, stretch.matches).await)?);
            if let Rest::Behind(place) = stretch.rest {
                return Ok((shown, Some(Position { kind, place, total: None }), known));
            }
        }
        Ok((shown, None, known))
    }

    /// The first `count` of all types behind a place, in one order. Each match keeps its type's number.
    async fn merge(
        &self,
        db: &mut Db<'_>,
        after: Option<Place>,
        count: i64,
    ) -> Result<(Merged, Vec<Option<i64>>), Fault> {
        let descending = self.plans.iter().any(|plan| plan.descending);
        let (mut all, mut totals, mut reached, mut more) = (Vec::new(), Vec::new(), None::<Place>, false);
        for (kind, plan) in self.plans.iter().enumerate() {
            let behind = (after.clone(), count);
            let Stretch { matches, rest, total } =
                with_rows!(plan.kind, R => plan.after::<R>(db, self.call, self.budget, behind).await)?;
            all.extend(matches.into_iter().map(|found| (kind, found)));
            totals.push(total);
            if let Rest::Behind(place) = rest {
                more = true;
                // Beyond the nearest end of what was looked at, the order is not known.
                reached = match (reached, place) {
                    (Some(a), Some(b)) if order::compare(&a, &b, descending).is_gt() => Some(b),
                    (None, place) => place,
                    (reached, _) => reached,
                };
            }
        }
        all.sort_by(|(_, a), (_, b)| order::compare(&a.place, &b.place, descending));
        if let Some(reached) = &reached {
            all.retain(|(_, found)| order::compare(&found.place, reached, descending).is_le());
        }
        let wanted = usize::try_from(count).unwrap_or_default();
        more |= all.len() > wanted;
        all.truncate(wanted);
        let rest = match more {
            false => Rest::Nothing,
            true if all.len() < wanted => Rest::Behind(reached),
            true => Rest::Behind(all.last().map(|(_, last)| last.place.clone()).or(after)),
        };
        Ok((Merged { matches: all, rest }, totals))
    }

    async fn show_merged(&self, db: &mut Db<'_>, matches: Vec<(usize, Match)>) -> Result<Vec<Value>, Fault> {
        let mut shown = Vec::with_capacity(matches.len());
        let mut matches = matches.into_iter().peekable();
        while let Some((kind, first)) = matches.next() {
            let mut run = vec![first];
            while let Some((_, found)) = matches.next_if(|(next, _)| *next == kind) {
                run.push(found);
            }
            let plan = &self.plans[kind];
            shown.extend(with_rows!(plan.kind, R => plan.shown::<R>(db, self.call, run).await)?);
        }
        Ok(shown)
    }

    /// The total for a first page by cursor; `None` where it would take too long (RFC 9865 §2). Asked last,
    /// since a statement that fails ends the reader's transaction.
    async fn first_total(&self, db: &mut Db<'_>, known: &[Option<i64>]) -> Result<Option<i64>, Fault> {
        let mut sum = 0;
        for (place, plan) in self.plans.iter().enumerate() {
            sum += match known.get(place).copied().flatten() {
                Some(total) => total,
                None if plan.knows_total() => match with_rows!(plan.kind, R => plan.total::<R>(db, self.call).await) {
                    Ok(total) => total,
                    Err(Fault::Store(Error::Deadline)) => return Ok(None),
                    Err(fault) => return Err(fault),
                },
                None => return Ok(None),
            };
        }
        Ok(Some(sum))
    }
}

/// Matches of several types in one order, each with its type's number.
struct Merged {
    matches: Vec<(usize, Match)>,
    rest: Rest,
}
