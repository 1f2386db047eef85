//! Connections: made in a minute, the token shown once (product.md V1).

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Portal, Trouble, Visit,
    api::{Connection, ConnectionList, ConnectionToken, ConnectionWithToken, Problem, ProductList},
    create_user::ProductFields,
    shell::{Section, Shell, draw},
    toast::Toast,
    user_acts::{Nothing, done},
    user_page::{Pick, RolePick},
    users_page::Products,
    words,
};
use crate::{
    clock::Timestamp,
    http::{Form, Page, see_other},
};

#[derive(Template)]
#[template(path = "portal/pages/connections.html", config = ".config/askama.toml")]
struct Connections<'a> {
    page: &'a Page,
    shell: &'a Shell,
    rows: Vec<Row>,
}

struct Row {
    connection: Connection,
    tool: &'static str,
    used: String,
    live: usize,
}

/// `GET .../connections`
pub async fn list(Path(id): Path<Uuid>, visit: Visit) -> Result<Response, Trouble> {
    let shell = Shell::of(&visit, Some(id), Section::Connections).await?;
    let list: ConnectionList = visit.get(&format!("/organizations/{id}/connections")).await?;
    let page = shell.page(&visit);
    let rows = list.connections.into_iter().map(|connection| Row {
        tool: words::vendor(&connection.vendor),
        used: used(&connection, visit.now),
        live: connection.tokens.iter().filter(|token| token.live).count(),
        connection,
    });
    let template = Connections { page: &page, shell: &shell, rows: rows.collect() };
    Ok(draw(&visit, &page, StatusCode::OK, &template))
}

fn used(connection: &Connection, now: Timestamp) -> String {
    connection.last_used_at.as_deref().map_or_else(|| "never".to_owned(), |at| words::ago(at, now))
}

#[derive(Template)]
#[template(path = "portal/pages/connection_new.html", config = ".config/askama.toml")]
struct NewConnection<'a> {
    page: &'a Page,
    shell: &'a Shell,
    vendors: Vec<(&'static str, &'static str, bool)>,
    name: String,
    form: Vec<Pick>,
    products: &'a Products,
    refused: Option<Problem>,
}

const VENDORS: [&str; 5] = ["generic", "entra", "okta", "onelogin", "jumpcloud"];

/// `GET .../connections/new`
pub async fn form(Path(id): Path<Uuid>, visit: Visit) -> Result<Response, Trouble> {
    render_form(&visit, id, &[], None).await
}

/// `POST .../connections/new`: the answer shows the token, this once.
pub async fn create(
    Path(id): Path<Uuid>,
    visit: Visit,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let products = list.products.iter().filter_map(|product| {
        let fields = ProductFields::of(&fields, &product.slug)?;
        Some(json!({ "slug": product.slug, "roles": fields.roles }))
    });
    let body = json!({
        "name": value(&fields, "name"),
        "vendor": value(&fields, "vendor"),
        "default_products": products.collect::<Vec<Value>>(),
    });
    let path = format!("/organizations/{id}/connections");
    match visit.send::<ConnectionWithToken, _>(Method::POST, &path, Some(&body)).await? {
        Ok(made) => render(&visit, id, &made.connection, (Some(made.token), None)).await,
        Err(problem) => render_form(&visit, id, &fields, Some(problem)).await,
    }
}

fn value(fields: &[(String, String)], name: &str) -> String {
    fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

async fn render_form(
    visit: &Visit,
    id: Uuid,
    fields: &[(String, String)],
    refused: Option<Problem>,
) -> Result<Response, Trouble> {
    let shell = Shell::of(visit, Some(id), Section::Connections).await?;
    if !shell.here.may("portal:connections:manage") {
        return Ok(see_other(&format!("{}/connections", shell.path())));
    }
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let products = Products::of(&list);
    let form = list.products.iter().map(|product| {
        let chosen = ProductFields::of(fields, &product.slug);
        let holds = |slug: &str| chosen.as_ref().is_some_and(|chosen| chosen.roles.iter().any(|role| role == slug));
        Pick {
            slug: product.slug.clone(),
            name: product.name.clone(),
            class: products.class(&product.slug),
            icon: words::product_icon(&product.description, &product.slug),
            chosen: chosen.is_some(),
            subtree: false,
            roles: product.roles.iter().map(|role| RolePick::of(role, holds(&role.slug))).collect(),
        }
    });
    let vendor = value(fields, "vendor");
    let page = shell.page(visit);
    let status = if refused.is_none() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = NewConnection {
        page: &page,
        shell: &shell,
        vendors: VENDORS.map(|word| (word, words::vendor(word), word == vendor)).to_vec(),
        name: value(fields, "name"),
        form: form.collect(),
        products: &products,
        refused,
    };
    Ok(draw(visit, &page, status, &template))
}

impl NewConnection<'_> {
    /// A tool's people get their products where they are; coverage is for people.
    fn has_clients(&self) -> bool {
        false
    }

    fn error(&self, pointer: &str) -> Option<&str> {
        let errors = &self.refused.as_ref()?.errors;
        errors.iter().find(|error| error.pointer == pointer).map(|error| error.detail.as_str())
    }
}

