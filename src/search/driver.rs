//! Which index leads to the rows of a condition.

use super::{Column, Comparison, Condition, Order, Relation, Table, Value};

/// By which index rows are found.
pub(super) enum Driver<'c> {
    /// The table's own, or a column's.
    Index(&'static str),
    /// Rows of a relation with that value.
    Relation(&'c Relation, &'c Value),
    /// The one row that has claimed a value.
    Claim(&'c str, &'c str),
    /// Rows that one of several lookups finds.
    Union(&'c [Condition]),
}

/// Whether an equal comparison on an index bounds what is read.
pub(super) fn is_lookup(condition: &Condition) -> bool {
    condition.conjuncts().iter().any(|condition| rank(condition) <= UNION)
}

/// How surely a condition leads to few rows; less is better.
const EQUAL: u8 = 0;
const RELATED: u8 = 1;
const UNION: u8 = 2;
const RANGE: u8 = 3;
const PART: u8 = 4;
const NOTHING: u8 = 5;

fn rank(condition: &Condition) -> u8 {
    match condition {
        Condition::Id(_) | Condition::Claimed { .. } => EQUAL,
        Condition::Related(_, Some((Comparison::Equal, _))) => RELATED,
        Condition::Any(branches) if branches.iter().all(is_lookup) => UNION,
        Condition::Compare(Column { index: Some(_), .. }, comparison, _) => match comparison {
            Comparison::Equal => EQUAL,
            Comparison::Contains | Comparison::EndsWith => PART,
            _ => RANGE,
        },
        _ => NOTHING,
    }
}

/// The best index for a condition, or else the one that has the rows in the wanted order.
pub(super) fn driver<'c>(table: &Table, condition: &'c Condition, order: Order) -> Driver<'c> {
    let ordered = order.column.and_then(|column| column.index);
    let best = condition.conjuncts().iter().min_by_key(|condition| rank(condition));
    match best.map(|best| (rank(best), best)) {
        Some((EQUAL | RANGE, Condition::Compare(Column { index: Some(index), .. }, ..))) => Driver::Index(index),
        Some((_, Condition::Related(relation, Some((Comparison::Equal, value))))) => Driver::Relation(relation, value),
        Some((_, Condition::Claimed { attribute, value })) => Driver::Claim(attribute, value),
        Some((UNION, Condition::Any(branches))) => Driver::Union(branches),
        // The whole of an index is read, which is at least smaller than the table.
        Some((PART, Condition::Compare(Column { index: Some(index), .. }, ..))) if ordered.is_none() => {
            Driver::Index(index)
        }
        _ => Driver::Index(ordered.unwrap_or(table.index)),
    }
}
