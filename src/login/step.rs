use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{FromRequestParts, Query},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::outcome::Context;
use crate::{
    app::App,
    clients::Client,
    clock::Timestamp,
    http::{Browser, ClientAddress, Failure, Page, Place, SessionCookie, UserAgent, see_other},
    id::{LoginFlowId, ProductId},
    mfa::{Method, Next},
    organizations, products,
    products::Product,
    sessions::{self, Agent, flow::LoginFlow},
    store::{self, Db},
    tokens::requests,
    users::{self, User},
};

/// The `flow` in an address or a form: names a sign-in, opens nothing without the browser's cookie.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FlowName {
    #[serde(default)]
    pub flow: String,
}

/// What every handler of signing in takes from its request.
pub(super) struct Visit {
    pub app: App,
    pub page: Page,
    pub session: SessionCookie,
    pub address: ClientAddress,
    pub user_agent: UserAgent,
    pub now: Timestamp,
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
    pub fn browser(&self) -> &Browser {
        self.page.browser()
    }

    /// What a finished sign-in is written down with.
    pub async fn context(&self) -> store::Result<Context> {
        let current = sessions::resume(&self.app.store, self.session.secret.as_ref(), self.now).await?;
        let agent = Agent { user_agent: self.user_agent.0.clone(), address: self.address.to_string() };
        Ok(Context { master: Arc::clone(&self.app.master), current, agent })
    }
}

/// A page of a sign-in under way.
pub(super) struct Step {
    pub visit: Visit,
    pub flow: LoginFlow,
    /// Who waits for the person to sign in.
    pub client: Option<Arc<Client>>,
}

/// Where a flow stands: the pages that may be opened now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Located {
    Identify,
    Password,
    Challenge(Vec<Method>),
    Enroll(Vec<Method>),
    RecoveryCodes,
    Stuck,
}

impl Located {
    /// The page to open.
    pub fn path(&self) -> &'static str {
        match self {
            Self::Identify => "/login",
            Self::Password => "/login/password",
            // Beside recovery codes an app is the only one: no choice worth a page.
            Self::Challenge(methods) => match methods[..] {
                [Method::Totp] | [Method::Totp, Method::Recovery] => "/login/totp",
                _ => "/login/challenge",
            },
            Self::Enroll(methods) if !methods.is_empty() => "/login/enroll",
            Self::RecoveryCodes => "/login/recovery-codes",
            Self::Enroll(_) | Self::Stuck => "/login/stuck",
        }
    }

    /// The page to open for this flow.
    pub fn address(&self, flow: LoginFlowId) -> String {
        format!("{}?flow={flow}", self.path())
    }
}

/// Where `flow` stands, whose user is `user` if it has one.
pub(super) async fn located(db: &mut Db<'_>, flow: &LoginFlow, user: Option<&User>) -> store::Result<Located> {
    if flow.state.codes.is_some() {
        return Ok(Located::RecoveryCodes);
    }
    let Some(user) = user.filter(|_| flow.state.has_first()) else {
        return Ok(if flow.state.typed.is_some() { Located::Password } else { Located::Identify });
    };
    Ok(match sessions::flow::next(db, flow, user).await? {
        Next::Challenge(methods) => Located::Challenge(methods),
        Next::Enroll(methods) => Located::Enroll(methods),
        Next::Stuck => Located::Stuck,
        // The last page asks for one more click, which finishes the flow.
        Next::Done => Located::RecoveryCodes,
    })
}

impl Step {
    /// Finds the sign-in that this browser has under way under that name.
    pub async fn find(mut visit: Visit, flow: &str) -> Result<Self, Response> {
        let mut db = visit.app.store.reader().await.map_err(failed)?;
        let found = match flow.parse::<LoginFlowId>() {
            Ok(id) => sessions::flow::find(&mut db, id, &visit.browser().hash(), visit.now).await.map_err(failed)?,
            Err(_) => None,
        };
        let Some(flow) = found else { return Err(over(&visit.page)) };
        let waiting = match flow.request_id {
            Some(id) => requests::client_of(&mut db, id, &visit.browser().hash(), visit.now).await.map_err(failed)?,
            None => None,
        };
        drop(db);
        let (client, product) = places(&visit, waiting, flow.state.start.product_id).await.map_err(failed)?;
        visit.page = visit.page.clone().at(place(client.as_deref(), product.as_deref()));
        Ok(Self { visit, flow, client })
    }

