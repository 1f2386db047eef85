//! What a filter says of rows: the SQL back end's half of the one tree.
//!
//! Columns and relations hold some attributes exactly as filters compare them ([`Held`]); the rest lies in
//! the document, which only [`super::evaluate`] can judge. So a filter becomes two conditions: every row of
//! `least` matches, and every match is a row of `most`. Where they are the same, the database's answer is
//! the answer; elsewhere it narrows what is judged in memory.

use uuid::Uuid;

use super::{Filter, Literal, Operator, evaluate};
use crate::{
    scim::schema::Located,
    search::{Column, Comparison, Condition, Relation, Value},
};

/// How the values of an attribute lie in rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// A text as filters compare it: folded, unless it is exact.
    Text(Column),
    /// Microseconds, of which answers show the milliseconds.
    Instant(Column),
    /// 1 is true, 0 is false.
    Flag(Column),
    /// The row's own id.
    Id,
    /// Texts of several elements, as filters compare them.
    Texts(Relation),
    /// Ids, one of each element, in one relation or several.
    Ids(&'static [Relation]),
    /// A text that is compared exactly, of which the database is asked only whether it is equal.
    Key(Column),
    /// The same in every row.
    Constant(String),
    /// Every row has this value, perhaps among others.
    Includes(String),
    /// Nobody else has an equal one, and the claim of that name says who has.
    Claimed(String),
    /// No column knows.
    Document,
}

/// What a filter says of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    pub least: Condition,
    pub most: Condition,
}

/// Milliseconds and microseconds.
const SHOWN: i64 = 1000;

impl Bounds {
    /// The bounds of a filter over rows that hold attributes as `held` says.
    pub fn of(filter: &Filter<'_>, held: &impl Fn(&Located<'_>) -> Held) -> Self {
        match filter {
            Filter::And(a, b) => {
                let (a, b) = (Self::of(a, held), Self::of(b, held));
                Self { least: a.least.and(b.least), most: a.most.and(b.most) }
            }
            Filter::Or(a, b) => {
                let (a, b) = (Self::of(a, held), Self::of(b, held));
                Self { least: a.least.or(b.least), most: a.most.or(b.most) }
            }
            Filter::Not(inner) => Self::of(inner, held).negated(),
            Filter::Present(located) => present(located, held),
            Filter::Compare(located, Operator::NotEqual, literal) => {
                compare(&held(located), Operator::Equal, literal).negated()
            }
            Filter::Compare(located, operator, literal) => compare(&held(located), *operator, literal),
            Filter::Elements(located, inner) => elements(located, inner, held),
        }
    }

    /// Whether the database's answer is the answer.
    pub fn is_exact(&self) -> bool {
        self.least == self.most
    }

    fn exact(condition: Condition) -> Self {
        Self { least: condition.clone(), most: condition }
    }

    fn unknown() -> Self {
        Self { least: Condition::Never, most: Condition::Always }
    }

    fn negated(self) -> Self {
        Self { least: self.most.negated(), most: self.least.negated() }
    }
}

fn present(located: &Located<'_>, held: &impl Fn(&Located<'_>) -> Held) -> Bounds {
    if located.leaf().is_complex() {
        // Assigned if any part is; an element of ids always has one.
        let parts = located.attribute.sub_attributes.iter().map(|sub| Located { sub: Some(sub), ..*located });
        let parts: Vec<Bounds> = parts.map(|part| present(&part, held)).collect();
        let value = located.attribute.sub("value").map(|sub| held(&Located { sub: Some(sub), ..*located }));
        if let Some(Held::Ids(relations)) = value {
            return Bounds::exact(any(relations, None));
        }
        return parts.into_iter().fold(Bounds::exact(Condition::Never), |all, part| Bounds {
            least: all.least.or(part.least),
            most: all.most.or(part.most),
        });
    }
    match held(located) {
        Held::Text(column) | Held::Key(column) | Held::Instant(column) | Held::Flag(column) => {
            Bounds::exact(Condition::present(column))
        }
        Held::Id | Held::Constant(_) | Held::Includes(_) => Bounds::exact(Condition::Always),
        Held::Texts(relation) => Bounds::exact(Condition::Related(relation, None)),
        Held::Ids(relations) => Bounds::exact(any(relations, None)),
        Held::Claimed(_) | Held::Document => Bounds::unknown(),
    }
}

