//! Lists: which page was asked for, and how it is answered (RFC 7644 §3.4.2).

use serde_json::{Value, json};

use super::{
    call::Call,
    error::Refusal,
    filter::{self, Filter},
    projection::Selection,
    schema::ResourceType,
};

/// The most resources in one answer.
pub const MOST: i64 = 200;
/// How many an answer has if nobody says.
const USUAL: i64 = 100;
/// How many resources a filter without an index may look at; beyond it is `tooMany`.
pub const MOST_EXAMINED: i64 = 10_000;

/// What a list request asks for.
pub struct Wanted<'s> {
    pub filter: Option<Filter<'s>>,
    pub selection: Selection<'s>,
    /// From 1.
    pub start_index: i64,
    /// At most [`MOST`]; 0 asks for the total only.
    pub count: i64,
}

impl<'s> Wanted<'s> {
    /// From the query of a GET.
    ///
    /// # Errors
    /// A number is no number, or the filter is not understood.
    pub fn from_query(call: &Call, resource_type: &'s ResourceType) -> Result<Self, Refusal> {
        let number = |name: &str| match call.parameter(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => text.trim().parse().map(Some).map_err(|_| not_a_number(name)),
        };
        Self::new(
            call,
            resource_type,
            [call.parameter("filter"), call.parameter("attributes"), call.parameter("excludedAttributes")],
            (number("startIndex")?, number("count")?),
        )
    }

    /// From the body of `POST /.search` (RFC 7644 §3.4.3).
    ///
    /// # Errors
    /// Likewise.
    pub fn from_body(call: &Call, body: &Value, resource_type: &'s ResourceType) -> Result<Self, Refusal> {
        let body = body.as_object().ok_or(Refusal::Syntax("a search is a JSON object"))?;
        let find = |name: &str| body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let number = |name: &str| match find(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| not_a_number(name)),
        };
        let names = |name: &str| match find(name) {
            Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            Some(Value::String(names)) => Some(names.clone()),
            _ => None,
        };
        let filter = find("filter").and_then(Value::as_str).map(str::to_owned);
        Self::new(
            call,
            resource_type,
            [filter, names("attributes"), names("excludedAttributes")],
            (number("startIndex")?, number("count")?),
        )
    }

    fn new(
        call: &Call,
        resource_type: &'s ResourceType,
        [filter, attributes, excluded]: [Option<String>; 3],
        (start_index, count): (Option<i64>, Option<i64>),
    ) -> Result<Self, Refusal> {
        let filter = filter.filter(|text| !text.trim().is_empty());
        Ok(Self {
            filter: filter
                .map(|text| filter::parse(resource_type, &call.quirks().filter(resource_type, &text)))
                .transpose()?,
            selection: Selection::parse(resource_type, attributes.as_deref(), excluded.as_deref()),
            // RFC 7644 table 6: less than 1 is 1, a negative count is 0.
            start_index: start_index.unwrap_or(1).max(1),
            count: count.unwrap_or(USUAL).clamp(0, MOST),
        })
    }
}

/// How many a filter has found, and the page of them.
pub fn cut<T>(found: Vec<T>, (offset, count): (i64, i64)) -> (i64, Vec<T>) {
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let (offset, count) = (usize::try_from(offset).unwrap_or(usize::MAX), usize::try_from(count).unwrap_or_default());
    (total, found.into_iter().skip(offset).take(count).collect())
}

/// The selection of a request for one resource.
pub fn selection<'s>(call: &Call, resource_type: &'s ResourceType) -> Selection<'s> {
    let (attributes, excluded) = (call.parameter("attributes"), call.parameter("excludedAttributes"));
    Selection::parse(resource_type, attributes.as_deref(), excluded.as_deref())
}

/// A ListResponse; without a page, of all there is.
pub fn response(resources: Vec<Value>, page: Option<(i64, i64)>) -> Value {
    let (total, start_index) = page.unwrap_or((i64::try_from(resources.len()).unwrap_or(i64::MAX), 1));
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

fn not_a_number(name: &str) -> Refusal {
    Refusal::Value(name.to_owned(), "expected a whole number")
}
