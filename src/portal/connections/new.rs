use askama::Template;
use axum::{
    extract::Path,
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    http::{Form, Page},
    portal::{
        Trouble, Visit,
        api::{ConnectionWithToken, Problem, ProductList},
        create_user::ProductFields,
        shell::{Section, Shell, draw},
        user_page::{Pick, RolePick},
        users_page::Products,
        words,
    },
};

use super::show;

#[derive(Template)]
#[template(path = "portal/pages/connection_new.html", config = ".config/askama.toml")]
struct NewConnection<'a> {
    page: &'a Page,
    shell: &'a Shell,
    vendors: Vec<(&'static str, &'static str, bool)>,
    name: String,
    /// Whether people are mailed a link.
    invites: bool,
    days: Vec<(u32, &'static str, bool)>,
    form: Vec<Pick>,
    products: &'a Products,
    refused: Option<Problem>,
}

const VENDORS: [&str; 5] = ["generic", "entra", "okta", "onelogin", "jumpcloud"];
/// How long a first token may work, in days.
const LIVES: [(u32, &str); 4] = [(30, "30 days"), (90, "90 days"), (180, "Half a year"), (366, "A year")];
const USUAL_LIFE: u32 = 180;

/// `GET .../connections/new`
pub async fn form(Path(id): Path<Uuid>, visit: Visit) -> Result<Response, Trouble> {
    render(&visit, id, &[], None).await
}

/// `POST .../connections/new`: the answer shows the token, this once.
pub async fn create(
    Path(id): Path<Uuid>,
    visit: Visit,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let body = json!({
        "name": value(&fields, "name"),
        "vendor": Some(value(&fields, "vendor")).filter(|vendor| !vendor.is_empty()),
        "on_create": Some(value(&fields, "on_create")).filter(|word| !word.is_empty()),
        "token_days": value(&fields, "days").parse::<u32>().ok(),
        "default_products": picked("", &fields, &list),
    });
    let path = format!("/organizations/{id}/connections");
    match visit.send::<ConnectionWithToken, _>(Method::POST, &path, Some(&body)).await? {
        Ok(made) => show::render(&visit, id, &made.connection, show::More::of_token(made.token)).await,
        Err(problem) => render(&visit, id, &fields, Some(problem)).await,
    }
}

/// The products of a form, as the API takes them.
pub fn picked(prefix: &str, fields: &[(String, String)], list: &ProductList) -> Vec<Value> {
    let chosen = list.products.iter().filter_map(|product| {
        let fields = ProductFields::behind(prefix, fields, &product.slug)?;
        Some(json!({ "slug": product.slug, "roles": fields.roles, "subtree": fields.subtree }))
    });
    chosen.collect()
}

/// A field of a form; empty if it was not sent.
pub fn value(fields: &[(String, String)], name: &str) -> String {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

async fn render(
    visit: &Visit,
    id: Uuid,
    fields: &[(String, String)],
    refused: Option<Problem>,
) -> Result<Response, Trouble> {
    let shell = Shell::of(visit, Some(id), Section::Connections).await?;
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let products = Products::of(&list);
    let form = list.products.iter().map(|product| {
        let chosen = ProductFields::of(fields, &product.slug);
        let holds = |slug: &str| chosen.as_ref().is_some_and(|chosen| chosen.roles.iter().any(|role| role == slug));
        Pick {
            prefix: "",
            slug: product.slug.clone(),
            name: product.name.clone(),
            class: products.class(&product.slug),
            icon: words::product_icon(&product.description, &product.slug),
            chosen: chosen.is_some(),
            subtree: chosen.as_ref().is_some_and(|chosen| chosen.subtree),
            roles: product.roles.iter().map(|role| RolePick::of(role, holds(&role.slug))).collect(),
        }
    });
    let vendor = value(fields, "vendor");
    let life = value(fields, "days").parse().unwrap_or(USUAL_LIFE);
    let page = shell.page(visit);
    let status = if refused.is_none() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = NewConnection {
        page: &page,
        shell: &shell,
        vendors: VENDORS.map(|word| (word, words::vendor(word), word == vendor)).to_vec(),
        name: value(fields, "name"),
        invites: value(fields, "on_create") != "activate",
        days: LIVES.map(|(days, title)| (days, title, days == life)).to_vec(),
        form: form.collect(),
        products: &products,
        refused,
    };
    Ok(draw(visit, &page, status, &template))
}

impl NewConnection<'_> {
    fn has_clients(&self) -> bool {
        self.shell.here.organization.kind != "client"
    }

    fn error(&self, pointer: &str) -> Option<&str> {
        let errors = &self.refused.as_ref()?.errors;
        errors.iter().find(|error| error.pointer == pointer).map(|error| error.detail.as_str())
    }
}
