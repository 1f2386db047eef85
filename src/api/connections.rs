//! Connections of an organization: made in a minute, the token shown once (product.md V1).

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Attempt, Body, Caller, Ids, Invalid, Over, Problem, Refusal,
    users::{change::check_name, grants::level_of},
};
use crate::{
    app::App,
    audit::{self, Event, SubjectKind},
    clock::Timestamp,
    connections::{self, Connection, DefaultAssignment, NewConnection, Settings, Token, Vendor},
    id::{ConnectionId, ConnectionTokenId, OrganizationId},
    products::{self, portal},
    store::{Db, Tx},
};

const READ: &str = "portal:connections:read";
const MANAGE: &str = "portal:connections:manage";

/// How long a token works unless asked for less.
const USUAL_DAYS: u32 = 180;
const LONGEST_DAYS: u32 = 366;

/// One external tool's SCIM access to the organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionDetail {
    pub id: Uuid,
    pub name: String,
    /// `entra`, `okta`, `onelogin`, `jumpcloud` or `generic`.
    pub vendor: String,
    /// `active` or `paused`.
    pub status: String,
    /// Where the tool sends its requests.
    pub base_url: String,
    /// What each provisioned user gets.
    pub default_products: Vec<DefaultProduct>,
    pub tokens: Vec<ConnectionToken>,
    /// RFC 3339.
    pub created_at: String,
    pub last_used_at: Option<String>,
}

/// A product that provisioned users start with.
#[derive(Debug, Serialize, ToSchema)]
pub struct DefaultProduct {
    pub slug: String,
    pub name: String,
    pub roles: Vec<String>,
}

/// A bearer token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionToken {
    pub id: Uuid,
    /// Its last four characters.
    pub hint: String,
    pub created_at: String,
    pub expires_at: String,
    pub last_used_at: Option<String>,
    /// Whether it opens anything now.
    pub live: bool,
}

/// The connections of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionList {
    pub connections: Vec<ConnectionDetail>,
}

/// A connection to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionCreation {
    name: String,
    /// `entra`, `okta`, `onelogin`, `jumpcloud` or `generic` (if absent).
    vendor: Option<String>,
    /// Days that its first token works: 1 to 366, 180 if absent.
    token_days: Option<u32>,
    /// What each provisioned user gets; never a role of the portal.
    #[serde(default)]
    default_products: Vec<super::users::grants::ProductRoles>,
}

/// A token to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCreation {
    /// 1 to 366; 180 if absent.
    days: Option<u32>,
}

/// A connection, and the secret of its newest token: in this answer and never again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionWithToken {
    pub connection: ConnectionDetail,
    /// Send it as `Authorization: Bearer ...`. It is not stored: copy it now.
    pub token: String,
}

type Created = (StatusCode, [(HeaderName, String); 1], Json<ConnectionWithToken>);

/// The organization's connections, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/connections", tag = "connections",
    params(("organization" = Uuid, Path)),
    responses((status = 200, body = ConnectionList), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
) -> Result<Json<ConnectionList>, Refusal> {
    let mut db = app.store.reader().await?;
    caller.over(&mut db, id).await?.require(READ)?;
    let mut listed = Vec::new();
    for connection in connections::list(&mut db, id).await? {
        listed.push(detail(&mut db, &app, connection, caller.now).await?);
    }
    Ok(Json(ConnectionList { connections: listed }))
}

/// One connection with its tokens.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/connections/{connection}", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 200, body = ConnectionDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
) -> Result<Json<ConnectionDetail>, Refusal> {
    let mut db = app.store.reader().await?;
    caller.over(&mut db, id).await?.require(READ)?;
    let connection = connections::find_in(&mut db, id, connection).await?.ok_or(Refusal::NotFound)?;
    Ok(Json(detail(&mut db, &app, connection, caller.now).await?))
}

