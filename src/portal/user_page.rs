use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use uuid::Uuid;

use super::{
    Trouble, Visit,
    api::{Access, Problem, ProductList, ProductRole, SecondFactor, UserDetail},
    shell::{Section, Shell, draw},
    users_page::Products,
    words,
};
use crate::http::{Page, initials};

#[derive(Template)]
#[template(path = "portal/pages/user.html", config = ".config/askama.toml")]
struct UserPage<'a> {
    page: &'a Page,
    shell: &'a Shell,
    user: &'a UserDetail,
    path: String,
    initials: String,
    hue: &'static str,
    products: &'a Products,
    access: Vec<Holding>,
    factors: Vec<FactorLine>,
    created: String,
    seen: Option<String>,
    /// Where the connection that manages the account is.
    connection_path: Option<String>,
}

/// Roles of one product over one organization, in words.
struct Holding {
    product: String,
    class: String,
    icon: &'static str,
    roles: Vec<String>,
    note: String,
    /// What gives them, if no administrator did.
    origin: Option<Origin>,
}

/// A group or a connection that gives roles, and where it can be changed.
struct Origin {
    text: String,
    link: Option<String>,
}

struct FactorLine {
    factor: SecondFactor,
    icon: &'static str,
    text: String,
}

/// `GET .../users/{user}`: who it is, what they may, how they prove it.
pub async fn show(Path((id, user)): Path<(Uuid, Uuid)>, visit: Visit) -> Result<Response, Trouble> {
    render(&visit, (id, user), None).await
}

/// The page, with what was refused at its top.
pub async fn render(visit: &Visit, (id, user): (Uuid, Uuid), refused: Option<Problem>) -> Result<Response, Trouble> {
    let shell = Shell::of(visit, Some(id), Section::Users).await?;
    let status = refused.as_ref().and_then(|problem| StatusCode::from_u16(problem.status).ok());
    let shell = shell.refusing(refused);
    let user: UserDetail = visit.get(&format!("/organizations/{id}/users/{user}")).await?;
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let products = Products::of(&list);
    let page = shell.page(visit);
    let name = &user.summary.display_name;
    let template = UserPage {
        page: &page,
        shell: &shell,
        path: format!("{}/users/{}", shell.path(), user.summary.id),
        initials: initials(name),
        hue: words::hue(name),
        access: holdings(&user, &shell, (&products, &list)),
        connection_path: user
            .connection
            .as_ref()
            .and_then(|connection| shell.connection_path(&user.organization, connection)),
        products: &products,
        factors: user.second_factors.iter().map(|factor| FactorLine::of(factor, visit)).collect(),
        created: words::date(&user.summary.created_at),
        seen: user.summary.last_login_at.as_deref().map(|at| words::ago(at, visit.now)),
        user: &user,
    };
    Ok(draw(visit, &page, status.unwrap_or(StatusCode::OK), &template))
}

fn holdings(user: &UserDetail, shell: &Shell, (products, list): (&Products, &ProductList)) -> Vec<Holding> {
    let entries = user.access.iter().map(|access| {
        let known = list.products.iter().find(|known| known.slug == access.product.slug);
        let mut note = access.organization.name.clone();
        if access.subtree {
            note.push_str(" and its client organizations");
        }
        if access.source == "default" {
            note.push_str(". By default");
        }
        Holding {
            product: access.product.name.clone(),
            class: products.class(&access.product.slug),
            icon: words::product_icon(known.map_or("", |known| &known.description), &access.product.slug),
            roles: access.roles.iter().map(|role| role.name.clone()).collect(),
            note,
            origin: Origin::of(access, shell),
        }
    });
    entries.collect()
}

impl Origin {
    fn of(access: &Access, shell: &Shell) -> Option<Self> {
        if access.by_hand {
            return None;
        }
        let text = match (&access.group, &access.connection) {
            (Some(group), Some(connection)) => format!("From group {group} of {}", connection.name),
            (Some(group), None) => format!("From group {group}"),
            (None, Some(connection)) => format!("From {}", connection.name),
            (None, None) => return None,
        };
        let connection = access.connection.as_ref();
        Some(Self {
            text,
            link: connection.and_then(|connection| shell.connection_path(&access.organization, connection)),
        })
    }
}

impl FactorLine {
    fn of(factor: &SecondFactor, visit: &Visit) -> Self {
        let (icon, kind) = match factor.kind.as_str() {
            "totp" => ("phone", "Authenticator app"),
            "passkey" => ("fingerprint", "Passkey or security key"),
            "email" => ("mail", "Code by e-mail"),
            _ => ("key", "Other"),
        };
        let used = factor
            .last_used_at
            .as_deref()
            .map_or_else(|| "Not used yet".to_owned(), |at| format!("Last used {}", words::ago(at, visit.now)));
        Self { factor: factor.clone(), icon, text: format!("{kind}. {used}") }
    }
}

