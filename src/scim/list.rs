//! Lists: what a request asks for, and how it is answered (RFC 7644 §3.4.2, RFC 9865).

use serde_json::{Map, Value, json};

use super::{
    attribute::Returned,
    call::Call,
    error::Refusal,
    filter::{self, Filter},
    path,
    projection::Selection,
    schema::{Located, ResourceType},
};

/// The most resources in one answer.
pub const MOST: i64 = 200;
/// How many an answer has if nobody says.
pub const USUAL: i64 = 100;

/// What a list request asks for, whatever the resource type: the texts as they came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub filter: Option<String>,
    pub attributes: Option<String>,
    pub excluded: Option<String>,
    pub sort_by: Option<String>,
    pub descending: bool,
    /// From 1.
    pub start_index: i64,
    /// At most [`MOST`]; 0 asks for the total only.
    pub count: i64,
    /// Present in cursor paging; empty on the first page.
    pub cursor: Option<String>,
}

impl Asked {
    /// From the query of a GET.
    ///
    /// # Errors
    /// A number is no number, or a word is unknown.
    pub fn from_query(call: &Call) -> Result<Self, Refusal> {
        let number = |name: &str| match call.parameter(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => text.trim().parse().map(Some).map_err(|_| not_a_number(name, &call.parameter("cursor"))),
        };
        Self::new(|name| call.parameter(name), number("startIndex")?, number("count")?)
    }

    /// From the body of `POST /.search` (RFC 7644 §3.4.3).
    ///
    /// # Errors
    /// Likewise.
    pub fn from_body(body: &Value) -> Result<Self, Refusal> {
        let body = body.as_object().ok_or(Refusal::Syntax("a search is a JSON object"))?;
        let text = |name: &str| match find(body, name) {
            Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            Some(Value::String(names)) => Some(names.clone()),
            _ => None,
        };
        let number = |name: &str| match find(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| not_a_number(name, &text("cursor"))),
        };
        Self::new(text, number("startIndex")?, number("count")?)
    }

    fn new(
        text: impl Fn(&str) -> Option<String>,
        start_index: Option<i64>,
        count: Option<i64>,
    ) -> Result<Self, Refusal> {
        let filled = |name: &str| text(name).filter(|text| !text.trim().is_empty());
        let cursor = text("cursor");
        let count = count.unwrap_or(USUAL);
        // RFC 9865 §3: between 1 and the largest page. By index, RFC 7644 table 6: a negative one is 0.
        if cursor.is_some() && !(1..=MOST).contains(&count) {
            return Err(Refusal::Count(MOST));
        }
        let descending = match filled("sortOrder").as_deref().map(str::trim) {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("ascending") => false,
            Some(word) if word.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(Refusal::Value("sortOrder".to_owned(), "expected ascending or descending")),
        };
        Ok(Self {
            filter: filled("filter"),
            attributes: filled("attributes"),
            excluded: filled("excludedAttributes"),
            sort_by: filled("sortBy"),
            descending,
            start_index: start_index.unwrap_or(1).max(1),
            count: count.clamp(0, MOST),
            cursor: cursor.map(|cursor| cursor.trim().to_owned()),
        })
    }
}

/// The same, understood by one resource type.
#[derive(Debug, Clone)]
pub struct Wanted<'s> {
    pub filter: Option<Filter<'s>>,
    pub selection: Selection<'s>,
    /// `None` also where this type has no such attribute: then it is unassigned in all of them.
    pub sort_by: Option<Located<'s>>,
}

impl<'s> Wanted<'s> {
    /// Reads the names by the type's schemas.
    ///
    /// # Errors
    /// The filter is not understood.
    pub fn of(asked: &Asked, call: &Call, kind: &'s ResourceType) -> Result<Self, Refusal> {
        let filter = asked.filter.as_deref().map(|text| filter::parse(kind, &call.quirks().filter(kind, text)));
        Ok(Self {
            filter: filter.transpose()?,
            selection: Selection::parse(kind, asked.attributes.as_deref(), asked.excluded.as_deref()),
            sort_by: asked.sort_by.as_deref().and_then(|name| sorted_by(kind, name)),
        })
    }
}

/// What `sortBy` names: a simple attribute, or the value of a complex one (RFC 7644 §3.4.2.3).
fn sorted_by<'s>(kind: &'s ResourceType, name: &str) -> Option<Located<'s>> {
    let found = path::locate(kind, name.trim())?;
    let found = match found {
        Located { attribute, sub: None, .. } if attribute.is_complex() => {
            Located { sub: Some(attribute.sub("value")?), ..found }
        }
        found => found,
    };
    // Secrets have no order.
    (found.leaf().returned != Returned::Never).then_some(found)
}

/// The selection of a request for one resource.
pub fn selection<'s>(call: &Call, resource_type: &'s ResourceType) -> Selection<'s> {
    let (attributes, excluded) = (call.parameter("attributes"), call.parameter("excludedAttributes"));
    Selection::parse(resource_type, attributes.as_deref(), excluded.as_deref())
}

/// A ListResponse of all there is.
pub fn response(resources: Vec<Value>) -> Value {
    let total = i64::try_from(resources.len()).unwrap_or(i64::MAX);
    indexed(resources, total, 1)
}

/// A page by index.
pub fn indexed(resources: Vec<Value>, total: i64, start_index: i64) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// A page by cursor (RFC 9865 §2): without a next one it is the last; a total that is not known is left out.
pub fn continued(resources: Vec<Value>, total: Option<i64>, next: Option<String>) -> Value {
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    if let Some(total) = total {
        body.insert("totalResults".to_owned(), total.into());
    }
    body.insert("itemsPerPage".to_owned(), resources.len().into());
    if let Some(next) = next {
        body.insert("nextCursor".to_owned(), next.into());
    }
    body.insert("Resources".to_owned(), Value::Array(resources));
    Value::Object(body)
}

fn find<'b>(body: &'b Map<String, Value>, name: &str) -> Option<&'b Value> {
    body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn not_a_number(name: &str, cursor: &Option<String>) -> Refusal {
    match cursor {
        Some(_) if name == "count" => Refusal::Count(MOST),
        _ => Refusal::Value(name.to_owned(), "expected a whole number"),
    }
}
