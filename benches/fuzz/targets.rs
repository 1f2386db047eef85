//! The four targets and their laws.

use anyhow::{Context, Result, bail};
use castellan::{
    connections::Vendor,
    scim::{
        Refusal, Registry, filter,
        patch::{self, Kind, Operation},
        path,
        quirks::Quirks,
        schema::ResourceType,
        value,
    },
};
use proptest::test_runner::TestRng;
use serde_json::{Map, Value, json};

use crate::{corpus, mutate, oracle::Oracle};

pub const NAMES: [&str; 4] = ["filter", "path", "patch", "resource"];

/// What came of an input; the text tells kinds of outcomes apart.
pub enum Outcome {
    Taken(String),
    Refused(String),
    /// A law does not hold.
    Broken(String),
}

/// Something that reads what clients send.
pub struct Target {
    name: &'static str,
    registry: Registry,
    pub corpus: Vec<String>,
    pub oracle: Oracle,
    samples: Vec<Value>,
    quirks: Quirks,
}

impl Target {
    pub fn new(name: &str) -> Result<Self> {
        let name = NAMES.into_iter().find(|known| *known == name).context("a target")?;
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let bodies = |bodies: Vec<Value>| bodies.iter().map(Value::to_string).collect();
        let corpus = match name {
            "filter" => texts(corpus::FILTERS),
            "path" => texts(corpus::PATHS),
            "patch" => bodies(corpus::patches()),
            "resource" => bodies(corpus::resources()),
            _ => bail!("no corpus"),
        };
        let samples = vec![corpus::alice(), json!({ "userName": "x", "active": false }), json!({})];
        let quirks = Quirks::new(Vendor::Entra, false);
        Ok(Self { name, registry: Registry::load(None)?, corpus, oracle: Oracle::default(), samples, quirks })
    }

    pub fn input(&self, random: &mut TestRng) -> String {
        match self.name {
            "filter" | "path" => mutate::text(random, &self.corpus),
            _ => mutate::json_text(random, &self.corpus),
        }
    }

    pub fn run(&self, input: &str) -> Outcome {
        let Some(user) = self.registry.resource_type("User") else { return Outcome::Broken("no users".to_owned()) };
        let outcome = match self.name {
            "filter" => self.filter(user, input),
            "path" => self.path(user, input),
            "patch" => self.patch(user, input),
            _ => self.resource(user, input),
        };
        outcome.unwrap_or_else(Outcome::Broken)
    }

    /// The grammar's filters are not rewritten; each matches or does not, and its negation is the opposite.
    fn filter(&self, user: &ResourceType, text: &str) -> Result<Outcome, String> {
        self.oracle.filter(user, text, &self.samples)?;
        let standard = self.quirks.filter(user, text);
        if filter::parse(user, text).is_ok() && standard != text {
            return Err(format!("rewritten to {standard}"));
        }
        let read = match filter::parse(user, &standard) {
            Ok(read) => read,
            Err(refusal) => return Ok(refused(&refusal)),
        };
        let matched: Vec<bool> = self.samples.iter().map(|sample| read.matches(sample)).collect();
        if let Ok(negated) = filter::parse(user, &format!("not ({standard})")) {
            let opposite =
                self.samples.iter().zip(&matched).all(|(sample, matched)| negated.matches(sample) != *matched);
            if !opposite {
                return Err("its negation is not the opposite".to_owned());
            }
        }
        Ok(Outcome::Taken(format!("{matched:?} {} {}", read.equalities().len(), standard == text)))
    }