/// Never called with `ne`, which is the opposite of `eq`.
fn compare(held: &Held, operator: Operator, literal: &Literal) -> Bounds {
    if *literal == Literal::Null {
        return match held {
            Held::Text(column) | Held::Key(column) | Held::Instant(column) | Held::Flag(column) => {
                Bounds::exact(Condition::present(*column)).negated()
            }
            Held::Texts(relation) => Bounds::exact(Condition::Related(*relation, None)).negated(),
            Held::Ids(relations) => Bounds::exact(any(relations, None)).negated(),
            Held::Id | Held::Constant(_) | Held::Includes(_) => Bounds::exact(Condition::Never),
            Held::Claimed(_) | Held::Document => Bounds::unknown(),
        };
    }
    match (held, literal) {
        (Held::Claimed(attribute), Literal::Exact(text) | Literal::Text(text)) if operator == Operator::Equal => {
            let (attribute, value) = (attribute.clone(), text.clone());
            let claimed = Condition::Claimed { attribute, value };
            Bounds::exact(if text.contains('\0') { Condition::Never } else { claimed })
        }
        (Held::Text(column), Literal::Exact(text) | Literal::Text(text)) => {
            let part = |part| match part {
                Part::Some(comparison, value) => Condition::Compare(*column, comparison, value),
                Part::Any => Condition::present(*column),
                Part::None => Condition::Never,
            };
            text_part(operator, text).map_or_else(Bounds::unknown, |found| Bounds::exact(part(found)))
        }
        (Held::Texts(relation), Literal::Exact(text) | Literal::Text(text)) => {
            let part = |part| match part {
                Part::Some(comparison, value) => Condition::Related(*relation, Some((comparison, value))),
                Part::Any => Condition::Related(*relation, None),
                Part::None => Condition::Never,
            };
            text_part(operator, text).map_or_else(Bounds::unknown, |found| Bounds::exact(part(found)))
        }
        (Held::Id, Literal::Exact(text)) if operator == Operator::Equal => {
            Bounds::exact(id(text).map_or(Condition::Never, Condition::Id))
        }
        (Held::Ids(relations), Literal::Exact(text)) if operator == Operator::Equal => {
            Bounds::exact(id(text).map_or(Condition::Never, |id| any(relations, Some(id))))
        }
        (Held::Key(column), Literal::Exact(text)) if operator == Operator::Equal => {
            let equal = Condition::Compare(*column, Comparison::Equal, Value::Text(text.clone()));
            Bounds::exact(if text.contains('\0') { Condition::Never } else { equal })
        }
        (Held::Instant(column), Literal::Instant(instant)) => Bounds::exact(instant_part(*column, operator, *instant)),
        (Held::Flag(column), Literal::Boolean(flag)) if operator == Operator::Equal => {
            Bounds::exact(Condition::Compare(*column, Comparison::Equal, Value::Number(i64::from(*flag))))
        }
        (Held::Constant(text), literal) => {
            let is_so = evaluate::compare(&serde_json::Value::from(text.as_str()), operator, literal);
            Bounds::exact(if is_so { Condition::Always } else { Condition::Never })
        }
        (Held::Includes(text), literal)
            if evaluate::compare(&serde_json::Value::from(text.as_str()), operator, literal) =>
        {
            Bounds::exact(Condition::Always)
        }
        _ => Bounds::unknown(),
    }
}

enum Part {
    Some(Comparison, Value),
    /// Every value compares so.
    Any,
    /// No value does.
    None,
}

