//! Groups that give roles, as rows of a form: a group, the roles that are ticked, their reach. An emptied row is a
//! rule that goes; roles of two products are two rules.

use serde_json::{Value, json};

use super::{
    kept::{self, note},
    new::value,
};
use crate::portal::api::{Connection, FieldError, GroupRole, Problem, ProductList};

/// How many empty rows wait for new rules.
const EMPTY_ROWS: usize = 3;

/// One row.
pub struct GroupRow {
    pub group: String,
    pub products: Vec<Choices>,
    pub below: bool,
    /// Whether the tool has such a group; true for rows that are being typed.
    pub known: bool,
    /// Who set it, and when.
    pub note: String,
}

/// The roles of a product, to tick.
pub struct Choices {
    pub name: String,
    pub roles: Vec<Choice>,
}

pub struct Choice {
    /// `product/role`.
    pub word: String,
    pub name: String,
    pub chosen: bool,
}

impl GroupRow {
    fn of(list: &ProductList, group: String, chosen: &[String]) -> Self {
        let products = list.products.iter().map(|product| {
            let roles = product.roles.iter().filter(|role| role.grantable).map(|role| {
                let word = format!("{}/{}", product.slug, role.slug);
                Choice { chosen: chosen.contains(&word), word, name: role.name.clone() }
            });
            Choices { name: product.name.clone(), roles: roles.collect() }
        });
        let products = products.filter(|product| !product.roles.is_empty()).collect();
        Self { group, products, below: false, known: true, note: String::new() }
    }

    /// Of a rule, with roles that are not for everybody to choose any more.
    fn of_rule(list: &ProductList, rule: &GroupRole) -> Self {
        let mut list = list.clone();
        let roles = rule.roles.iter().map(|role| (role.slug.as_str(), role.name.as_str()));
        kept::add(&mut list, (&rule.product.slug, &rule.product.name), roles);
        let chosen: Vec<String> =
            rule.roles.iter().map(|role| format!("{}/{}", rule.product.slug, role.slug)).collect();
        let row = Self::of(&list, rule.group.clone(), &chosen);
        Self { below: rule.subtree, known: rule.known, note: note(rule.set_by.as_ref()), ..row }
    }

    /// What is ticked, in words.
    pub fn gives(&self) -> String {
        let ticked = self.products.iter().filter_map(|product| {
            let names: Vec<&str> =
                product.roles.iter().filter(|role| role.chosen).map(|role| role.name.as_str()).collect();
            (!names.is_empty()).then(|| format!("{}: {}", product.name, names.join(", ")))
        });
        ticked.collect::<Vec<_>>().join("; ")
    }

    /// Whether a group stands here without a role.
    pub fn lacks_roles(&self) -> bool {
        !self.group.trim().is_empty() && self.gives().is_empty()
    }
}

/// The rows of the rules that one may change, and some to fill.
pub fn of(list: &ProductList, connection: &Connection) -> Vec<GroupRow> {
    let yours = connection.group_roles.iter().filter(|rule| rule.yours);
    with_empty(list, yours.map(|rule| GroupRow::of_rule(list, rule)).collect())
}

/// The rows as they were typed, over those of the connection, whose roles can be kept.
pub fn typed(list: &ProductList, connection: &Connection, fields: &[(String, String)]) -> Vec<GroupRow> {
    let mut list = list.clone();
    for rule in connection.group_roles.iter().filter(|rule| rule.yours) {
        let roles = rule.roles.iter().map(|role| (role.slug.as_str(), role.name.as_str()));
        kept::add(&mut list, (&rule.product.slug, &rule.product.name), roles);
    }
    let rows = read(fields).into_iter().map(|(group, grants, below)| {
        let row = GroupRow::of(&list, group, &grants);
        GroupRow { below, ..row }
    });
    with_empty(&list, rows.collect())
}

fn with_empty(list: &ProductList, mut rows: Vec<GroupRow>) -> Vec<GroupRow> {
    rows.extend(std::iter::repeat_with(|| GroupRow::of(list, String::new(), &[])).take(EMPTY_ROWS));
    rows
}

/// Group, what is ticked, and whether it reaches below, of each row that has a group.
fn read(fields: &[(String, String)]) -> Vec<(String, Vec<String>, bool)> {
    let rows = (0..).map_while(|index| {
        let name = format!("group.{index}");
        fields.iter().any(|(field, _)| *field == name).then(|| {
            let grant = format!("grant.{index}");
            let grants = fields.iter().filter(|(field, grants)| *field == grant && !grants.is_empty());
            let below = value(fields, &format!("reach.{index}")) == "below";
            (value(fields, &name), grants.map(|(_, grant)| grant.clone()).collect(), below)
        })
    });
    rows.filter(|(group, _, _)| !group.trim().is_empty()).collect()
}

/// The faults of rows that name a group and give it nothing: such a rule cannot even be sent.
pub fn faults(fields: &[(String, String)]) -> Option<Problem> {
    let idle = read(fields).into_iter().filter(|(_, grants, _)| grants.is_empty());
    let errors: Vec<FieldError> = idle
        .map(|(group, _, _)| FieldError {
            pointer: "/group_roles".to_owned(),
            detail: format!("Choose a role for the group {}, or empty its name.", group.trim()),
        })
        .collect();
    let title = "A role is missing".to_owned();
    (!errors.is_empty()).then(|| Problem { kind: String::new(), title, status: 422, detail: String::new(), errors })
}

/// The rules as the API takes them: one for each product of a row.
pub fn body(fields: &[(String, String)]) -> Vec<Value> {
    let mut rules = Vec::new();
    for (group, grants, below) in read(fields) {
        let mut products: Vec<(&str, Vec<&str>)> = Vec::new();
        for (product, role) in grants.iter().filter_map(|grant| grant.split_once('/')) {
            match products.iter_mut().find(|(known, _)| *known == product) {
                Some((_, roles)) => roles.push(role),
                None => products.push((product, vec![role])),
            }
        }
        let rule = |(product, roles)| json!({ "group": group, "product": product, "roles": roles, "subtree": below });
        rules.extend(products.into_iter().map(rule));
    }
    rules
}
