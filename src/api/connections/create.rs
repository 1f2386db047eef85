use std::{str::FromStr, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Attempt, Body, Caller, ConnectionDetail, Ids, Invalid, MANAGE, Over, Problem, Refusal, record, wire};
use crate::{
    api::users::{
        change::check_name,
        grants::{Faults, ProductRoles, judge_product},
    },
    app::App,
    connections::{self, Connection, DefaultAssignment, GroupRole, NewConnection, OnCreate, Settings, Vendor},
    id::OrganizationId,
    store::{Db, Tx},
};

/// How long a token works unless asked for less.
const USUAL_DAYS: u32 = 180;
const LONGEST_DAYS: u32 = 366;

/// A connection to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionCreation {
    name: String,
    /// `entra`, `okta`, `onelogin`, `jumpcloud` or `generic` (if absent).
    vendor: Option<String>,
    /// Days that its first token works: 1 to 366, 180 if absent.
    token_days: Option<u32>,
    /// What becomes of a person right after POST: `invite` (if absent) mails them a link, `activate` does not.
    on_create: Option<String>,
    /// What each provisioned user gets; never a role of the portal.
    #[serde(default)]
    default_products: Vec<ProductRoles>,
}

/// A connection, and the secret of its newest token: in this answer and never again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionWithToken {
    pub connection: ConnectionDetail,
    /// Send it as `Authorization: Bearer ...`. It is not stored: copy it now.
    pub token: String,
}

pub type Created = (StatusCode, [(HeaderName, String); 1], Json<ConnectionWithToken>);

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
        let (vendor, life, settings) = judge(tx, &over, &creation).await?;
        let new = NewConnection {
            organization_id: id,
            name: creation.name.trim().to_owned(),
            vendor,
            settings,
            created_by: who.user_id(),
        };
        let connection = connections::insert(tx, &new, who.now).await?;
        record(tx, &parts, &who, (&connection, "connection.created"), json!({ "vendor": vendor })).await?;
        issue(tx, &parts, &who, (connection, life)).await
    });
    let attempt = Attempt { organization: id, kind: "connection.created", subject: None };
    let made = caller.denied(app.clone(), attempt, outcome.await).await?;
    Ok(created(&app, id, made))
}

/// For what gives access: with a fresh sign-in.
pub async fn managing(db: &mut Db<'_>, caller: &Caller, id: OrganizationId) -> Result<Over, Refusal> {
    let over = caller.over(db, id).await?;
    over.require(MANAGE)?;
    caller.fresh()?;
    Ok(over)
}

async fn judge(
    db: &mut Db<'_>,
    over: &Over,
    creation: &ConnectionCreation,
) -> Result<(Vendor, Duration, Settings), Refusal> {
    let mut faults = Faults::default();
    faults.invalid.extend(check_name("/name", &creation.name));
    let vendor = creation.vendor.as_deref().unwrap_or(Vendor::Generic.as_str()).parse();
    if vendor.is_err() {
        let text = "Use one of entra, okta, onelogin, jumpcloud, generic.";
        faults.invalid.push(Invalid::new("/vendor", "unknown-vendor", text));
    }
    let life = life("/token_days", creation.token_days);
    faults.invalid.extend(life.as_ref().err().cloned());
    let on_create = creation.on_create.as_deref().unwrap_or(OnCreate::Invite.as_str());
    let on_create = word::<OnCreate>(("/on_create", "invite, activate"), on_create, &mut faults);
    let default_assignments =
        listed_products(db, over, ("/default_products", &creation.default_products), &mut faults).await?;
    faults.into_result()?;
    match (vendor, life, on_create) {
        (Ok(vendor), Ok(life), Some(on_create)) => {
            Ok((vendor, life, Settings { default_assignments, on_create, ..Settings::default() }))
        }
        _ => Err(Refusal::Server),
    }
}

/// One of the words that a setting has.
pub fn word<T: FromStr>((pointer, words): (&str, &str), text: &str, faults: &mut Faults) -> Option<T> {
    let found = text.parse().ok();
    if found.is_none() {
        faults.invalid.push(Invalid::new(pointer, "unknown-word", format!("Use one of {words}.")));
    }
    found
}