    /// The flow's user: only known once a first factor was right.
    pub async fn user(&self) -> Result<Option<User>, Response> {
        let Some(id) = self.flow.user_id else { return Ok(None) };
        let mut db = self.visit.app.store.reader().await.map_err(failed)?;
        let user = users::find(&mut db, id).await.map_err(failed)?;
        Ok(user.filter(|user| user.status == users::Status::Active))
    }

    /// Where the flow stands.
    pub async fn located(&self) -> Result<Located, Response> {
        let user = self.user().await?;
        if self.flow.user_id.is_some() && user.is_none() {
            return Err(over(&self.visit.page));
        }
        let mut db = self.visit.app.store.reader().await.map_err(failed)?;
        located(&mut db, &self.flow, user.as_ref()).await.map_err(failed)
    }

    /// Goes on if the flow stands where `here` says; leads to its right place otherwise.
    pub async fn require(&self, here: impl Fn(&Located) -> bool) -> Result<Located, Response> {
        let located = self.located().await?;
        if here(&located) { Ok(located) } else { Err(see_other(&located.address(self.flow.id))) }
    }

    /// The flow's user, on pages that only they can reach.
    pub async fn known_user(&self) -> Result<User, Response> {
        self.user().await?.ok_or_else(|| over(&self.visit.page))
    }

    /// "Cancel and go back to Recover".
    pub fn cancel_words(&self) -> String {
        match &self.client {
            Some(client) => format!("Cancel and go back to {}", client.name),
            None => "Cancel".to_owned(),
        }
    }

    /// Whether the form was sent with its Cancel button.
    pub async fn cancelled(&self, cancel: Option<&String>) -> Result<(), Response> {
        if cancel.is_none() { Ok(()) } else { Err(super::outcome::cancel(self).await) }
    }
}

/// The client that waits and the product to be entered. Asks the caches: no connection is held here.
async fn places(
    visit: &Visit,
    client_id: Option<String>,
    product: Option<ProductId>,
) -> store::Result<(Option<Arc<Client>>, Option<Arc<Product>>)> {
    let app = &visit.app;
    let client = match client_id {
        Some(client_id) => app.clients.find(&app.store, &client_id, visit.now).await?,
        None => None,
    };
    let product = match product {
        Some(id) => app.products.find(&app.store, id, visit.now).await?,
        None => None,
    };
    Ok((client, product))
}

/// The head of the card: what the person is about to enter.
pub(super) fn place(client: Option<&Client>, product: Option<&Product>) -> Option<Place> {
    let name = client.map(|client| client.name.clone()).or_else(|| product.map(|product| product.name.clone()))?;
    let note = product.filter(|product| product.name != name).map(|product| product.name.clone());
    let logo = client.and_then(|client| client.settings.logo_uri.clone());
    let logo = logo.or_else(|| product.and_then(|product| product.branding.logo_uri.clone()));
    let brand = product.and_then(|product| product.branding.color.as_deref());
    Some(Place {
        note,
        icon: match product {
            Some(product) if product.slug == products::portal::SLUG => "home",
            _ => "shield",
        },
        logo: logo.and_then(|logo| url::Url::parse(&logo).ok()).filter(|url| url.scheme() == "https"),
        brand: brand.and_then(crate::http::Colour::parse),
        name,
    })
}

/// The person's organization, for words on pages and in mails.
pub(super) async fn organization_name(db: &mut Db<'_>, user: &User) -> store::Result<String> {
    let organization = organizations::find(db, user.organization_id).await?;
    Ok(organization.map(|organization| organization.name).unwrap_or_default())
}

#[derive(Template)]
#[template(path = "login/pages/over.html", config = ".config/askama.toml")]
struct Over<'a> {
    page: &'a Page,
}

/// The sign-in is finished, too old, or another browser's.
pub(super) fn over(page: &Page) -> Response {
    page.gate(StatusCode::GONE, &Over { page })
}

/// A broken database as a page.
pub(super) fn failed(error: store::Error) -> Response {
    Failure::from(error).into_response()
}

/// The query of a page of a sign-in.
pub(super) type FlowQuery = Query<FlowName>;
