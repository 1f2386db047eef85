//! Filters (RFC 7644 §3.4.2.2, figure 1): parsed against the schema into one tree.
//!
//! Attributes are resolved and literals checked while parsing, so that a tree has a meaning for sure:
//! an unknown attribute is refused, it never matches everything. Length, terms and depth are limited
//! before any work is done. The tree has two back ends: [`evaluate`] answers whether a resource matches,
//! [`bounds`] which rows may match at all, as a condition of [`crate::search`]; a property test holds them
//! together.
//!
//! One choice: `ne` is the opposite of `eq`, also for lists. Forms beyond the grammar, which Entra ID
//! sends, are [`super::quirks`]' to rewrite.

pub mod bounds;
mod evaluate;
mod lexer;
mod parse;

use serde_json::Value;

pub(super) use lexer::{Lexer, Token};
pub use parse::{parse, parse_elements};

use super::{attribute::Returned, schema::Located};

/// The longest filter in bytes.
pub(super) const LONGEST: usize = 4096;
/// The most comparisons.
const MOST_TERMS: usize = 100;
/// The deepest nesting of parentheses, brackets and `not`.
const DEEPEST: usize = 20;

/// A filter over resources, or over the elements of one attribute.
#[derive(Debug, Clone)]
pub enum Filter<'s> {
    And(Box<Filter<'s>>, Box<Filter<'s>>),
    Or(Box<Filter<'s>>, Box<Filter<'s>>),
    Not(Box<Filter<'s>>),
    /// `attr pr`
    Present(Located<'s>),
    /// `attr op value`
    Compare(Located<'s>, Operator, Literal),
    /// `attr[filter]`: one element matches the whole of it.
    Elements(Located<'s>, Box<Filter<'s>>),
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What it is compared with, already of the attribute's type.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Compared exactly.
    Exact(String),
    /// Folded.
    Text(String),
    Boolean(bool),
    Number(f64),
    /// Microseconds since the epoch.
    Instant(i64),
    Null,
}

impl Filter<'_> {
    /// The equal comparisons that are all true of what matches: what an element must be made of.
    pub fn equalities(&self) -> Vec<(&Located<'_>, &Literal)> {
        match self {
            Self::And(a, b) => [a.equalities(), b.equalities()].concat(),
            Self::Compare(located, Operator::Equal, literal) => vec![(located, literal)],
            _ => Vec::new(),
        }
    }

    /// Whether any comparison is about that attribute. `schemas` tells of the extensions that a client gets.
    pub fn depends_on(&self, attribute: &Located<'_>) -> bool {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.depends_on(attribute) || b.depends_on(attribute),
            Self::Not(inner) => inner.depends_on(attribute),
            Self::Present(located) | Self::Compare(located, ..) | Self::Elements(located, _) => {
                let is_told = attribute.extension.is_some() && attribute.attribute.returned == Returned::Default;
                located.is_of(attribute)
                    || (is_told && located.extension.is_none() && located.attribute.name == "schemas")
            }
        }
    }

    /// Whether the resource, or the element, matches.
    pub fn matches(&self, value: &Value) -> bool {
        evaluate::matches(self, value)
    }
}