#[derive(Template)]
#[template(path = "portal/pages/connection.html", config = ".config/askama.toml")]
struct ConnectionPage<'a> {
    page: &'a Page,
    shell: &'a Shell,
    connection: &'a Connection,
    path: String,
    tool: &'static str,
    used: String,
    created: String,
    tokens: Vec<TokenLine>,
    /// Shown once, in the answer to the request that made it.
    fresh: Option<String>,
}

struct TokenLine {
    token: ConnectionToken,
    until: String,
    used: String,
}

/// `GET .../connections/{connection}`
pub async fn show(Path((id, connection)): Path<(Uuid, Uuid)>, visit: Visit) -> Result<Response, Trouble> {
    let connection: Connection = visit.get(&format!("/organizations/{id}/connections/{connection}")).await?;
    render(&visit, id, &connection, (None, None)).await
}

/// `POST .../connections/{connection}/tokens`: another token, shown once.
pub async fn create_token(
    Path((id, connection)): Path<(Uuid, Uuid)>,
    visit: Visit,
    _: Form<Nothing>,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/connections/{connection}");
    let made = visit.send::<ConnectionWithToken, _>(Method::POST, &format!("{path}/tokens"), Some(&json!({}))).await?;
    match made {
        Ok(made) => render(&visit, id, &made.connection, (Some(made.token), None)).await,
        Err(problem) => {
            let connection: Connection = visit.get(&path).await?;
            render(&visit, id, &connection, (None, Some(problem))).await
        }
    }
}

/// `POST .../connections/{connection}/tokens/{token}/revoke`
pub async fn revoke_token(
    State(portal): State<Portal>,
    Path((id, connection, token)): Path<(Uuid, Uuid, Uuid)>,
    visit: Visit,
    _: Form<Nothing>,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/connections/{connection}");
    match visit.send::<Value, ()>(Method::DELETE, &format!("{path}/tokens/{token}"), None).await? {
        Ok(_) => Ok(done(&portal, &format!("/portal{path}"), Toast::TokenRevoked)),
        Err(problem) => {
            let connection: Connection = visit.get(&path).await?;
            render(&visit, id, &connection, (None, Some(problem))).await
        }
    }
}

async fn render(
    visit: &Visit,
    id: Uuid,
    connection: &Connection,
    (fresh, refused): (Option<String>, Option<Problem>),
) -> Result<Response, Trouble> {
    let status = match (&fresh, &refused) {
        (_, Some(problem)) => StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT),
        (Some(_), None) => StatusCode::CREATED,
        (None, None) => StatusCode::OK,
    };
    let shell = Shell::of(visit, Some(id), Section::Connections).await?.refusing(refused);
    let page = shell.page(visit);
    let tokens = connection.tokens.iter().map(|token| TokenLine {
        until: words::date(&token.expires_at),
        used: token
            .last_used_at
            .as_deref()
            .map_or_else(|| "not used yet".to_owned(), |at| format!("last used {}", words::ago(at, visit.now))),
        token: token.clone(),
    });
    let template = ConnectionPage {
        page: &page,
        shell: &shell,
        path: format!("{}/connections/{}", shell.path(), connection.id),
        tool: words::vendor(&connection.vendor),
        used: used(connection, visit.now),
        created: words::date(&connection.created_at),
        tokens: tokens.collect(),
        connection,
        fresh,
    };
    Ok(draw(visit, &page, status, &template))
}

impl ConnectionPage<'_> {
    fn manages(&self) -> bool {
        self.shell.here.may("portal:connections:manage")
    }

    fn may_have_another(&self) -> bool {
        self.manages() && self.tokens.iter().filter(|line| line.token.live).count() < 2
    }
}
