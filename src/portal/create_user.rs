//! Create user (product.md P2): one form, and a confirmation of what was created.

use askama::Template;
use axum::{
    extract::Path,
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Trouble, Visit,
    api::{FieldError, Organization, OrganizationList, ProductList, UserDetail},
    shell::{Section, Shell, draw},
    user_page::{Pick, RolePick},
    users_page::Products,
    words,
};
use crate::http::{Form, Page, see_other};

/// What was typed: kept when the form comes back.
#[derive(Debug, Default)]
struct Typed {
    given_name: String,
    family_name: String,
    email: String,
    portal_role: String,
}

/// One product of a form: `product`, `role.<slug>` and `coverage.<slug>`, behind a prefix where a form asks
/// twice.
pub struct ProductFields {
    pub roles: Vec<String>,
    pub subtree: bool,
}

impl ProductFields {
    /// The product as the form has it; `None` if it was not picked.
    pub fn of(fields: &[(String, String)], slug: &str) -> Option<Self> {
        Self::behind("", fields, slug)
    }

    /// The same where the names begin with `prefix`.
    pub fn behind(prefix: &str, fields: &[(String, String)], slug: &str) -> Option<Self> {
        let has = |name: &str, value: &str| fields.iter().any(|(n, v)| n == name && v == value);
        if !has(&format!("{prefix}product"), slug) {
            return None;
        }
        let name = format!("{prefix}role.{slug}");
        let roles = fields.iter().filter(|(field, _)| *field == name).map(|(_, role)| role.clone()).collect();
        Some(Self { roles, subtree: has(&format!("{prefix}coverage.{slug}"), "below") })
    }
}

#[derive(Template)]
#[template(path = "portal/pages/create_user.html", config = ".config/askama.toml")]
struct CreateUser<'a> {
    page: &'a Page,
    shell: &'a Shell,
    organizations: Vec<Organization>,
    typed: &'a Typed,
    form: Vec<Pick>,
    portal_roles: Vec<RolePick>,
    products: &'a Products,
    errors: Vec<Fault>,
}

/// Something to correct, and where it stands.
struct Fault {
    /// The id of the field.
    field: String,
    label: String,
    text: String,
}

/// `GET .../users/new`
pub async fn form(Path(id): Path<Uuid>, visit: Visit) -> Result<Response, Trouble> {
    let typed = Typed { portal_role: "basic".to_owned(), ..Typed::default() };
    render(&visit, id, (&typed, &[]), Vec::new()).await
}

/// `POST .../users/new`: creates, and shows what was created.
pub async fn create(
    Path(id): Path<Uuid>,
    visit: Visit,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let value = |name: &str| {
        fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    // Choosing another organization shows that one's products and roles, with what was typed.
    let chosen: Option<Uuid> = value("organization").parse().ok();
    let typed = Typed {
        given_name: value("given_name"),
        family_name: value("family_name"),
        email: value("email"),
        portal_role: value("portal_role"),
    };
    if let Some(chosen) = chosen.filter(|chosen| *chosen != id || fields.iter().any(|(name, _)| name == "choose")) {
        return render(&visit, chosen, (&typed, &fields), Vec::new()).await;
    }
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let products: Vec<Value> = list
        .products
        .iter()
        .filter_map(|product| {
            let fields = ProductFields::of(&fields, &product.slug)?;
            Some(json!({ "slug": product.slug, "roles": fields.roles, "subtree": fields.subtree }))
        })
        .collect();
    let mut body = json!({
        "given_name": typed.given_name,
        "family_name": typed.family_name,
        "email": typed.email,
        "products": products,
    });
    if !typed.portal_role.is_empty() {
        body["portal_role"] = json!(typed.portal_role);
    }
    let path = format!("/organizations/{id}/users");
    match visit.send::<UserDetail, _>(Method::POST, &path, Some(&body)).await? {
        Ok(user) => created(&visit, id, &user).await,
        Err(problem) if !problem.errors.is_empty() => {
            let faults = problem.errors.iter().map(|error| Fault::of(error, &products, &list)).collect();
            render(&visit, id, (&typed, &fields), faults).await
        }
        Err(problem) => {
            let field = "create-user-form".to_owned();
            let fault = Fault { field, label: problem.title.clone(), text: problem.detail.clone() };
            render(&visit, id, (&typed, &fields), vec![fault]).await
        }
    }
}

impl Fault {
    fn of(error: &FieldError, asked: &[Value], list: &ProductList) -> Self {
        let (field, label) = match error.pointer.as_str() {
            "/given_name" => ("given_name".to_owned(), "First name".to_owned()),
            "/family_name" => ("family_name".to_owned(), "Last name".to_owned()),
            "/email" => ("email".to_owned(), "E-mail".to_owned()),
            "/portal_role" => ("portal-roles".to_owned(), "Portal role".to_owned()),
            pointer => product_of(pointer, asked, list),
        };
        Self { field, label, text: error.detail.clone() }
    }
}

fn product_of(pointer: &str, asked: &[Value], list: &ProductList) -> (String, String) {
    let index = pointer.strip_prefix("/products/").and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
    let slug = index.and_then(|index| asked.get(index)?.get("slug")?.as_str());
    let product = slug.and_then(|slug| list.products.iter().find(|product| product.slug == slug));
    match product {
        Some(product) => (format!("product-{}", product.slug), product.name.clone()),
        None => ("create-user-form".to_owned(), "Form".to_owned()),
    }
}

async fn render(
    visit: &Visit,
    id: Uuid,
    (typed, fields): (&Typed, &[(String, String)]),
    errors: Vec<Fault>,
) -> Result<Response, Trouble> {
    let shell = Shell::of(visit, Some(id), Section::Users).await?;
    if !shell.here.may("portal:users:create") {
        return Ok(see_other(&format!("{}/users", shell.path())));
    }
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let organizations: OrganizationList = visit.get("/organizations").await?;
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
    let page = shell.page(visit);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = CreateUser {
        page: &page,
        shell: &shell,
        organizations: organizations.organizations,
        typed,
        form: form.collect(),
        portal_roles: list.portal_roles.iter().map(|role| RolePick::of(role, role.slug == typed.portal_role)).collect(),
        products: &products,
        errors,
    };
    Ok(draw(visit, &page, status, &template))
}

impl CreateUser<'_> {
    fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|fault| fault.field == field).map(|fault| fault.text.as_str())
    }

    fn has_clients(&self) -> bool {
        self.shell.here.organization.kind != "client"
    }

    fn no_portal_role(&self) -> bool {
        self.portal_roles.iter().all(|role| !role.chosen)
    }
}

#[derive(Template)]
#[template(path = "portal/pages/user_created.html", config = ".config/askama.toml")]
struct Created<'a> {
    page: &'a Page,
    shell: &'a Shell,
    user: &'a UserDetail,
}

async fn created(visit: &Visit, id: Uuid, user: &UserDetail) -> Result<Response, Trouble> {
    let shell = Shell::of(visit, Some(id), Section::Users).await?;
    let page = shell.page(visit);
    Ok(draw(visit, &page, StatusCode::CREATED, &Created { page: &page, shell: &shell, user }))
}