    /// What a path means does not change by reading it as the quirks write it.
    fn path(&self, user: &ResourceType, text: &str) -> Result<Outcome, String> {
        self.oracle.path(user, text)?;
        let body = json!({ "Operations": [{ "op": "remove", "path": text }] });
        let operations = self.quirks.operations(user, &body).map(|read| read.value);
        let rewritten = operations.ok().and_then(|mut operations| operations.pop()?.path);
        let read = path::parse(user, text);
        if let (Ok(read), Some(rewritten)) = (&read, &rewritten) {
            let again = path::parse(user, rewritten).map_err(|refusal| format!("{refusal} after {rewritten}"))?;
            if format!("{read:?}") != format!("{again:?}") {
                return Err(format!("rewritten to {rewritten}"));
            }
        }
        Ok(match read {
            Ok(path::Path::Attribute { located, filter }) => {
                Outcome::Taken(format!("{} {} {}", located.name(), filter.is_some(), located.extension.is_some()))
            }
            Ok(path) => Outcome::Taken(format!("{path:?}")),
            Err(refusal) => refused(&refusal),
        })
    }

    /// What a PATCH leaves is a canonical resource with all that is required, and patching it by itself
    /// changes nothing.
    fn patch(&self, user: &ResourceType, text: &str) -> Result<Outcome, String> {
        let Ok(body) = serde_json::from_str::<Value>(text) else { return Ok(Outcome::Refused("no JSON".to_owned())) };
        let operations = match self.quirks.operations(user, &body) {
            Ok(read) => read.value,
            Err(refusal) => return Ok(refused(&refusal)),
        };
        let Value::Object(before) = corpus::alice() else { return Err("no alice".to_owned()) };
        let after = match patch::apply(user, &before, &operations, self.quirks.unknown()) {
            Ok(after) => after,
            Err(refusal) => return Ok(refused(&refusal)),
        };
        self.is_resource(user, &after)?;
        Ok(Outcome::Taken(format!("{:?}", value::differences(&before, &after).keys().collect::<Vec<_>>())))
    }

    /// What POST or PUT sets is canonical, and sending that again sets the same.
    fn resource(&self, user: &ResourceType, text: &str) -> Result<Outcome, String> {
        let Ok(body) = serde_json::from_str::<Value>(text) else { return Ok(Outcome::Refused("no JSON".to_owned())) };
        let read = match self.quirks.resource(user, body) {
            Ok(read) => read,
            Err(refusal) => return Ok(refused(&refusal)),
        };
        self.is_resource(user, &read.value)?;
        Ok(Outcome::Taken(format!("{:?} {}", read.value.keys().collect::<Vec<_>>(), read.warnings.len())))
    }

    fn is_resource(&self, user: &ResourceType, resource: &Map<String, Value>) -> Result<(), String> {
        let whole = Value::Object(resource.clone());
        if !is_canonical(&whole) {
            return Err(format!("not canonical: {whole}"));
        }
        let again = value::resource(user, &whole, value::Unknown::Refuse);
        if again.as_ref() != Ok(resource) {
            return Err(format!("read again it is {again:?}, not {whole}"));
        }
        let itself = [Operation { kind: Kind::Replace, path: None, value: whole.clone() }];
        let patched = patch::apply(user, resource, &itself, value::Unknown::Refuse);
        let is_same = patched.as_ref() == Ok(resource);
        is_same.then_some(()).ok_or_else(|| format!("patched by itself it is {patched:?}, not {whole}"))
    }
}

/// Nothing unassigned is written, and at most one value of a list is primary.
fn is_canonical(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => {
            !elements.is_empty()
                && elements.iter().all(is_canonical)
                && elements.iter().filter(|element| value::is_primary(element)).count() <= 1
        }
        Value::Object(members) => !members.is_empty() && members.values().all(is_canonical),
        _ => true,
    }
}

/// Refusals of one kind are one outcome.
fn refused(refusal: &Refusal) -> Outcome {
    let kind = match refusal {
        Refusal::Filter { expected, .. } => (*expected).to_owned(),
        Refusal::Value(name, expected) | Refusal::Mutability(name, expected) => format!("{name} {expected}"),
        Refusal::Required(name) => name.clone(),
        Refusal::Syntax(what) => (*what).to_owned(),
        refusal => refusal.scim_type().unwrap_or_default().to_owned(),
    };
    Outcome::Refused(kind)
}
