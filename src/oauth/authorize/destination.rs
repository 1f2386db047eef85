use std::sync::Arc;

use crate::{
    app::App,
    clients::{Client, Status},
    clock::Timestamp,
    oauth::parameters::Parameters,
    store,
};

/// How answers reach the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// In the query of the redirect URI (RFC 6749 §4.1.2).
    Query,
    /// As a form that the browser posts there (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// Where answers may go, once that is known good.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    pub redirect_uri: String,
    pub mode: ResponseMode,
    /// Given back as it came; left out if it came twice.
    pub state: Option<String>,
}

/// Why nothing may be redirected: the person sees a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lost {
    #[error("The app did not say which one it is.")]
    NoClient,
    #[error("No app of this name is registered here, or it was switched off.")]
    UnknownClient,
    #[error("The app did not say where to return to.")]
    NoRedirectUri,
    #[error("The address to return to is not registered for this app.")]
    ForeignRedirectUri,
}

impl Lost {
    /// What the page shows as its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownClient => "invalid_client",
            Self::NoClient | Self::NoRedirectUri | Self::ForeignRedirectUri => "invalid_request",
        }
    }
}

impl Destination {
    /// Client first, then redirect URI; each given once (security.md rows 1 to 7).
    pub async fn find(
        app: &App,
        parameters: &Parameters,
        now: Timestamp,
    ) -> store::Result<Result<(Arc<Client>, Self), Lost>> {
        let once = |name| parameters.get(name).filter(|_| !parameters.repeats(name));
        let Some(client_id) = once("client_id") else { return Ok(Err(Lost::NoClient)) };
        let found = app.clients.find(&app.store, client_id, now).await?;
        let Some(client) = found.filter(|client| client.status == Status::Active) else {
            return Ok(Err(Lost::UnknownClient));
        };
        // Never guessed, even where only one is registered (OIDC Core §3.1.2.1: required).
        let Some(redirect_uri) = once("redirect_uri") else { return Ok(Err(Lost::NoRedirectUri)) };
        if !client.has_redirect_uri(redirect_uri) {
            return Ok(Err(Lost::ForeignRedirectUri));
        }
        let mode = match once("response_mode") {
            Some("form_post") => ResponseMode::FormPost,
            _ => ResponseMode::Query,
        };
        let state = once("state").map(str::to_owned);
        let destination = Self { redirect_uri: redirect_uri.to_owned(), mode, state };
        Ok(Ok((client, destination)))
    }
}