/// Makes a connection with its first token. Asks for a fresh sign-in.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/connections", tag = "connections",
    params(("organization" = Uuid, Path)), request_body = ConnectionCreation,
    responses((status = 201, body = ConnectionWithToken), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<OrganizationId>,
    Body(creation): Body<ConnectionCreation>,
) -> Result<Created, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let over = managing(tx, &who, id).await?;
        let (vendor, life, default_assignments) = judge(tx, &over, &creation).await?;
        let new = NewConnection {
            organization_id: id,
            name: creation.name.trim().to_owned(),
            vendor,
            settings: Settings { default_assignments, ..Settings::default() },
            created_by: who.user_id(),
        };
        let connection = connections::insert(tx, &new, who.now).await?;
        let event = Event::new(id, "connection.created", who.by.clone());
        let event = event.on(SubjectKind::Connection, connection.id.0).with(json!({ "vendor": vendor.as_str() }));
        audit::record(tx, &parts.master, event, who.now).await?;
        issue(tx, &parts, &who, (connection, life)).await
    });
    let attempt = Attempt { organization: id, kind: "connection.created", subject: None };
    let made = caller.denied(app.clone(), attempt, outcome.await).await?;
    Ok(created(&app, id, made))
}

/// Makes another token beside the one in use, so that it can be replaced without a gap. Two live at once
/// at most. Asks for a fresh sign-in.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/connections/{connection}/tokens", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)), request_body = TokenCreation,
    responses((status = 201, body = ConnectionWithToken), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub async fn create_token(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
    Body(creation): Body<TokenCreation>,
) -> Result<Created, Refusal> {
    let life = life("/days", creation.days).map_err(|invalid| Refusal::Invalid(vec![invalid]))?;
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        managing(tx, &who, id).await?;
        let connection = connections::find_in(tx, id, connection).await?.ok_or(Refusal::NotFound)?;
        issue(tx, &parts, &who, (connection, life)).await
    });
    let subject = Some((SubjectKind::Connection, connection.0));
    let attempt = Attempt { organization: id, kind: "connection.token_issued", subject };
    let made = caller.denied(app.clone(), attempt, outcome.await).await?;
    Ok(created(&app, id, made))
}

/// Ends a token at once.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/connections/{connection}/tokens/{token}", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path), ("token" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn revoke_token(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection, token)): Ids<(OrganizationId, ConnectionId, ConnectionTokenId)>,
) -> Result<StatusCode, Refusal> {
    let (master, who) = (app.master.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        who.over(tx, id).await?.require(MANAGE)?;
        let connection = connections::find_in(tx, id, connection).await?.ok_or(Refusal::NotFound)?;
        if !connections::revoke_token(tx, connection.id, token, who.now).await? {
            return Err(Refusal::NotFound);
        }
        let event = Event::new(id, "connection.token_revoked", who.by.clone());
        let event = event.on(SubjectKind::Connection, connection.id.0).with(json!({ "token": token }));
        Ok(audit::record(tx, &master, event, who.now).await?)
    });
    let subject = Some((SubjectKind::Connection, connection.0));
    let attempt = Attempt { organization: id, kind: "connection.token_revoked", subject };
    caller.denied(app.clone(), attempt, outcome.await).await.map(|()| StatusCode::NO_CONTENT)
}

async fn managing(db: &mut Db<'_>, caller: &Caller, id: OrganizationId) -> Result<Over, Refusal> {
    let over = caller.over(db, id).await?;
    over.require(MANAGE)?;
    caller.fresh()?;
    Ok(over)
}

async fn judge(
    db: &mut Db<'_>,
    over: &Over,
    creation: &ConnectionCreation,
) -> Result<(Vendor, Duration, Vec<DefaultAssignment>), Refusal> {
    let mut errors: Vec<Invalid> = check_name("/name", &creation.name).into_iter().collect();
    let vendor = creation.vendor.as_deref().unwrap_or(Vendor::Generic.as_str()).parse();
    if vendor.is_err() {
        let text = "Use one of entra, okta, onelogin, jumpcloud, generic.";
        errors.push(Invalid::new("/vendor", "unknown-vendor", text));
    }
    let life = life("/token_days", creation.token_days);
    errors.extend(life.as_ref().err().cloned());
    let defaults = default_products(db, over, &creation.default_products, &mut errors).await?;
    match (vendor, life) {
        (Ok(vendor), Ok(life)) if errors.is_empty() => Ok((vendor, life, defaults)),
        _ => Err(Refusal::Invalid(errors)),
    }
}

