//! Requests whose user is away: stored, found again, decided. `login` asks here what waits and how it ends.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};

use super::{Destination, answer, pages, request::RequestError};
use crate::{
    app::App,
    audit::{self, By, Event, SubjectKind},
    clients::Client,
    clock::Timestamp,
    http::{Browser, Failure, Page},
    id::AuthorizationRequestId,
    oauth::parameters::Parameters,
    products::Product,
    secret::{Secret, SecretHash},
    sessions::FullyAuthenticated,
    store,
    tokens::{
        Scope,
        requests::{self, AuthorizationRequest},
    },
};

/// The parameter that names a parked request. It opens nothing: whoever has it could have sent the
/// request itself.
pub(super) const PARKED: &str = "parked";

/// What the pages of signing in and consent may know of the request that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub id: AuthorizationRequestId,
    pub client: Arc<Client>,
    pub product: Arc<Product>,
    pub login_hint: Option<String>,
    /// What would be granted.
    pub scope: Scope,
}

/// The request of that id, if this browser brought it and it still waits.
///
/// # Errors
/// The database's.
pub async fn waiting(
    app: &App,
    browser: &Browser,
    id: AuthorizationRequestId,
    now: Timestamp,
) -> store::Result<Option<Waiting>> {
    let Some(stored) = find(app, browser, id, now).await? else { return Ok(None) };
    let parameters = Parameters::from_pairs(stored.parameters);
    let Ok((client, _)) = Destination::find(app, &parameters, now).await? else { return Ok(None) };
    let Some(product) = app.products.find(&app.store, client.product_id, now).await? else { return Ok(None) };
    let Ok(asked) = super::request::judge(app, (&client, &product), &parameters, now) else { return Ok(None) };
    Ok(Some(Waiting { id, client, product, login_hint: asked.login_hint, scope: asked.scope }))
}

pub(super) async fn find(
    app: &App,
    browser: &Browser,
    id: AuthorizationRequestId,
    now: Timestamp,
) -> store::Result<Option<AuthorizationRequest>> {
    requests::find(&mut app.store.reader().await?, id, &browser.hash(), now).await
}

/// A request to be stored for this browser, as it came.
pub(super) fn new(
    app: &App,
    client: &Client,
    parameters: &Parameters,
    browser_hash: SecretHash,
    now: Timestamp,
) -> AuthorizationRequest {
    AuthorizationRequest {
        id: AuthorizationRequestId::new(now),
        client_id: client.id,
        browser_hash,
        parameters: parameters.clone().into_pairs(),
        consented_by: None,
        created_at: now,
        expires_at: now + app.config.tokens.authorization_request,
        consumed_at: None,
    }
}

/// Keeps a request that was posted until the GET that follows. Answers the handle for its address.
pub(super) async fn park(app: &App, client: &Client, parameters: Parameters, now: Timestamp) -> store::Result<String> {
    let secret = Secret::random();
    let request = new(app, client, &parameters, secret.hash(), now);
    let handle = format!("{}.{}", request.id, secret.expose());
    app.store.write(async move |tx| requests::insert(tx, &request).await).await?;
    Ok(handle)
}

/// The request of that handle.
pub(super) async fn unpark(app: &App, handle: &str, now: Timestamp) -> store::Result<Option<AuthorizationRequest>> {
    let Some((id, secret)) = handle.split_once('.') else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    requests::find(&mut app.store.reader().await?, id, &SecretHash::of(secret.as_bytes()), now).await
}

/// What somebody says to the client's wish.
pub struct Decision<'a> {
    pub request: AuthorizationRequestId,
    pub who: &'a FullyAuthenticated,
    /// The same person as an actor of audit events, and from where.
    pub by: By,
}

/// The user allows the request that waits in their browser; the client's consent is remembered.
/// `false` if it waits no longer. Go on at `/authorize/resume`.
///
/// # Errors
/// The database's.
pub async fn allow(app: &App, browser: &Browser, decision: Decision<'_>, now: Timestamp) -> store::Result<bool> {
    let Decision { request: id, who, by } = decision;
    let Some(waiting) = waiting(app, browser, id, now).await? else { return Ok(false) };
    let (browser, user, organization) = (browser.hash(), who.user.id, who.user.organization_id);
    let master = Arc::clone(&app.master);
    app.store
        .write(async move |tx| {
            if !requests::give_consent(tx, id, &browser, user, now).await? {
                return Ok(false);
            }
            let client = waiting.client.id;
            requests::remember_consent(tx, user, client, &waiting.scope, now).await?;
            let event = Event::new(organization, "consent.given", by.clone()).on(SubjectKind::Client, client.0);
            let event = event.with(serde_json::json!({ "scope": waiting.scope.to_string() }));
            audit::record(tx, &master, event, now).await?;
            Ok(true)
        })
        .await
}

/// The user does not allow it: the client is told `access_denied`. A page if the request waits no longer.
pub async fn refuse_consent(app: &App, page: &Page, decision: Decision<'_>, now: Timestamp) -> Response {
    let event = Event::new(decision.who.user.organization_id, "consent.denied", decision.by).refused();
    answered(page, end(app, page, (decision.request, Some(event)), now).await)
}

/// The user does not go on: the client is told `access_denied`. A page if the request waits no longer.
pub async fn deny(app: &App, page: &Page, id: AuthorizationRequestId, now: Timestamp) -> Response {
    answered(page, end(app, page, (id, None), now).await)
}

fn answered(page: &Page, ended: store::Result<Option<Response>>) -> Response {
    match ended {
        Ok(Some(response)) => response,
        Ok(None) => pages::over(page),
        Err(error) => Failure::from(error).into_response(),
    }
}

/// Ends the request, and writes the event, if there is one, in the same transaction.
async fn end(
    app: &App,
    page: &Page,
    (id, event): (AuthorizationRequestId, Option<Event>),
    now: Timestamp,
) -> store::Result<Option<Response>> {
    let Some(stored) = find(app, page.browser(), id, now).await? else { return Ok(None) };
    let parameters = Parameters::from_pairs(stored.parameters);
    let Ok((client, destination)) = Destination::find(app, &parameters, now).await? else { return Ok(None) };
    let event = event.map(|event| event.on(SubjectKind::Client, client.id.0));
    let master = Arc::clone(&app.master);
    let unit = async move |tx: &mut store::Tx<'_>| {
        let ended = requests::consume(tx, id, now).await?;
        if let Some(event) = event.clone().filter(|_| ended) {
            audit::record(tx, &master, event, now).await?;
        }
        Ok::<_, store::Error>(ended)
    };
    if !app.store.write(unit).await? {
        return Ok(None);
    }
    Ok(Some(answer::refuse(page, app.config.issuer(), &destination, &RequestError::AccessDenied)))
}
