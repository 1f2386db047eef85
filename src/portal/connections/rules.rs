//! The rules of a connection, as a form.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    group_rows::{self, GroupRow},
    kept::{self, Kept},
    new::{picked, value},
};
use crate::{
    http::{Form, Page},
    portal::{
        Portal, Trouble, Visit,
        api::{Connection, DefaultProduct, Problem, ProductList},
        create_user::ProductFields,
        shell::{Section, Shell, draw},
        toast::Toast,
        user_acts::done,
        user_page::{Pick, RolePick},
        users_page::Products,
        words,
    },
};

#[derive(Template)]
#[template(path = "portal/pages/connection_rules.html", config = ".config/askama.toml")]
struct Rules<'a> {
    page: &'a Page,
    shell: &'a Shell,
    connection: &'a Connection,
    path: String,
    typed: Typed,
    defaults: Listed,
    /// What the tool may give beside that.
    assignable: Listed,
    /// Group rules that are not this person's to change.
    kept_groups: Vec<Kept>,
    groups: Vec<GroupRow>,
    products: &'a Products,
    problem: Option<Problem>,
}

/// A list of products: what one may change, and what stays.
struct Listed {
    form: Vec<Pick>,
    kept: Vec<Kept>,
    /// Who set what one may change.
    notes: Vec<String>,
}

/// What the fields of [`Rules::assignable`] begin with.
const MAY_GIVE: &str = "may.";

/// The fields as they stand in the form: of the connection, or as they were typed.
struct Typed {
    name: String,
    invites: bool,
    removes: bool,
    guard: bool,
    share: String,
    minimum: String,
    rate: String,
    account_state: bool,
    strict: bool,
    dry_run: bool,
}

impl Typed {
    fn of(connection: &Connection) -> Self {
        let guard = connection.guard.as_ref();
        Self {
            name: connection.name.clone(),
            invites: connection.on_create == "invite",
            removes: connection.on_delete == "remove",
            guard: guard.is_some(),
            share: guard.map_or(20, |guard| guard.share).to_string(),
            minimum: guard.map_or(10, |guard| guard.minimum).to_string(),
            rate: connection.rate_limit.map(|rate| rate.to_string()).unwrap_or_default(),
            account_state: connection.account_state,
            strict: connection.strict,
            dry_run: connection.dry_run,
        }
    }

    fn read(fields: &[(String, String)]) -> Self {
        let has = |name: &str| fields.iter().any(|(field, _)| field == name);
        Self {
            name: value(fields, "name"),
            invites: value(fields, "on_create") != "activate",
            removes: value(fields, "on_delete") != "deactivate",
            guard: has("guard"),
            share: value(fields, "share"),
            minimum: value(fields, "minimum"),
            rate: value(fields, "rate"),
            account_state: has("account_state"),
            strict: has("strict"),
            dry_run: has("dry_run"),
        }
    }

    /// As the API takes it. What is no number becomes one that it refuses, with the field's name.
    fn body(&self) -> Value {
        let number = |text: &str| text.trim().parse::<u32>().unwrap_or(0);
        let share = u8::try_from(number(&self.share)).unwrap_or(0);
        json!({
            "name": self.name,
            "on_create": if self.invites { "invite" } else { "activate" },
            "on_delete": if self.removes { "remove" } else { "deactivate" },
            "guard": self.guard.then(|| json!({ "share": share, "minimum": number(&self.minimum) })),
            "rate_limit": Some(number(&self.rate)).filter(|_| !self.rate.trim().is_empty()),
            "account_state": self.account_state,
            "strict": self.strict,
            "dry_run": self.dry_run,
        })
    }
}

/// `GET .../connections/{connection}/rules`
pub async fn form(Path(ids): Path<(Uuid, Uuid)>, visit: Visit) -> Result<Response, Trouble> {
    render(&visit, ids, None).await
}

