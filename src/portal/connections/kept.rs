//! What stands in a connection's rules beside what is typed: who set it, what is not this person's to change and is
//! sent along as it is, and what is of products that the organization has no more.

use serde_json::{Value, json};

use crate::portal::{
    api::{Connection, DefaultProduct, GroupRole, ProductList, ProductRole, ProductWithRoles, RuleOrigin},
    words,
};

/// A rule that stays as it is.
pub struct Kept {
    /// The group that it is about, if it is.
    pub group: Option<String>,
    /// "Recover: Operator, Viewer".
    pub gives: String,
    pub below: bool,
    /// Why one cannot change it.
    pub why: &'static str,
    /// Who set it, and when.
    pub note: String,
}

const NOT_YOURS: &str = "Not yours to change: it takes rights that you do not hold here. It stays as it is.";
const OF_THE_PORTAL: &str = "Roles of the portal are for the operator of the server to set. It stays as it is.";

impl Kept {
    /// The group rules that are not this person's to change.
    pub fn of_groups(connection: &Connection) -> Vec<Self> {
        let rules = connection.group_roles.iter().filter(|rule| !rule.yours);
        let kept = rules.map(|rule| Self {
            group: Some(rule.group.clone()),
            gives: gives(&rule.product.name, rule.roles.iter().map(|role| role.name.as_str())),
            below: rule.subtree,
            why: NOT_YOURS,
            note: note(rule.set_by.as_ref()),
        });
        kept.collect()
    }

    /// The products of a list that are not this person's to change.
    pub fn of_products(listed: &[DefaultProduct]) -> Vec<Self> {
        let kept = listed.iter().filter(|listed| stays(listed)).map(|listed| Self {
            group: None,
            gives: gives(&listed.name, listed.roles.iter().map(String::as_str)),
            below: listed.subtree,
            why: if listed.slug == "portal" { OF_THE_PORTAL } else { NOT_YOURS },
            note: note(listed.set_by.as_ref()),
        });
        kept.collect()
    }
}

/// Whether a form leaves it as it is. The portal's roles are the operator's to declare.
pub fn stays(listed: &DefaultProduct) -> bool {
    !listed.yours || listed.slug == "portal"
}

/// What stays of a list of products, as the API takes it.
pub fn sent_products(listed: &[DefaultProduct]) -> impl Iterator<Item = Value> {
    let kept = listed.iter().filter(|listed| stays(listed));
    kept.map(|kept| json!({ "slug": kept.slug, "roles": kept.role_slugs, "subtree": kept.subtree }))
}

/// What stays of the group rules, as the API takes it.
pub fn sent_groups(rules: &[GroupRole]) -> impl Iterator<Item = Value> {
    let kept = rules.iter().filter(|rule| !rule.yours);
    kept.map(|kept| {
        let roles: Vec<&str> = kept.roles.iter().map(|role| role.slug.as_str()).collect();
        json!({ "group": kept.group, "product": kept.product.slug, "roles": roles, "subtree": kept.subtree })
    })
}

/// Who set what one may change: "Recover: set by ...".
pub fn notes(listed: &[DefaultProduct]) -> Vec<String> {
    let yours = listed.iter().filter(|listed| !stays(listed) && listed.set_by.is_some());
    yours.map(|listed| format!("{}. {}", listed.name, note(listed.set_by.as_ref()))).collect()
}

/// Who set a rule, in a sentence; empty if that is not known.
pub fn note(origin: Option<&RuleOrigin>) -> String {
    let Some(origin) = origin else { return String::new() };
    let who = match (origin.kind.as_str(), &origin.name) {
        ("api_token", Some(name)) => format!("the API token {name}"),
        ("api_token", None) => "an API token".to_owned(),
        (_, Some(name)) => name.clone(),
        (_, None) => "somebody whom you do not manage, or who was removed".to_owned(),
    };
    let today = if origin.still_may { "" } else { " They could not set it today: check that it is still wanted." };
    format!("Set by {who} on {}.{today}", words::date(&origin.at))
}

fn gives<'n>(product: &str, roles: impl Iterator<Item = &'n str>) -> String {
    format!("{product}: {}", roles.collect::<Vec<_>>().join(", "))
}

/// The products and roles of the organization, and what stands beyond them: a product that was switched off here can
/// be left in its rule, or taken away.
pub fn with_standing(list: &ProductList, connection: &Connection) -> ProductList {
    let mut list = list.clone();
    let listed = connection.default_products.iter().chain(&connection.assignable);
    for listed in listed.filter(|listed| !stays(listed)) {
        let roles = listed.role_slugs.iter().zip(&listed.roles);
        add(&mut list, (&listed.slug, &listed.name), roles.map(|(slug, name)| (slug.as_str(), name.as_str())));
    }
    list
}

/// Adds to a list what a rule gives and the list lacks.
pub fn add<'r>(list: &mut ProductList, (slug, name): (&str, &str), roles: impl Iterator<Item = (&'r str, &'r str)>) {
    let at = list.products.iter().position(|product| product.slug == slug).unwrap_or_else(|| {
        list.products.push(ProductWithRoles {
            slug: slug.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            color: None,
            roles: Vec::new(),
        });
        list.products.len() - 1
    });
    for (slug, name) in roles {
        if list.products[at].roles.iter().all(|role| role.slug != slug) {
            let (slug, name) = (slug.to_owned(), name.to_owned());
            let role = ProductRole { slug, name, description: String::new(), grantable: true };
            list.products[at].roles.push(role);
        }
    }
}
