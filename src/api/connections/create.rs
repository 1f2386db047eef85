use std::{str::FromStr, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Attempt, Body, Caller, ConnectionDetail, Ids, Invalid, MANAGE, Over, Problem, Refusal, record, rules::Hand,
    standing::Standing, wire,
};
use crate::{
    api::users::{
        change::check_name,
        grants::{Faults, ProductRoles},
    },
    app::App,
    connections::{self, Connection, NewConnection, OnCreate, Settings, Vendor},
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
        let (vendor, life, settings) = judge(tx, &who, &over, &creation).await?;
        let new = NewConnection {
            organization_id: id,
            name: creation.name.trim().to_owned(),
            vendor,
            settings,
            created_by: who.user_id(),
        };
        let connection = connections::insert(tx, &new, who.now).await?;
        let rules = Hand::of(Standing::of(&over, who.now), &who).words(tx, &Settings::default(), &new.settings).await?;
        let details = json!({ "vendor": vendor, "rules": rules });
        record(tx, &parts, &who, (&connection, "connection.created"), details).await?;
        issue(tx, &parts, (&who, &over), (connection, life)).await
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
    caller: &Caller,
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
    let mut hand = Hand::of(Standing::of(over, caller.now), caller);
    let default_assignments =
        hand.products(db, ("/default_products", &[]), &creation.default_products, &mut faults).await?;
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
    (caller, over): (&Caller, &Over),
    (connection, life): (Connection, Duration),
) -> Result<ConnectionWithToken, Refusal> {
    let issued = connections::issue_token(tx, connection.id, caller.now + life, caller.now).await?;
    let (secret, token) = issued.map_err(|_| Refusal::TwoTokens)?;
    record(tx, app, caller, (&connection, "connection.token_issued"), json!({ "token": token.id })).await?;
    let connection = wire::detail(tx, (app, over), connection, caller.now).await?;
    Ok(ConnectionWithToken { connection, token: secret.expose().to_owned() })
}

pub fn created(app: &App, organization: OrganizationId, made: ConnectionWithToken) -> Created {
    let path = format!("/api/v1/organizations/{organization}/connections/{}", made.connection.id);
    (StatusCode::CREATED, [(header::LOCATION, app.config.url(&path))], Json(made))
}
