use uuid::Uuid;

use super::{Column, Relation, Value};

/// What must be true of a row. It is true or false of every row, never unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Always,
    Never,
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// The row of that id.
    Id(Uuid),
    /// The row has a value there.
    Present(Column),
    Compare(Column, Comparison, Value),
    /// Some related value, or one that compares so.
    Related(Relation, Option<(Comparison, Value)>),
    /// The row has claimed the value for itself alone (`connections::unique`).
    Claimed {
        attribute: String,
        value: String,
    },
}

/// How a value is compared; null never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Of texts only, and never with an empty one, here and below.
    Contains,
    StartsWith,
    EndsWith,
}

impl Condition {
    /// Both.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Always, condition) | (condition, Self::Always) => condition,
            (Self::All(mut all), Self::All(more)) => {
                all.extend(more);
                Self::All(all)
            }
            (Self::All(mut all), one) | (one, Self::All(mut all)) => {
                all.push(one);
                Self::All(all)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// One of them, or both.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Never, condition) | (condition, Self::Never) => condition,
            (Self::Any(mut any), Self::Any(more)) => {
                any.extend(more);
                Self::Any(any)
            }
            (Self::Any(mut any), one) | (one, Self::Any(mut any)) => {
                any.push(one);
                Self::Any(any)
            }
            (one, other) => Self::Any(vec![one, other]),
        }
    }

    /// The opposite.
    pub fn negated(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(inner) => *inner,
            condition => Self::Not(Box::new(condition)),
        }
    }

    /// The row has a value in the column.
    pub fn present(column: Column) -> Self {
        if column.nullable { Self::Present(column) } else { Self::Always }
    }

    /// The same with some of its parts replaced.
    pub fn mapped(self, replace: &impl Fn(Self) -> Self) -> Self {
        let each = |parts: Vec<Self>| parts.into_iter().map(|part| part.mapped(replace));
        match self {
            Self::All(all) => each(all).fold(Self::Always, Self::and),
            Self::Any(any) => each(any).fold(Self::Never, Self::or),
            Self::Not(inner) => inner.mapped(replace).negated(),
            one => replace(one),
        }
    }

    /// The conditions that are all true of what matches.
    pub fn conjuncts(&self) -> &[Self] {
        match self {
            Self::All(all) => all,
            one => std::slice::from_ref(one),
        }
    }
}