/// The roles of a group.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRoles {
    /// The group's display name, whatever its case, or its id. It need not be there yet.
    group: String,
    /// The product's slug; never the portal's.
    product: String,
    /// Slugs, at least one.
    roles: Vec<String>,
    /// Whether they cover the organizations below too.
    #[serde(default)]
    subtree: bool,
}

/// The longest name of a group in a rule.
const LONGEST_GROUP: usize = 200;
/// The most rules of one connection.
const MOST_RULES: usize = 500;

/// Groups give what whoever sets the rule could give (V2).
pub async fn group_roles(
    db: &mut Db<'_>,
    over: &Over,
    asked: &[GroupRoles],
    faults: &mut Faults,
) -> Result<Vec<GroupRole>, Refusal> {
    if asked.len() > MOST_RULES {
        faults.invalid.push(Invalid::new("/group_roles", "too-many", "Use at most 500 rules."));
        return Ok(Vec::new());
    }
    let mut rules = Vec::with_capacity(asked.len());
    for (index, rule) in asked.iter().enumerate() {
        let pointer = format!("/group_roles/{index}");
        let group = rule.group.trim();
        if group.is_empty() || group.chars().count() > LONGEST_GROUP {
            let text = "Write the group's name, of at most 200 characters.";
            faults.invalid.push(Invalid::new(format!("{pointer}/group"), "group-name", text));
        }
        let wanted = ProductRoles { slug: rule.product.clone(), roles: rule.roles.clone(), subtree: rule.subtree };
        let grant = judge_product(db, over, (&pointer, &wanted), faults).await?;
        rules.extend(grant.map(|grant| GroupRole {
            group: group.to_owned(),
            product: grant.product(),
            roles: grant.roles(),
            subtree: rule.subtree,
        }));
    }
    Ok(rules)
}

/// A tool gives what its maker could give: products that the organization has, never the portal (V2).
pub async fn listed_products(
    db: &mut Db<'_>,
    over: &Over,
    (name, asked): (&str, &[ProductRoles]),
    faults: &mut Faults,
) -> Result<Vec<DefaultAssignment>, Refusal> {
    let mut defaults = Vec::with_capacity(asked.len());
    for (index, wanted) in asked.iter().enumerate() {
        let pointer = format!("{name}/{index}");
        if asked[..index].iter().any(|before| before.slug == wanted.slug) {
            faults.invalid.push(Invalid::new(pointer, "twice", "Each product stands here once."));
            continue;
        }
        let grant = judge_product(db, over, (&pointer, wanted), faults).await?;
        defaults.extend(grant.map(|grant| DefaultAssignment {
            product: grant.product(),
            roles: grant.roles(),
            subtree: wanted.subtree,
        }));
    }
    Ok(defaults)
}

pub fn life(pointer: &str, days: Option<u32>) -> Result<Duration, Invalid> {
    let days = days.unwrap_or(USUAL_DAYS);
    if (1..=LONGEST_DAYS).contains(&days) {
        return Ok(Duration::from_secs(u64::from(days) * 24 * 3600));
    }
    Err(Invalid::new(pointer, "out-of-range", "Use 1 to 366 days."))
}

/// Issues a token; the answer is the only place where it ever stands.
pub async fn issue(
    tx: &mut Tx<'_>,
    app: &App,
    caller: &Caller,
    (connection, life): (Connection, Duration),
) -> Result<ConnectionWithToken, Refusal> {
    let issued = connections::issue_token(tx, connection.id, caller.now + life, caller.now).await?;
    let (secret, token) = issued.map_err(|_| Refusal::TwoTokens)?;
    record(tx, app, caller, (&connection, "connection.token_issued"), json!({ "token": token.id })).await?;
    let connection = wire::detail(tx, app, connection, caller.now).await?;
    Ok(ConnectionWithToken { connection, token: secret.expose().to_owned() })
}

pub fn created(app: &App, organization: OrganizationId, made: ConnectionWithToken) -> Created {
    let path = format!("/api/v1/organizations/{organization}/connections/{}", made.connection.id);
    (StatusCode::CREATED, [(header::LOCATION, app.config.url(&path))], Json(made))
}
