//! What administrators do to a person: each a form of its own, answered by the person's page.

use axum::{
    extract::{Path, State},
    http::{Method, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Portal, Trouble, Visit,
    api::{Problem, ProductList, UserDetail},
    create_user::ProductFields,
    toast::{self, Toast},
    user_page,
};
use crate::http::{Form, see_other};

type Ids = Path<(Uuid, Uuid)>;
/// A form without fields of its own.
#[derive(Deserialize)]
pub struct Nothing {}

/// `POST .../deactivate`
pub async fn deactivate(ids: Ids, visit: Visit, _: Form<Nothing>) -> Result<Response, Trouble> {
    act(&visit, ids, (Method::POST, "/deactivate"), Toast::Deactivated).await
}

/// `POST .../reactivate`
pub async fn reactivate(ids: Ids, visit: Visit, _: Form<Nothing>) -> Result<Response, Trouble> {
    act(&visit, ids, (Method::POST, "/reactivate"), Toast::Reactivated).await
}

/// `POST .../reset-password`
pub async fn reset_password(ids: Ids, visit: Visit, _: Form<Nothing>) -> Result<Response, Trouble> {
    act(&visit, ids, (Method::POST, "/reset-password"), Toast::PasswordSent).await
}

/// `POST .../reset-mfa`
pub async fn reset_mfa(ids: Ids, visit: Visit, _: Form<Nothing>) -> Result<Response, Trouble> {
    act(&visit, ids, (Method::POST, "/reset-mfa"), Toast::MfaReset).await
}

/// `POST .../invite`
pub async fn invite(ids: Ids, visit: Visit, _: Form<Nothing>) -> Result<Response, Trouble> {
    act(&visit, ids, (Method::POST, "/invite"), Toast::Invited).await
}

async fn act(
    visit: &Visit,
    Path((id, user)): Ids,
    (method, verb): (Method, &str),
    toast: Toast,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/users/{user}{verb}");
    match visit.send::<Value, ()>(method, &path, None).await? {
        Ok(_) => Ok(done(&visit.portal, &format!("/portal/organizations/{id}/users/{user}"), toast)),
        Err(problem) => user_page::render(visit, (id, user), Some(problem)).await,
    }
}

/// Back to a page, which tells what was done.
pub fn done(portal: &Portal, location: &str, toast: Toast) -> Response {
    let mut response = see_other(location).into_response();
    response.headers_mut().append(header::SET_COOKIE, toast::tell(portal, toast));
    response
}

#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    login: String,
}

/// `POST .../remove`: what cannot be undone asks for the login name, typed.
pub async fn remove(ids: Ids, visit: Visit, Form(typed): Form<Confirmation>) -> Result<Response, Trouble> {
    let Path((id, user)) = ids;
    let person: UserDetail = visit.get(&format!("/organizations/{id}/users/{user}")).await?;
    if typed.login.trim() != person.summary.login_name {
        let detail = "The login name you typed is not this person's. Nothing was changed.".to_owned();
        let title = "The names differ".to_owned();
        let problem = Problem { kind: String::new(), title, status: 422, detail, errors: Vec::new() };
        return user_page::render(&visit, (id, user), Some(problem)).await;
    }
    let path = format!("/organizations/{id}/users/{user}");
    match visit.send::<Value, ()>(Method::DELETE, &path, None).await? {
        Ok(_) => Ok(done(&visit.portal, &format!("/portal/organizations/{id}/users"), Toast::Removed)),
        Err(problem) => user_page::render(&visit, (id, user), Some(problem)).await,
    }
}

#[derive(Deserialize, Serialize)]
pub struct Names {
    given_name: String,
    family_name: String,
}

/// `POST .../names`
pub async fn names(
    State(portal): State<Portal>,
    Path((id, user)): Ids,
    visit: Visit,
    Form(names): Form<Names>,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/users/{user}");
    match visit.send::<Value, _>(Method::PATCH, &path, Some(&names)).await? {
        Ok(_) => Ok(done(&portal, &format!("/portal/organizations/{id}/users/{user}"), Toast::Named)),
        Err(problem) => user_page::render(&visit, (id, user), Some(problem.by_first_fault())).await,
    }
}

/// `POST .../access`: what changed is asked of the API, one product after the other.
pub async fn access(
    State(portal): State<Portal>,
    Path((id, user)): Ids,
    visit: Visit,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let base = format!("/organizations/{id}/users/{user}");
    let person: UserDetail = visit.get(&base).await?;
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    for (slug, wanted) in changes(&fields, (&person, &list), id) {
        let path = format!("{base}/products/{slug}");
        let outcome = match wanted {
            Some(body) => visit.send::<Value, _>(Method::PUT, &path, Some(&body)).await?,
            None => visit.send::<Value, ()>(Method::DELETE, &path, None).await?,
        };
        if let Err(problem) = outcome {
            return user_page::access_form(&visit, (id, user), Some(problem.by_first_fault())).await;
        }
    }
    Ok(done(&portal, &format!("/portal/organizations/{id}/users/{user}"), Toast::AccessChanged))
}

/// What differs from what they hold: roles to set (`Some`) or a product to take (`None`).
fn changes(
    fields: &[(String, String)],
    (person, list): (&UserDetail, &ProductList),
    id: Uuid,
) -> Vec<(String, Option<Value>)> {
    let held = |slug: &str| {
        person
            .access
            .iter()
            .find(|access| access.product.slug == slug && access.by_hand && access.organization.id == id)
    };
    let mut changes = Vec::new();
    for product in &list.products {
        let wanted = ProductFields::of(fields, &product.slug);
        let before = held(&product.slug);
        let mut roles_before: Vec<&str> =
            before.map(|held| held.roles.iter().map(|role| role.slug.as_str()).collect()).unwrap_or_default();
        roles_before.sort_unstable();
        match &wanted {
            Some(wanted) => {
                let mut roles: Vec<&str> = wanted.roles.iter().map(String::as_str).collect();
                roles.sort_unstable();
                if roles != roles_before || before.is_none_or(|held| held.subtree != wanted.subtree) {
                    let body = json!({ "roles": wanted.roles, "subtree": wanted.subtree });
                    changes.push((product.slug.clone(), Some(body)));
                }
            }
            None if before.is_some() => changes.push((product.slug.clone(), None)),
            None => {}
        }
    }
    if !list.portal_roles.is_empty() {
        let wanted = fields.iter().find(|(name, _)| name == "portal_role").map(|(_, role)| role.as_str());
        let before = held("portal").and_then(|held| held.roles.first()).map(|role| role.slug.as_str());
        match wanted.filter(|role| !role.is_empty()) {
            Some(role) if before != Some(role) => {
                changes.push(("portal".to_owned(), Some(json!({ "roles": [role] }))));
            }
            None if before.is_some() && wanted.is_some() => changes.push(("portal".to_owned(), None)),
            _ => {}
        }
    }
    changes
}
