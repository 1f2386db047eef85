//! What real clients send instead of what the standard says, turned into the standard's form before
//! the engine sees it.
//!
//! The engine ([`super::value`], [`super::patch`], [`super::filter`]) knows RFC 7643 and RFC 7644 only.
//! A habit that cannot be mistaken for anything else is understood whoever has it, since people choose
//! "other" for Entra ID and tools borrow each other's templates; one that gives a standard request
//! another meaning needs the connection's vendor, or a request that could be nobody else's.
//!
//! | habit | whose | understood from | in |
//! | --- | --- | --- | --- |
//! | booleans as text, a reference as bare text, a list around one object | Entra ID, Saviynt | anybody | [`entra`] |
//! | a role's document as JSON inside a string | Entra ID | anybody | [`entra`] |
//! | `emails[type eq "work"].value eq`, `"True"`, `True` in filters and paths | Entra ID | anybody, unless strict | [`entra_filter`] |
//! | `replace` of `emails[type eq "work"].value` where there is none | Entra ID | its connections, and a capital `Replace` | [`entra`] |
//! | misspelt and Microsoft's own schema URNs | Entra ID | anybody | [`entra`] |
//! | URNs of before RFC 7643 | OneLogin | anybody | [`onelogin`] |
//! | members to remove as the operation's value | Entra ID, JumpCloud | anybody | [`jumpcloud`] |
//! | a placeholder for a password | Okta | its connections | [`okta`] |
//!
//! Op names and members' names compare without case in [`super::patch`] and [`super::value`]: RFC 7643
//! §2.1 has it so for names, and for ops nothing is lost. An answer has no quirks: every vendor takes
//! the standard's.

mod entra;
mod entra_filter;
mod jumpcloud;
mod okta;
mod onelogin;

pub use okta::PASSWORD_LEFT_OUT;

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    attribute::Attribute,
    error::Refusal,
    patch::{Kind, Operation, Operations},
    path::{self, Path},
    schema::{Located, ResourceType},
    value::{self, Unknown},
};
use crate::connections::{Connection, Vendor};

/// Whose habits to expect, from a connection's settings.
#[derive(Debug, Clone, Copy)]
pub struct Quirks {
    vendor: Vendor,
    strict: bool,
}

/// What a request says, and what of it was left out: the provisioning log tells the administrator.
#[derive(Debug)]
pub struct Read<T> {
    pub value: T,
    pub warnings: Vec<String>,
}

impl Quirks {
    /// Those of a connection.
    pub fn of(connection: &Connection) -> Self {
        Self::new(connection.vendor, connection.settings.strict)
    }

    /// Those of a vendor; `strict` refuses what no schema or grammar knows.
    pub fn new(vendor: Vendor, strict: bool) -> Self {
        Self { vendor, strict }
    }

    /// What to do about names that no schema knows.
    pub fn unknown(self) -> Unknown {
        if self.strict { Unknown::Refuse } else { Unknown::Ignore }
    }

    /// The one switch of the filter forms that the grammar does not have.
    fn reads_lenient_filters(self) -> bool {
        !self.strict || self.vendor == Vendor::Entra
    }

    /// The attributes that the body of POST or PUT sets; see [`value::resource`].
    ///
    /// # Errors
    /// As there.
    pub fn resource(self, kind: &ResourceType, mut body: Value) -> Result<Read<Map<String, Value>>, Refusal> {
        let mut warnings = Vec::new();
        if let Value::Object(members) = &mut body {
            rename_urns(kind, members);
            for (name, value) in members.iter_mut() {
                if let Some(extension) = kind.extension(name) {
                    for (name, value) in value.as_object_mut().into_iter().flatten() {
                        match extension.attribute(name) {
                            Some(attribute) => entra::value(attribute, value),
                            None => warnings.push(left_out(name)),
                        }
                    }
                } else if let Some(found) = kind.locate(name) {
                    entra::value(found.attribute, value);
                } else if !name.eq_ignore_ascii_case("schemas") {
                    warnings.push(left_out(name));
                }
            }
        }
        Ok(Read { value: value::resource(kind, &body, self.unknown())?, warnings })
    }

    /// The operations of the body of PATCH; see [`Operations::parse`].
    ///
    /// # Errors
    /// As there.
    pub fn operations(self, kind: &ResourceType, body: &Value) -> Result<Read<Vec<Operation>>, Refusal> {
        let makes_missing = self.vendor == Vendor::Entra || entra::is_sender_of(body);
        let Operations(sent) = Operations::parse(body)?;
        let mut read = Read { value: Vec::with_capacity(sent.len()), warnings: Vec::new() };
        for operation in sent {
            self.operation(kind, operation, makes_missing, &mut read);
        }
        Ok(read)
    }

