//! What a PATCH operation, `attributes` or `sortBy` names (RFC 7644 §3.5.2 and figure 7, §3.10).
//!
//! `attr`, `attr.sub`, `attr[filter]`, `attr[filter].sub`, each also behind a schema's URN, and the URN
//! of a whole extension.

use super::{
    error::Refusal,
    filter::{self, Filter},
    schema::{Located, ResourceType, Schema},
};

/// A path, resolved against the schema.
#[derive(Debug, Clone)]
pub enum Path<'s> {
    /// Everything of the core schema: its URN alone.
    Core,
    /// Everything of an extension.
    Extension(&'s Schema),
    /// An attribute; with a filter, those of its elements that match.
    Attribute { located: Located<'s>, filter: Option<Filter<'s>> },
}

/// Reads a path.
///
/// # Errors
/// `invalidPath` where it is malformed or names what no schema knows; `invalidFilter` within brackets.
pub fn parse<'s>(resource_type: &'s ResourceType, text: &str) -> Result<Path<'s>, Refusal> {
    let invalid = || Refusal::Path(shorten(text));
    let text = text.trim();
    if let Some((schema, "")) = resource_type.split_urn(text) {
        return Ok(if schema.id == resource_type.schema.id { Path::Core } else { Path::Extension(schema) });
    }
    let Some(open) = text.find('[') else {
        return Ok(Path::Attribute { located: locate(resource_type, text).ok_or_else(invalid)?, filter: None });
    };
    let mut located = locate(resource_type, &text[..open]).filter(|found| found.sub.is_none()).ok_or_else(invalid)?;
    if !located.attribute.multi_valued || !located.attribute.is_complex() {
        return Err(invalid());
    }
    let (filter, rest) = filter::parse_elements(located.attribute, &text[open..])?;
    if !rest.is_empty() {
        let name = rest.strip_prefix('.').ok_or_else(invalid)?;
        located.sub = Some(located.attribute.sub(name).ok_or_else(invalid)?);
    }
    Ok(Path::Attribute { located, filter: Some(filter) })
}

/// Finds `attr` or `attr.sub`, with or without a URN (whose version has a dot of its own).
pub fn locate<'s>(resource_type: &'s ResourceType, name: &str) -> Option<Located<'s>> {
    if let Some(found) = resource_type.locate(name) {
        return Some(found);
    }
    let (head, sub) = name.rsplit_once('.')?;
    let found = resource_type.locate(head)?;
    Some(Located { sub: Some(found.attribute.sub(sub)?), ..found })
}

/// The beginning of what a client sent, for an error to quote.
fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::Registry;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn read(text: &str) -> Result<String, Option<&'static str>> {
        let registry = Registry::load(None).expect("embedded schemas");
        let user = registry.resource_type("User").expect("a type");
        match parse(user, text) {
            Ok(Path::Core) => Ok("core".to_owned()),
            Ok(Path::Extension(_)) => Ok("extension".to_owned()),
            Ok(Path::Attribute { located, filter }) => {
                let filtered = if filter.is_some() { " filtered" } else { "" };
                let extended = if located.extension.is_some() { " extended" } else { "" };
                Ok(format!("{}{filtered}{extended}", located.name()))
            }
            Err(refusal) => Err(refusal.scim_type()),
        }
    }

    #[test]
    fn every_form_of_path_is_read() {
        for (text, meant) in [
            ("userName".to_owned(), "userName"),
            ("NAME.givenname".to_owned(), "name.givenName"),
            ("emails[type eq \"work\"]".to_owned(), "emails filtered"),
            ("emails[type eq \"work\"].value".to_owned(), "emails.value filtered"),
            ("emails[type eq \"wo]rk\" and primary eq true].display".to_owned(), "emails.display filtered"),
            (ENTERPRISE.to_owned(), "extension"),
            (format!("{ENTERPRISE}:department"), "department extended"),
            (format!("{ENTERPRISE}:manager.value"), "manager.value extended"),
            ("manager".to_owned(), "manager extended"),
            ("urn:ietf:params:scim:schemas:core:2.0:User".to_owned(), "core"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName".to_owned(), "name.familyName"),
        ] {
            assert_eq!(read(&text).as_deref(), Ok(meant), "{text}");
        }
    }

    #[test]
    fn other_paths_are_refused() {
        for (text, refusal) in [
            ("", "invalidPath"),
            ("shoeSize", "invalidPath"),
            ("name.shoeSize", "invalidPath"),
            ("name.givenName.x", "invalidPath"),
            ("userName[value eq \"x\"]", "invalidPath"),
            ("name[givenName eq \"x\"]", "invalidPath"),
            ("emails[type eq \"work\"]value", "invalidPath"),
            ("emails[type eq \"work\"].shoeSize", "invalidPath"),
            ("emails[type eq \"work\"", "invalidFilter"),
            ("emails[]", "invalidFilter"),
            ("emails[type eq \"w\" or 1 eq 1]", "invalidFilter"),
            ("urn:unknown:2.0:User:department", "invalidPath"),
        ] {
            assert_eq!(read(text), Err(Some(refusal)), "{text}");
        }
    }
}