impl UserPage<'_> {
    fn is_oneself(&self) -> bool {
        self.user.summary.id == self.shell.me.id
    }

    fn badge(&self) -> (&'static str, &'static str) {
        match self.user.summary.status.as_str() {
            "invited" if self.user.summary.asked_by.is_some() => ("is-warn", "Not joined yet"),
            "active" if self.user.summary.asked_by.is_some() => ("is-ok", "Joined"),
            "active" => ("is-ok", "Active"),
            "invited" => ("is-warn", "Invited"),
            _ => ("", "Deactivated"),
        }
    }
}

#[derive(Template)]
#[template(path = "portal/pages/user_access.html", config = ".config/askama.toml")]
struct AccessPage<'a> {
    page: &'a Page,
    shell: &'a Shell,
    user: &'a UserDetail,
    path: String,
    products: &'a Products,
    form: Vec<Pick>,
    portal_roles: Vec<RolePick>,
    /// What is nobody's to change here.
    given: Vec<Holding>,
}

/// A product in a form, with its roles.
pub struct Pick {
    /// What its fields' names begin with, in a form that asks twice.
    pub prefix: &'static str,
    pub slug: String,
    pub name: String,
    pub class: String,
    pub icon: &'static str,
    pub chosen: bool,
    pub subtree: bool,
    pub roles: Vec<RolePick>,
}

/// A role in a form.
pub struct RolePick {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub grantable: bool,
    pub chosen: bool,
}

impl RolePick {
    pub fn of(role: &ProductRole, chosen: bool) -> Self {
        Self {
            slug: role.slug.clone(),
            name: role.name.clone(),
            description: role.description.clone(),
            grantable: role.grantable,
            chosen,
        }
    }
}

/// `GET .../users/{user}/access`: the form of products and roles.
pub async fn access(Path((id, user)): Path<(Uuid, Uuid)>, visit: Visit) -> Result<Response, Trouble> {
    access_form(&visit, (id, user), None).await
}

/// The form with what they hold now, and what was refused at its top.
pub async fn access_form(
    visit: &Visit,
    (id, user): (Uuid, Uuid),
    refused: Option<Problem>,
) -> Result<Response, Trouble> {
    let status = refused.as_ref().and_then(|problem| StatusCode::from_u16(problem.status).ok());
    let shell = Shell::of(visit, Some(id), Section::Users).await?.refusing(refused);
    let user: UserDetail = visit.get(&format!("/organizations/{id}/users/{user}")).await?;
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let products = Products::of(&list);
    let direct = |slug: &str| {
        user.access.iter().find(|access| {
            access.product.slug == slug && access.by_hand && access.organization.id == shell.here.organization.id
        })
    };
    let form = list.products.iter().map(|product| {
        let held = direct(&product.slug);
        let holds = |role: &ProductRole| held.is_some_and(|held| held.roles.iter().any(|one| one.slug == role.slug));
        Pick {
            prefix: "",
            slug: product.slug.clone(),
            name: product.name.clone(),
            class: products.class(&product.slug),
            icon: words::product_icon(&product.description, &product.slug),
            chosen: held.is_some(),
            subtree: held.is_some_and(|held| held.subtree),
            roles: product.roles.iter().map(|role| RolePick::of(role, holds(role))).collect(),
        }
    });
    let portal = direct("portal").and_then(|held| held.roles.first());
    let is_portal_role = |role: &ProductRole| portal.is_some_and(|held| held.slug == role.slug);
    let page = shell.page(visit);
    let template = AccessPage {
        page: &page,
        shell: &shell,
        path: format!("{}/users/{}", shell.path(), user.summary.id),
        form: form.collect(),
        portal_roles: list.portal_roles.iter().map(|role| RolePick::of(role, is_portal_role(role))).collect(),
        given: holdings(&user, &shell, (&products, &list)).into_iter().filter(|held| held.origin.is_some()).collect(),
        products: &products,
        user: &user,
    };
    Ok(draw(visit, &page, status.unwrap_or(StatusCode::OK), &template))
}

impl AccessPage<'_> {
    fn no_portal_role(&self) -> bool {
        self.portal_roles.iter().all(|role| !role.chosen)
    }

    fn has_clients(&self) -> bool {
        self.shell.here.organization.kind != "client"
    }
}
