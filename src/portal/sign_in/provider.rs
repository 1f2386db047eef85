use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl,
    ProviderMetadataWithLogout, RedirectUrl,
    core::{CoreClient, CoreJsonWebKeySet},
};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use url::Url;

use super::{Failed, OnBehalf};
use crate::{
    clock::Timestamp,
    portal::{
        Portal,
        in_process::{InProcess, Unreadable},
    },
};

/// The relying party, with what discovery told.
pub type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// How long metadata and keys are believed.
const BELIEVED: Duration = Duration::from_secs(300);

/// What the server says of itself: asked for at first use, so that the start waits for nothing.
#[derive(Default)]
pub struct Provider(Mutex<Option<(Arc<ProviderMetadataWithLogout>, Timestamp)>>);

impl Provider {
    /// Metadata and keys, at most five minutes old.
    ///
    /// # Errors
    /// The server's answer is no discovery document.
    pub async fn metadata(
        &self,
        portal: &Portal,
        behalf: &OnBehalf,
        now: Timestamp,
    ) -> Result<Arc<ProviderMetadataWithLogout>, Failed> {
        let known = self.0.lock().clone();
        if let Some((metadata, at)) = known
            && now.since(at) < BELIEVED
        {
            return Ok(metadata);
        }
        let issuer = IssuerUrl::new(portal.issuer.clone()).map_err(|error| Failed::Provider(error.to_string()))?;
        let http = http(portal, behalf);
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &http).await;
        let metadata = Arc::new(metadata.map_err(|error| Failed::Provider(error.to_string()))?);
        *self.0.lock() = Some((Arc::clone(&metadata), now));
        Ok(metadata)
    }

    /// The relying party.
    ///
    /// # Errors
    /// As [`Provider::metadata`].
    pub async fn client(&self, portal: &Portal, behalf: &OnBehalf, now: Timestamp) -> Result<Client, Failed> {
        let metadata = self.metadata(portal, behalf, now).await?;
        let registration = &portal.registration;
        let redirect_uri = RedirectUrl::new(registration.redirect_uri.clone());
        let redirect_uri = redirect_uri.map_err(|error| Failed::Provider(error.to_string()))?;
        let secret = ClientSecret::new(registration.client_secret.expose().to_owned());
        let client_id = ClientId::new(registration.client_id.to_owned());
        Ok(CoreClient::from_provider_metadata((*metadata).clone(), client_id, Some(secret))
            .set_redirect_uri(redirect_uri))
    }

    /// The server's keys.
    ///
    /// # Errors
    /// As [`Provider::metadata`].
    pub async fn keys(&self, portal: &Portal, behalf: &OnBehalf, now: Timestamp) -> Result<CoreJsonWebKeySet, Failed> {
        Ok(self.metadata(portal, behalf, now).await?.jwks().clone())
    }

    /// Where sessions end.
    ///
    /// # Errors
    /// As [`Provider::metadata`].
    pub async fn end_session_endpoint(
        &self,
        portal: &Portal,
        behalf: &OnBehalf,
        now: Timestamp,
    ) -> Result<Option<Url>, Failed> {
        let metadata = self.metadata(portal, behalf, now).await?;
        Ok(metadata.additional_metadata().end_session_endpoint.as_ref().map(|url| url.url().clone()))
    }

    /// Asks again at the next use: a key was not found.
    pub fn forget(&self) {
        *self.0.lock() = None;
    }
}

/// The library's HTTP client: our own server, in process.
pub fn http(
    portal: &Portal,
    behalf: &OnBehalf,
) -> impl Fn(HttpRequest) -> Pin<Box<dyn Future<Output = Result<HttpResponse, Unreadable>> + Send>> + Send + Sync {
    let (server, behalf): (InProcess, OnBehalf) = (portal.server.clone(), behalf.clone());
    move |request| {
        let (server, behalf) = (server.clone(), behalf.clone());
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let answer = server.send(Request::from_parts(parts, Body::from(body)), &behalf).await?;
            let mut response = HttpResponse::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

/// The claims of a compact JWS. Whether they hold is for the caller to judge.
pub fn payload(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (_, payload) = (parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
