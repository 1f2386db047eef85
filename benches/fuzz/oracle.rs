//! A second opinion: scim_v2's parser of filters and paths, which knows the grammar and no schema.

use std::cell::Cell;

use castellan::scim::{Refusal, filter, path, schema::ResourceType};
use scim_v2::filter::{Filter, PatchPath};
use serde_json::Value;

/// How often the two agreed, and how often only we took a text (we are laxer about white space, `$ref`
/// and the like).
#[derive(Default)]
pub struct Oracle {
    both: Cell<u64>,
    ours_only: Cell<u64>,
}

/// Where our parser stops for grammar's sake; it stops elsewhere because the schema says so, or at its limits.
const GRAMMAR: [&str; 8] = [
    "`and`, `or` or the end",
    "`[`",
    "`]`",
    "`)`",
    "`(` after `not`",
    "an attribute, `not` or `(`",
    "an operator such as eq",
    "an operator: eq, ne, co, sw, ew, pr, gt, ge, lt or le",
];

impl Oracle {
    /// What the grammar allows we may refuse because of the schema only, and what both take means the
    /// same: the other's own rendering of it matches what the original matches.
    pub fn filter(&self, kind: &ResourceType, text: &str, samples: &[Value]) -> Result<(), String> {
        let (ours, theirs) = (filter::parse(kind, text), text.parse::<Filter>());
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                count(&self.both);
                let rendered = theirs.to_string();
                let Ok(again) = filter::parse(kind, &rendered) else { return beyond_limits(&rendered) };
                let is_same = samples.iter().all(|sample| ours.matches(sample) == again.matches(sample));
                is_same.then_some(()).ok_or_else(|| format!("means something else than {rendered}"))
            }
            (Ok(_), Err(_)) => {
                count(&self.ours_only);
                Ok(())
            }
            (Err(Refusal::Filter { expected, .. }), Ok(_)) if GRAMMAR.contains(&expected) => {
                Err(format!("refused for {expected}, though the grammar allows it"))
            }
            _ => Ok(()),
        }
    }

    /// Likewise for paths: both read the same attribute.
    pub fn path(&self, kind: &ResourceType, text: &str) -> Result<(), String> {
        let (ours, theirs) = (path::parse(kind, text), text.parse::<PatchPath>());
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else { return Ok(()) };
        count(&self.both);
        let rendered = theirs.to_string();
        let Ok(again) = path::parse(kind, &rendered) else { return beyond_limits(&rendered) };
        let is_same = format!("{ours:?}") == format!("{again:?}");
        is_same.then_some(()).ok_or_else(|| format!("is another path than {rendered}"))
    }

    pub fn report(&self) -> String {
        match (self.both.get(), self.ours_only.get()) {
            (0, 0) => String::new(),
            (both, ours_only) => format!("; with scim_v2: both took {both}, only we {ours_only}"),
        }
    }
}

/// A rendering may be longer or deeper than we take, for its escapes and parentheses.
fn beyond_limits(rendered: &str) -> Result<(), String> {
    let parentheses = rendered.matches(['(', '[']).count();
    if rendered.len() > 3000 || parentheses > 8 { Ok(()) } else { Err(format!("is not read back from {rendered}")) }
}

fn count(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