/// A tool gives what its maker could give: products that the organization has, never the portal (V2).
async fn default_products(
    db: &mut Db<'_>,
    over: &Over,
    asked: &[super::users::grants::ProductRoles],
    errors: &mut Vec<Invalid>,
) -> Result<Vec<DefaultAssignment>, Refusal> {
    let here = products::list_of_organization(db, over.organization.id).await?;
    let mut defaults = Vec::with_capacity(asked.len());
    for (index, wanted) in asked.iter().enumerate() {
        let pointer = format!("/default_products/{index}");
        let found = here.iter().find(|product| product.slug == wanted.slug && product.slug != portal::SLUG);
        let Some(product) = found else {
            let text = format!("{} does not have this product.", over.organization.name);
            errors.push(Invalid::new(pointer, "unknown-product", text));
            continue;
        };
        let mut roles = Vec::new();
        for slug in &wanted.roles {
            let role = products::find_role(db, product.id, slug).await?;
            match role.filter(|role| role.level == level_of(over.organization.kind)) {
                Some(role) if over.actor.may_grant(db, &role, over.organization.id).await? => roles.push(role.id),
                _ => {
                    let text = format!("{} has no such role that you could give here.", product.name);
                    errors.push(Invalid::new(pointer.clone(), "unknown-role", text));
                }
            }
        }
        if roles.is_empty() {
            errors.push(Invalid::new(pointer, "empty", format!("Pick at least one role of {}.", product.name)));
            continue;
        }
        defaults.push(DefaultAssignment { product: product.id, roles, subtree: false });
    }
    Ok(defaults)
}

fn life(pointer: &str, days: Option<u32>) -> Result<Duration, Invalid> {
    let days = days.unwrap_or(USUAL_DAYS);
    if (1..=LONGEST_DAYS).contains(&days) {
        return Ok(Duration::from_secs(u64::from(days) * 24 * 3600));
    }
    Err(Invalid::new(pointer, "out-of-range", "Use 1 to 366 days."))
}

async fn issue(
    tx: &mut Tx<'_>,
    app: &App,
    caller: &Caller,
    (connection, life): (Connection, Duration),
) -> Result<ConnectionWithToken, Refusal> {
    let issued = connections::issue_token(tx, connection.id, caller.now + life, caller.now).await?;
    let (secret, token) = issued.map_err(|_| Refusal::TwoTokens)?;
    let event = Event::new(connection.organization_id, "connection.token_issued", caller.by.clone());
    let event = event.on(SubjectKind::Connection, connection.id.0).with(json!({ "token": token.id }));
    audit::record(tx, &app.master, event, caller.now).await?;
    let connection = detail(tx, app, connection, caller.now).await?;
    Ok(ConnectionWithToken { connection, token: secret.expose().to_owned() })
}

fn created(app: &App, organization: OrganizationId, made: ConnectionWithToken) -> Created {
    let path = format!("/api/v1/organizations/{organization}/connections/{}", made.connection.id);
    (StatusCode::CREATED, [(header::LOCATION, app.config.url(&path))], Json(made))
}

async fn detail(
    db: &mut Db<'_>,
    app: &App,
    connection: Connection,
    now: Timestamp,
) -> Result<ConnectionDetail, Refusal> {
    let tokens = connections::tokens(db, connection.id).await?;
    let mut default_products = Vec::new();
    for default in &connection.settings.default_assignments {
        let Some(product) = products::find(db, default.product).await? else { continue };
        let roles = products::list_roles(db, product.id).await?;
        let roles = roles.into_iter().filter(|role| default.roles.contains(&role.id)).map(|role| role.name);
        default_products.push(DefaultProduct { slug: product.slug, name: product.name, roles: roles.collect() });
    }
    Ok(ConnectionDetail {
        id: connection.id.0,
        base_url: app.config.url(&connection.path()),
        name: connection.name,
        vendor: connection.vendor.as_str().to_owned(),
        status: connection.status.as_str().to_owned(),
        default_products,
        tokens: tokens.iter().map(|token| ConnectionToken::of(token, now)).collect(),
        created_at: connection.created_at.to_rfc3339(),
        last_used_at: connection.last_used_at.map(Timestamp::to_rfc3339),
    })
}

impl ConnectionToken {
    fn of(token: &Token, now: Timestamp) -> Self {
        Self {
            id: token.id.0,
            hint: token.hint.clone(),
            created_at: token.created_at.to_rfc3339(),
            expires_at: token.expires_at.to_rfc3339(),
            last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
            live: token.is_live(now),
        }
    }
}
