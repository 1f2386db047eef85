//! Groups that give roles, as rows of a form: a group, one role, its reach. An emptied row is a rule that goes.

use serde_json::{Value, json};

use super::new::value;
use crate::portal::api::{Connection, ProductList};

/// How many empty rows wait for new rules.
const EMPTY_ROWS: usize = 3;

/// One row.
pub struct GroupRow {
    pub group: String,
    /// `product/role`.
    pub grant: String,
    pub below: bool,
    /// Whether the tool has such a group; true for rows that are being typed.
    pub known: bool,
}

/// A role to choose: `product/role`, and how one reads it.
pub struct Choice {
    pub word: String,
    pub title: String,
}

/// The roles that one may choose.
pub fn choices(list: &ProductList) -> Vec<Choice> {
    let products = list.products.iter();
    let roles = products.flat_map(|product| {
        product.roles.iter().filter(|role| role.grantable).map(move |role| Choice {
            word: format!("{}/{}", product.slug, role.slug),
            title: format!("{}: {}", product.name, role.name),
        })
    });
    roles.collect()
}

/// The rows of a connection's rules, and some to fill.
pub fn of(connection: &Connection) -> Vec<GroupRow> {
    let rules = connection.group_roles.iter().flat_map(|rule| {
        rule.roles.iter().map(move |role| GroupRow {
            group: rule.group.clone(),
            grant: format!("{}/{}", rule.product.slug, role.slug),
            below: rule.subtree,
            known: rule.known,
        })
    });
    with_empty(rules.collect())
}

/// The rows as they were typed.
pub fn typed(fields: &[(String, String)]) -> Vec<GroupRow> {
    let rows = (0..).map_while(|index| {
        let name = format!("group.{index}");
        fields.iter().any(|(field, _)| *field == name).then(|| GroupRow {
            group: value(fields, &name),
            grant: value(fields, &format!("grant.{index}")),
            below: value(fields, &format!("reach.{index}")) == "below",
            known: true,
        })
    });
    with_empty(rows.filter(|row| !row.group.trim().is_empty()).collect())
}

fn with_empty(mut rows: Vec<GroupRow>) -> Vec<GroupRow> {
    let empty = || GroupRow { group: String::new(), grant: String::new(), below: false, known: true };
    rows.extend(std::iter::repeat_with(empty).take(EMPTY_ROWS));
    rows
}

/// The rules as the API takes them.
pub fn body(fields: &[(String, String)]) -> Vec<Value> {
    let rows = typed(fields).into_iter().filter(|row| !row.group.trim().is_empty());
    let rules = rows.map(|row| {
        let (product, role) = row.grant.split_once('/').unwrap_or_default();
        let roles: Vec<&str> = Some(role).into_iter().filter(|role| !role.is_empty()).collect();
        json!({ "group": row.group, "product": product, "roles": roles, "subtree": row.below })
    });
    rules.collect()
}
