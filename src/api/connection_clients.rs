//! OAuth clients of a connection: client credentials as an alternative to its static token (RFC 7644 §2).

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Attempt, Body, Caller, Ids, Problem, Refusal, users::change::check_name};
use crate::{
    app::App,
    audit::{self, Event, SubjectKind},
    clients::{self, AuthMethod, Client, GrantType, NewClient, Status},
    connections::{self, SCOPE},
    id::{ClientRowId, ConnectionId, OrganizationId},
    products::{self, portal},
    secret::Secret,
    store::{Db, Tx},
};

const READ: &str = "portal:connections:read";
const MANAGE: &str = "portal:connections:manage";

/// Two, so that one can be replaced without a gap.
const MOST: usize = 2;
/// How long its access tokens work: a tool asks again when one has ended.
const TOKEN_SECONDS: i64 = 3600;

/// A client of a connection, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionClient {
    pub id: Uuid,
    pub name: String,
    /// What it sends as `client_id`.
    pub client_id: String,
    /// RFC 3339.
    pub created_at: String,
}

/// The clients of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionClientList {
    pub clients: Vec<ConnectionClient>,
    /// Where they get access tokens, with `grant_type=client_credentials`.
    pub token_endpoint: String,
    /// What they ask for.
    pub scope: String,
}

/// A client to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionClientCreation {
    name: String,
}

/// A client, and its secret: in this answer and never again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionClientWithSecret {
    pub client: ConnectionClient,
    /// It is not stored: copy it now.
    pub client_secret: String,
    pub token_endpoint: String,
    pub scope: String,
}

/// The OAuth clients whose tokens open the connection, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/connections/{connection}/clients", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 200, body = ConnectionClientList), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
) -> Result<Json<ConnectionClientList>, Refusal> {
    let mut db = app.store.reader().await?;
    caller.over(&mut db, id).await?.require(READ)?;
    let connection = connections::find_in(&mut db, id, connection).await?.ok_or(Refusal::NotFound)?;
    let clients = live(&mut db, connection.id).await?.iter().map(ConnectionClient::of).collect();
    Ok(Json(ConnectionClientList { clients, token_endpoint: app.config.url("/token"), scope: SCOPE.to_owned() }))
}

/// Makes an OAuth client that gets access tokens for the connection by client credentials. Two at most.
/// Asks for a fresh sign-in.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/connections/{connection}/clients", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)), request_body = ConnectionClientCreation,
    responses((status = 201, body = ConnectionClientWithSecret), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection)): Ids<(OrganizationId, ConnectionId)>,
    Body(creation): Body<ConnectionClientCreation>,
) -> Result<(StatusCode, Json<ConnectionClientWithSecret>), Refusal> {
    if let Some(invalid) = check_name("/name", &creation.name) {
        return Err(Refusal::Invalid(vec![invalid]));
    }
    let (master, who) = (app.master.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        who.over(tx, id).await?.require(MANAGE)?;
        who.fresh()?;
        // Two at once queue here for the count.
        connections::lock(tx, connection).await?;
        let connection = connections::find_in(tx, id, connection).await?.ok_or(Refusal::NotFound)?;
        if live(tx, connection.id).await?.len() >= MOST {
            return Err(Refusal::TwoTokens);
        }
        let secret = Secret::random_with_prefix("cst_cs_");
        let client = register(tx, &creation.name, &secret, &who).await?;
        connections::bind_client(tx, connection.id, client.id, who.now).await?;
        let event = Event::new(id, "connection.client_created", who.by.clone());
        let event = event.on(SubjectKind::Connection, connection.id.0).with(json!({ "client": client.id }));
        audit::record(tx, &master, event, who.now).await?;
        Ok((ConnectionClient::of(&client), secret))
    });
    let subject = Some((SubjectKind::Connection, connection.0));
    let attempt = Attempt { organization: id, kind: "connection.client_created", subject };
    let (client, secret) = caller.denied(app.clone(), attempt, outcome.await).await?;
    let made = ConnectionClientWithSecret {
        client,
        client_secret: secret.expose().to_owned(),
        token_endpoint: app.config.url("/token"),
        scope: SCOPE.to_owned(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Ends a client at once, whatever tokens it holds.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/connections/{connection}/clients/{client}", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path), ("client" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Ids((id, connection, client)): Ids<(OrganizationId, ConnectionId, ClientRowId)>,
) -> Result<StatusCode, Refusal> {
    let (master, who) = (app.master.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        who.over(tx, id).await?.require(MANAGE)?;
        let connection = connections::find_in(tx, id, connection).await?.ok_or(Refusal::NotFound)?;
        if !connections::unbind_client(tx, connection.id, client).await? {
            return Err(Refusal::NotFound);
        }
        clients::set_status(tx, client, Status::Disabled, who.now).await?;
        let event = Event::new(id, "connection.client_ended", who.by.clone());
        let event = event.on(SubjectKind::Connection, connection.id.0).with(json!({ "client": client }));
        Ok(audit::record(tx, &master, event, who.now).await?)
    });
    let subject = Some((SubjectKind::Connection, connection.0));
    let attempt = Attempt { organization: id, kind: "connection.client_ended", subject };
    caller.denied(app.clone(), attempt, outcome.await).await.map(|()| StatusCode::NO_CONTENT)
}

async fn live(db: &mut Db<'_>, connection: ConnectionId) -> Result<Vec<Client>, Refusal> {
    let mut found = Vec::new();
    for id in connections::clients_of(db, connection).await? {
        found.extend(clients::find(db, id).await?);
    }
    Ok(found)
}

/// A client of the portal's product that holds nothing there: it may ask for the one scope, and its tokens
/// have another audience.
async fn register(tx: &mut Tx<'_>, name: &str, secret: &Secret, caller: &Caller) -> Result<Client, Refusal> {
    let product = products::find_by_slug(tx, portal::SLUG).await?.ok_or(Refusal::Server)?;
    let new = NewClient {
        client_id: None,
        product_id: product.id,
        name: name.trim().to_owned(),
        auth_method: AuthMethod::ClientSecretBasic,
        secret: Some(Secret::from_text(secret.expose())),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        grant_types: vec![GrantType::ClientCredentials],
        scopes: vec![SCOPE.to_owned()],
        settings: clients::Settings { access_token_seconds: Some(TOKEN_SECONDS), ..clients::Settings::default() },
    };
    clients::insert(tx, &new, caller.now).await?.map_err(|_| Refusal::Server)
}

impl ConnectionClient {
    fn of(client: &Client) -> Self {
        Self {
            id: client.id.0,
            name: client.name.clone(),
            client_id: client.client_id.clone(),
            created_at: client.created_at.to_rfc3339(),
        }
    }
}
