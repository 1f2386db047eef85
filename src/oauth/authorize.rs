//! The authorization endpoint, `/authorize` (RFC 6749 §3.1, OIDC Core §3.1.2).
//!
//! ```text
//! GET /authorize ──> client, redirect URI ──> the rest ──> who is here? ──> what do they hold? ──> consent? ──> code
//! POST /authorize ─> the same, parked ─303─>     │              │                  │                  │
//!                    an error page        error redirect   /login?flow=…   page `no-access`   /consent?request=…
//!                                                               └── GET /authorize/resume?request=… ──┘
//! ```
//! A request whose user is away is stored as it came, bound to the browser, and judged anew when they
//! are back: resuming has no shorter path than coming.
//!
//! Invariants: nothing is answered by a redirect before client and redirect URI are known good (the page
//! is a 400 otherwise). `prompt=none` never shows a page. A code is issued to a
//! [`FullyAuthenticated`](crate::sessions::FullyAuthenticated) user who meets the product's and the
//! request's demands and holds something in the product, and in one write with the end of the request.

mod answer;
mod decide;
mod destination;
mod pages;
mod request;
mod waiting;

use axum::{
    body::to_bytes,
    extract::{FromRequestParts, Query, RawQuery, Request, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

pub use waiting::{Decision, Waiting, allow, deny, refuse_consent, waiting};

use super::parameters::{LARGEST, Parameters};
use crate::{
    app::App,
    audit::By,
    clock::Timestamp,
    http::{Browser, ClientAddress, Failure, Form, Page, SessionCookie, UserAgent, see_other},
    id::{AuthorizationRequestId, UserId},
    tokens::requests::AuthorizationRequest,
};

use destination::Destination;

/// Who asks, with what.
pub struct Visit {
    app: App,
    page: Page,
    session: SessionCookie,
    address: ClientAddress,
    user_agent: UserAgent,
    now: Timestamp,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let page = Page::from_request_parts(parts, app).await?;
        let session = SessionCookie::from_request_parts(parts, app).await?;
        let Ok(address) = ClientAddress::from_request_parts(parts, app).await;
        let Ok(user_agent) = UserAgent::from_request_parts(parts, app).await;
        Ok(Self { app: app.clone(), page, session, address, user_agent, now: app.clock.now() })
    }
}

impl Visit {
    fn browser(&self) -> &Browser {
        self.page.browser()
    }

    /// The person, as an actor of audit events.
    fn by(&self, user: UserId) -> By {
        By::user(user).at(self.address.to_string(), self.user_agent.0.clone())
    }
}

/// `GET /authorize`: the request itself, or the handle of one that was posted.
///
/// # Errors
/// Only what broke; refusals are answers.
pub async fn get(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    if query.len() > LARGEST {
        return Ok(pages::refused(&visit.page, "invalid_request", "The request is too long."));
    }
    let mut parameters = Parameters::parse(query.as_bytes());
    if let Some(handle) = parameters.get(waiting::PARKED) {
        let Some(parked) = waiting::unpark(&visit.app, handle, visit.now).await? else {
            return Ok(pages::over(&visit.page));
        };
        parameters = Parameters::from_pairs(parked.parameters);
    }
    judge(visit, parameters, None).await
}

/// `POST /authorize` (OIDC Core §3.1.2.1). Another site's form comes without our cookies, which are
/// `SameSite=Lax`; so the request is parked, and a GET, to which they are sent, goes on with it.
///
/// # Errors
/// Only what broke; refusals are answers.
pub async fn post(State(app): State<App>, page: Page, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_form = content_type.split(';').next().unwrap_or("").trim() == "application/x-www-form-urlencoded";
    let Some(bytes) = (if is_form { to_bytes(body, LARGEST).await.ok() } else { None }) else {
        return Ok(pages::refused(&page, "invalid_request", "The request is no form, or too long."));
    };
    let parameters = Parameters::parse(&bytes);
    let client = match Destination::find(&app, &parameters, now).await? {
        Ok((client, _)) => client,
        Err(lost) => return Ok(pages::lost(&page, lost)),
    };
    let handle = waiting::park(&app, &client, parameters, now).await?;
    Ok(see_other(&format!("/authorize?{}={handle}", waiting::PARKED)))
}

/// Names a stored request in an address or a form.
#[derive(Deserialize)]
pub struct Named {
    request: String,
}

/// `GET /authorize/resume?request=…`: the user is back from signing in or from deciding.
///
/// # Errors
/// Only what broke; refusals are answers.
pub async fn resume(visit: Visit, Query(named): Query<Named>) -> Result<Response, Failure> {
    let Some(stored) = find(&visit, &named).await? else { return Ok(pages::over(&visit.page)) };
    let parameters = Parameters::from_pairs(stored.parameters.clone());
    judge(visit, parameters, Some(stored)).await
}

/// `POST /authorize/decline`: the button `continue` of the page `no-access`.
///
/// # Errors
/// Only what broke; refusals are answers.
pub async fn decline(State(app): State<App>, page: Page, Form(named): Form<Named>) -> Result<Response, Failure> {
    let now = app.clock.now();
    let Ok(id) = named.request.parse() else { return Ok(pages::over(&page)) };
    Ok(deny(&app, &page, id, now).await)
}

async fn find(visit: &Visit, named: &Named) -> Result<Option<AuthorizationRequest>, Failure> {
    let Ok(id) = named.request.parse::<AuthorizationRequestId>() else { return Ok(None) };
    Ok(waiting::find(&visit.app, visit.browser(), id, visit.now).await?)
}

/// Judges a request from its first parameter to its last (oidf.md section 7 item 11), then decides.
async fn judge(
    visit: Visit,
    parameters: Parameters,
    stored: Option<AuthorizationRequest>,
) -> Result<Response, Failure> {
    let (client, destination) = match Destination::find(&visit.app, &parameters, visit.now).await? {
        Ok(found) => found,
        Err(lost) => return Ok(pages::lost(&visit.page, lost)),
    };
    let Some(product) = visit.app.products.find(&visit.app.store, client.product_id, visit.now).await? else {
        return Err(Failure::internal(&"a client without a product"));
    };
    match request::judge(&visit.app, (&client, &product), &parameters, visit.now) {
        Ok(asked) => {
            let case = decide::Case { client, product, destination, asked, parameters, stored };
            Ok(decide::decide(visit, case).await?.into_response())
        }
        Err(refused) => Ok(answer::refuse(&visit.page, visit.app.config.issuer(), &destination, &refused)),
    }
}
