//! The identity provider as this app sees it: its metadata and keys, learned by discovery.

use std::{pin::Pin, sync::Arc};

use openidconnect::{
    AsyncHttpClient, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, ProviderMetadataWithLogout, RedirectUrl, core::CoreClient,
};
use parking_lot::Mutex;

use super::{Registration, redirect_uri};

/// The openidconnect client of a discovered provider.
pub type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What was discovered.
#[derive(Clone)]
pub struct Discovered {
    pub metadata: ProviderMetadataWithLogout,
    /// The keys once more, for the tokens that openidconnect does not verify.
    pub keys: Arc<jsonwebtoken::jwk::JwkSet>,
}

/// The provider of one registration.
pub struct Provider {
    issuer: IssuerUrl,
    registration: Registration,
    http: Http,
    discovered: Mutex<Option<Discovered>>,
}

/// Why a call to the provider failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is malformed")]
    Malformed(#[from] axum::http::Error),
}

impl Provider {
    /// Discovery itself waits for the first sign-in, so that either side may start first.
    pub fn new(registration: &Registration) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            // A redirect followed here would carry our credentials elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(10))
            .build()?;
        Ok(Self {
            issuer: IssuerUrl::new(registration.issuer.clone())?,
            registration: registration.clone(),
            http: Http(http),
            discovered: Mutex::new(None),
        })
    }

    /// The metadata, discovered once; `anew` asks again, as a key that is not known demands.
    pub async fn discover(&self, anew: bool) -> anyhow::Result<Discovered> {
        let known = self.discovered.lock().clone();
        if let (Some(known), false) = (known, anew) {
            return Ok(known);
        }
        let metadata = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http).await?;
        let keys = self.http.0.get(metadata.jwks_uri().url().clone()).send().await?.error_for_status()?.bytes().await?;
        let discovered = Discovered { metadata, keys: Arc::new(serde_json::from_slice(&keys)?) };
        *self.discovered.lock() = Some(discovered.clone());
        Ok(discovered)
    }

    /// The client for the discovered provider: client_secret_basic, as openidconnect does by default.
    pub fn client(&self, discovered: &Discovered) -> anyhow::Result<Client> {
        let registration = &self.registration;
        Ok(CoreClient::from_provider_metadata(
            discovered.metadata.clone(),
            ClientId::new(registration.client_id.clone()),
            Some(ClientSecret::new(registration.client_secret.clone())),
        )
        .set_redirect_uri(RedirectUrl::new(redirect_uri(&registration.url))?))
    }

    /// UserInfo with an access token (OpenID Connect Core §5.3): the claims of the scopes granted.
    pub async fn user_info(&self, access_token: &str) -> anyhow::Result<serde_json::Value> {
        let discovered = self.discover(false).await?;
        let endpoint =
            discovered.metadata.userinfo_endpoint().ok_or_else(|| anyhow::anyhow!("no UserInfo endpoint"))?;
        let request = self.http.0.get(endpoint.url().clone()).bearer_auth(access_token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// For the calls that openidconnect makes.
    pub fn http(&self) -> &Http {
        &self.http
    }
}

/// The HTTP client of openidconnect's calls. Its futures are boxed, so that handlers stay `Send`.
pub struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.execute(request.try_into()?).await?;
            let mut answer = axum::http::Response::builder().status(response.status());
            for (name, value) in response.headers() {
                answer = answer.header(name, value);
            }
            Ok(answer.body(response.bytes().await?.to_vec())?)
        })
    }
}