/// `POST .../connections/{connection}/rules`
pub async fn save(
    State(portal): State<Portal>,
    Path((id, connection)): Path<(Uuid, Uuid)>,
    visit: Visit,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    if let Some(problem) = group_rows::faults(&fields) {
        return render(&visit, (id, connection), Some((problem, &fields))).await;
    }
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let path = format!("/organizations/{id}/connections/{connection}");
    let before: Connection = visit.get(&path).await?;
    let mut body = Typed::read(&fields).body();
    let mut groups = group_rows::body(&fields);
    groups.extend(kept::sent_groups(&before.group_roles));
    body["group_roles"] = groups.into();
    let offered = kept::with_standing(&list, &before);
    for (name, prefix, listed) in
        [("default_products", "", &before.default_products), ("assignable", MAY_GIVE, &before.assignable)]
    {
        let mut products = picked(prefix, &fields, &offered);
        products.extend(kept::sent_products(listed));
        body[name] = products.into();
    }
    match visit.send::<Value, _>(Method::PATCH, &path, Some(&body)).await? {
        Ok(_) => Ok(done(&portal, &format!("/portal{path}"), Toast::RulesSaved)),
        Err(problem) => render(&visit, (id, connection), Some((problem, &fields))).await,
    }
}

async fn render(
    visit: &Visit,
    (id, connection): (Uuid, Uuid),
    refused: Option<(Problem, &[(String, String)])>,
) -> Result<Response, Trouble> {
    let shell = Shell::of(visit, Some(id), Section::Connections).await?;
    let connection: Connection = visit.get(&format!("/organizations/{id}/connections/{connection}")).await?;
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let products = Products::of(&list);
    let typed_fields = refused.as_ref().map(|(_, fields)| *fields);
    let offered = kept::with_standing(&list, &connection);
    let listed = |prefix, held: &[DefaultProduct]| Listed {
        form: picks(prefix, (&offered, &products), held, typed_fields),
        kept: Kept::of_products(held),
        notes: kept::notes(held),
    };
    let page = shell.page(visit);
    let status = if refused.is_none() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = Rules {
        page: &page,
        shell: &shell,
        path: format!("{}/connections/{}", shell.path(), connection.id),
        typed: typed_fields.map_or_else(|| Typed::of(&connection), Typed::read),
        defaults: listed("", &connection.default_products),
        assignable: listed(MAY_GIVE, &connection.assignable),
        kept_groups: Kept::of_groups(&connection),
        groups: typed_fields
            .map_or_else(|| group_rows::of(&list, &connection), |fields| group_rows::typed(&list, &connection, fields)),
        products: &products,
        connection: &connection,
        problem: refused.map(|(problem, _)| problem),
    };
    Ok(draw(visit, &page, status, &template))
}

/// The products with their roles, as the connection has them or as they were typed.
fn picks(
    prefix: &'static str,
    (list, products): (&ProductList, &Products),
    held: &[DefaultProduct],
    typed: Option<&[(String, String)]>,
) -> Vec<Pick> {
    let is_kept = |slug: &str| held.iter().any(|held| held.slug == slug && kept::stays(held));
    let picks = list.products.iter().filter(|product| !is_kept(&product.slug)).map(|product| {
        let held = held.iter().find(|held| held.slug == product.slug);
        let (chosen, roles, subtree) = match typed.map(|fields| ProductFields::behind(prefix, fields, &product.slug)) {
            Some(typed) => {
                let subtree = typed.as_ref().is_some_and(|typed| typed.subtree);
                (typed.is_some(), typed.map(|typed| typed.roles).unwrap_or_default(), subtree)
            }
            None => {
                let roles = held.map(|held| held.role_slugs.clone()).unwrap_or_default();
                (held.is_some(), roles, held.is_some_and(|held| held.subtree))
            }
        };
        Pick {
            prefix,
            slug: product.slug.clone(),
            name: product.name.clone(),
            class: products.class(&product.slug),
            icon: words::product_icon(&product.description, &product.slug),
            chosen,
            subtree,
            roles: product.roles.iter().map(|role| RolePick::of(role, roles.contains(&role.slug))).collect(),
        }
    });
    picks.collect()
}

impl Rules<'_> {
    fn has_clients(&self) -> bool {
        self.shell.here.organization.kind != "client"
    }

    fn error(&self, pointer: &str) -> Option<&str> {
        let errors = &self.problem.as_ref()?.errors;
        errors.iter().find(|error| error.pointer == pointer).map(|error| error.detail.as_str())
    }
}