    fn operation(
        self,
        kind: &ResourceType,
        mut operation: Operation,
        makes_missing: bool,
        read: &mut Read<Vec<Operation>>,
    ) {
        let Some(sent) = operation.path.take() else {
            return self.pathless(kind, operation, makes_missing, read);
        };
        let path = self.path(kind, &sent).into_owned();
        let (mut reaches_into, mut target) = (false, None);
        match path::parse(kind, &path) {
            Ok(Path::Attribute { located, filter }) => {
                target = Some(located);
                reaches_into = filter.is_some() && located.sub.is_some();
                match (&filter, located.sub) {
                    // The value stands in for elements, or is one of them.
                    (_, None) => entra::value(located.attribute, &mut operation.value),
                    (_, Some(sub)) => entra::value(sub, &mut operation.value),
                }
                if operation.kind == Kind::Remove {
                    jumpcloud::values_to_remove(&located, filter.is_some(), &mut operation.value);
                }
            }
            Ok(Path::Extension(schema)) => {
                for (name, value) in operation.value.as_object_mut().into_iter().flatten() {
                    match schema.attribute(name) {
                        Some(attribute) => entra::value(attribute, value),
                        None => read.warnings.push(left_out(name)),
                    }
                }
            }
            // The engine refuses what is no path.
            Ok(Path::Core) | Err(_) => {}
        }
        if makes_missing && reaches_into && operation.kind == Kind::Replace {
            operation.kind = Kind::Add;
        }
        if target.is_some_and(is_password) {
            read.warnings.push(okta::PASSWORD_KEPT.to_owned());
        }
        operation.path = Some(path);
        read.value.push(operation);
    }

    /// An operation without a path: an object whose names are attributes, or paths themselves.
    fn pathless(
        self,
        kind: &ResourceType,
        mut operation: Operation,
        makes_missing: bool,
        read: &mut Read<Vec<Operation>>,
    ) {
        let Value::Object(members) = &mut operation.value else { return read.value.push(operation) };
        rename_urns(kind, members);
        let mut apart = Vec::new();
        let sent = std::mem::take(members);
        for (name, mut value) in sent {
            let name = self.path(kind, &name).into_owned();
            match path::parse(kind, &name) {
                Ok(Path::Attribute { located, filter }) => {
                    entra::value(located.leaf(), &mut value);
                    if is_password(located) {
                        read.warnings.push(okta::PASSWORD_KEPT.to_owned());
                    }
                    if makes_missing && filter.is_some() && operation.kind == Kind::Replace {
                        apart.push(Operation { kind: operation.kind, path: Some(name), value });
                        continue;
                    }
                }
                Ok(Path::Extension(schema)) => {
                    for (name, value) in value.as_object_mut().into_iter().flatten() {
                        match schema.attribute(name) {
                            Some(attribute) => entra::value(attribute, value),
                            None => read.warnings.push(left_out(name)),
                        }
                    }
                }
                Err(Refusal::Path(_)) => read.warnings.push(left_out(&name)),
                Ok(Path::Core) | Err(_) => {}
            }
            members.insert(name, value);
        }
        if !members.is_empty() || apart.is_empty() {
            read.value.push(operation);
        }
        for operation in apart {
            self.operation(kind, operation, makes_missing, read);
        }
    }

    /// A filter in the grammar's form.
    pub fn filter<'t>(self, kind: &ResourceType, text: &'t str) -> Cow<'t, str> {
        if self.reads_lenient_filters() { entra_filter::standard(kind, text) } else { Cow::Borrowed(text) }
    }

    fn path<'t>(self, kind: &ResourceType, text: &'t str) -> Cow<'t, str> {
        let renamed = standard_urn(kind, text);
        match renamed {
            Cow::Borrowed(text) => self.filter(kind, text),
            Cow::Owned(text) => Cow::Owned(self.filter(kind, &text).into_owned()),
        }
    }

    /// Whether a password that no policy allows is left out instead of refused.
    pub fn leaves_out_weak_passwords(self) -> bool {
        self.vendor == Vendor::Okta
    }
}

/// `schemas` and the names of extensions, as RFC 7643 spells them.
fn rename_urns(kind: &ResourceType, members: &mut Map<String, Value>) {
    for (name, value) in members.iter_mut() {
        if let (true, Value::Array(urns)) = (name.eq_ignore_ascii_case("schemas"), value) {
            urns.retain(|urn| !urn.as_str().is_some_and(entra::is_of_microsoft));
            for urn in urns {
                if let Some(Cow::Owned(standard)) = urn.as_str().map(|urn| standard_urn(kind, urn)) {
                    *urn = standard.into();
                }
            }
        }
    }
    let renamed = |name: &str| matches!(standard_urn(kind, name), Cow::Owned(_));
    if members.keys().any(|name| renamed(name)) {
        *members = std::mem::take(members)
            .into_iter()
            .map(|(name, value)| (standard_urn(kind, &name).into_owned(), value))
            .collect();
    }
}

/// A name with the URN in front of it as RFC 7643 spells it.
fn standard_urn<'n>(kind: &ResourceType, name: &'n str) -> Cow<'n, str> {
    match entra::standard_urn(kind, name) {
        Cow::Borrowed(name) => onelogin::standard_urn(kind, name),
        owned => owned,
    }
}

fn is_password(located: Located<'_>) -> bool {
    let Located { extension, attribute, .. } = located;
    extension.is_none() && Attribute::is(attribute, "password")
}

fn left_out(name: &str) -> String {
    let name: String = name.chars().take(80).collect();
    format!("{name}: no schema knows it, so it was left out")
}

#[cfg(test)]
mod tests;