/// `None` where the database cannot tell.
fn text_part(operator: Operator, text: &str) -> Option<Part> {
    let is_part = matches!(operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith);
    if text.contains('\0') {
        // PostgreSQL cannot even be asked; no stored text has one.
        return (is_part || operator == Operator::Equal).then_some(Part::None);
    }
    if is_part && text.is_empty() {
        return Some(Part::Any);
    }
    let comparison = match operator {
        Operator::Equal => Comparison::Equal,
        Operator::Contains => Comparison::Contains,
        Operator::StartsWith => Comparison::StartsWith,
        Operator::EndsWith => Comparison::EndsWith,
        Operator::Greater => Comparison::Greater,
        Operator::GreaterOrEqual => Comparison::GreaterOrEqual,
        Operator::Less => Comparison::Less,
        Operator::LessOrEqual => Comparison::LessOrEqual,
        Operator::NotEqual => return None,
    };
    Some(Part::Some(comparison, Value::Text(text.to_owned())))
}

/// Compares what is shown, whole milliseconds, as a range of what is stored.
fn instant_part(column: Column, operator: Operator, instant: i64) -> Condition {
    let floor = instant.div_euclid(SHOWN).saturating_mul(SHOWN);
    let next = floor.saturating_add(SHOWN);
    let ceiling = if floor == instant { floor } else { next };
    let compare = |comparison, bound| Condition::Compare(column, comparison, Value::Number(bound));
    match operator {
        Operator::Greater => compare(Comparison::GreaterOrEqual, next),
        Operator::GreaterOrEqual => compare(Comparison::GreaterOrEqual, ceiling),
        Operator::Less => compare(Comparison::Less, ceiling),
        Operator::LessOrEqual => compare(Comparison::Less, next),
        Operator::Equal if floor == instant => {
            compare(Comparison::GreaterOrEqual, floor).and(compare(Comparison::Less, next))
        }
        _ => Condition::Never,
    }
}

/// Some id, or this one, in one of the relations.
fn any(relations: &[Relation], id: Option<Uuid>) -> Condition {
    let related = |relation: &Relation| Condition::Related(*relation, id.map(|id| (Comparison::Equal, Value::Id(id))));
    relations.iter().map(related).fold(Condition::Never, Condition::or)
}

/// One spelling of an id is an id.
fn id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| id.hyphenated().to_string() == text)
}

/// `attr[filter]`: one element matches the whole. What is said of its value narrows; what is said of its
/// type and the like is in no column.
fn elements(located: &Located<'_>, inner: &Filter<'_>, held: &impl Fn(&Located<'_>) -> Held) -> Bounds {
    let within = |found: &Located<'_>| {
        // Names within brackets are sub-attributes, found without what surrounds them.
        let sub = located.attribute.sub(&found.attribute.name);
        sub.map_or(Held::Document, |sub| held(&Located { sub: Some(sub), ..*located }))
    };
    match inner {
        Filter::Compare(found, operator, literal)
            if *operator != Operator::NotEqual
                && *literal != Literal::Null
                && matches!(within(found), Held::Texts(_) | Held::Ids(_)) =>
        {
            compare(&within(found), *operator, literal)
        }
        inner => Bounds { least: Condition::Never, most: narrowed(inner, &within) },
    }
}

/// What every element that matches must have, said of the row.
fn narrowed(inner: &Filter<'_>, within: &impl Fn(&Located<'_>) -> Held) -> Condition {
    match inner {
        Filter::And(a, b) => narrowed(a, within).and(narrowed(b, within)),
        Filter::Or(a, b) => narrowed(a, within).or(narrowed(b, within)),
        Filter::Compare(located, operator, literal) if *operator != Operator::NotEqual && *literal != Literal::Null => {
            compare(&within(located), *operator, literal).most
        }
        _ => Condition::Always,
    }
}
