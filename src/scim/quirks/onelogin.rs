//! OneLogin (the log excerpt in goauthentik/authentik#11249). Its `+` for spaces and its URLs that end
//! in `?` or `&` are ordinary forms to the query parser.

use std::borrow::Cow;

use crate::scim::schema::ResourceType;

/// How the URNs of the drafts before RFC 7643 began.
const LEGACY: &str = "urn:scim:schemas:";

/// `urn:scim:schemas:core:2.0`, with or without `:User`, and likewise the enterprise extension's; also
/// those of SCIM 1.1. What follows the URN stays.
pub(super) fn standard_urn<'n>(kind: &ResourceType, name: &'n str) -> Cow<'n, str> {
    let Some(rest) =
        name.get(..LEGACY.len()).filter(|head| head.eq_ignore_ascii_case(LEGACY)).map(|head| &name[head.len()..])
    else {
        return Cow::Borrowed(name);
    };
    let schemas = std::iter::once(&kind.schema).chain(kind.extensions.iter().map(|extension| &extension.schema));
    for schema in schemas {
        // urn:ietf:params:scim:schemas:core:2.0:User, in its parts.
        let Some((_, standard)) = schema.id.split_once(":schemas:") else { continue };
        let Some((versioned, resource)) = standard.rsplit_once(':') else { continue };
        let Some((family, _)) = versioned.rsplit_once(':') else { continue };
        for version in ["2.0", "1.0"] {
            let Some(rest) = strip(rest, &format!("{family}:{version}")) else { continue };
            let rest = strip(rest, &format!(":{resource}"))
                .filter(|rest| rest.is_empty() || rest.starts_with(':'))
                .unwrap_or(rest);
            return Cow::Owned(format!("{}{rest}", schema.id));
        }
    }
    Cow::Borrowed(name)
}

fn strip<'n>(name: &'n str, head: &str) -> Option<&'n str> {
    name.get(..head.len()).filter(|start| start.eq_ignore_ascii_case(head)).map(|_| &name[head.len()..])
}
