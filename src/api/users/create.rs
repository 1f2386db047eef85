use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    UserDetail,
    change::check_name,
    grants::{self, Faults, Grant, ProductRoles},
    list, mended,
    verb::{self, Verb},
};
use crate::{
    action_tokens::Purpose,
    api::{Attempt, Body, Caller, Ids, Invalid, Over, Problem, Refusal},
    app::App,
    id::OrganizationId,
    organizations,
    store::{Db, Tx},
    users::{self, LoginName, NewUser, Realm, Status, User, address},
};

const CREATE: Verb = Verb { kind: "user.invited", permission: "portal:users:create", on_oneself: false };

/// A person to be made. They are mailed a link at which they set a password and a second factor.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserCreation {
    given_name: String,
    family_name: String,
    /// Also the login name. Individual accounts only: role addresses are refused unless the policy allows them.
    email: String,
    /// `basic`, `administrator` or `accountant`; absent for people who need no portal.
    portal_role: Option<String>,
    #[serde(default)]
    products: Vec<ProductRoles>,
}

/// Creates a user of the organization, gives roles, and mails the link that activates the account.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/users", tag = "users",
    params(("organization" = Uuid, Path)), request_body = UserCreation,
    responses((status = 201, body = UserDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
    Body(creation): Body<UserCreation>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<UserDetail>), Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let over = who.over(tx, id).await?;
        over.require(CREATE.permission)?;
        let (login_name, granted) = judge(tx, &over, &creation).await?;
        let person = insert(tx, &over, (&creation, login_name), &who).await?;
        for grant in &granted {
            grant.give(tx, &over, person.id, who.now).await?;
        }
        mended::send(tx, &parts, &who, (Purpose::Activate, &person)).await?;
        let roles: Vec<Value> = granted.iter().map(Grant::words).collect();
        verb::record(tx, &parts, &who, (CREATE, &person), json!({ "access": roles })).await?;
        list::detail(tx, &who, &over, &person).await
    });
    let attempt = Attempt { organization: id, kind: CREATE.kind, subject: None };
    let detail = caller.denied(app.clone(), attempt, outcome.await).await?;
    let location = app.config.url(&format!("/api/v1/organizations/{id}/users/{}", detail.summary.id));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(detail)))
}

/// All that is wrong at once, so that a form is corrected once.
async fn judge(db: &mut Db<'_>, over: &Over, creation: &UserCreation) -> Result<(LoginName, Vec<Grant>), Refusal> {
    let mut faults = Faults::default();
    faults.invalid.extend(check_name("/given_name", &creation.given_name));
    faults.invalid.extend(check_name("/family_name", &creation.family_name));
    let email = creation.email.trim();
    let policy = organizations::effective_policy(db, over.organization.id).await?;
    if let Err(unfit) = address::check(email, &policy) {
        faults.invalid.push(Invalid::new("/email", unfit.code(), unfit.to_string()));
    }
    let login_name = LoginName::parse(email);
    if faults.invalid.iter().all(|fault| fault.pointer != "/email")
        && let Err(error) = &login_name
    {
        faults.invalid.push(Invalid::new("/email", "malformed-address", error.to_string()));
    }
    let mut granted = Vec::new();
    if let Some(slug) = &creation.portal_role {
        granted.extend(grants::judge_portal_role(db, over, slug, &mut faults).await?);
    }
    for (index, asked) in creation.products.iter().enumerate() {
        let pointer = format!("/products/{index}");
        if creation.products[..index].iter().any(|before| before.slug == asked.slug) {
            faults.invalid.push(Invalid::new(pointer, "twice", "Each product stands here once."));
            continue;
        }
        granted.extend(grants::judge_product(db, over, (&pointer, asked), &mut faults).await?);
    }
    faults.into_result()?;
    let login_name = login_name.map_err(|_| Refusal::Server)?;
    Ok((login_name, granted))
}

async fn insert(
    tx: &mut Tx<'_>,
    over: &Over,
    (creation, login_name): (&UserCreation, LoginName),
    caller: &Caller,
) -> Result<User, Refusal> {
    let new = NewUser {
        organization_id: over.organization.id,
        realm: Realm::Portal,
        login_name,
        email: Some(creation.email.trim().to_owned()),
        given_name: creation.given_name.trim().to_owned(),
        family_name: creation.family_name.trim().to_owned(),
        display_name: String::new(),
        status: Status::Invited,
        connection_id: None,
        external_id: None,
        document: json!({}),
    };
    users::insert(tx, &new, caller.now).await?.map_err(|_| {
        let text = "Somebody has this login name already. Use another address, or look for the person in the list.";
        Refusal::Invalid(vec![Invalid::new("/email", "taken", text)])
    })
}
