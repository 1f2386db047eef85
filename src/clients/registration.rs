use std::time::Duration;

use super::{AuthMethod, Client, GrantType, Settings, Status, sql, uri};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, ProductId},
    secret::Secret,
    store::{self, Tx},
};

pub use super::uri::InvalidUri;

/// What registers a client.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// None: one is made.
    pub client_id: Option<String>,
    pub product_id: ProductId,
    pub name: String,
    pub auth_method: AuthMethod,
    /// For the two methods with a secret. Machine-made: it is kept as one SHA-256.
    pub secret: Option<Secret>,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub grant_types: Vec<GrantType>,
    pub scopes: Vec<String>,
    pub settings: Settings,
}

/// Why a client is not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRegistration {
    #[error("{uri} {reason}")]
    Uri { uri: String, reason: InvalidUri },
    #[error("the authorization code grant needs a redirect URI")]
    NoRedirectUri,
    #[error("a client with {0} needs a secret")]
    NoSecret(AuthMethod),
    #[error("a client with private_key_jwt needs its public keys")]
    NoKeys,
    #[error("a public client can not act for itself")]
    PublicClientCredentials,
    #[error("a public client must use PKCE")]
    PublicWithoutPkce,
    #[error("the client id is taken")]
    Taken,
}

impl NewClient {
    /// Judges what does not need the database.
    fn check(&self) -> Result<(), InvalidRegistration> {
        let settings = &self.settings;
        let name_it = |uri: &String| {
            let uri = uri.clone();
            move |reason| InvalidRegistration::Uri { uri, reason }
        };
        for text in self.redirect_uris.iter().chain(&self.post_logout_redirect_uris) {
            uri::check_redirect(text).map_err(name_it(text))?;
        }
        let links = [
            &settings.logo_uri,
            &settings.policy_uri,
            &settings.tos_uri,
            &settings.client_uri,
            &settings.initiate_login_uri,
            &settings.backchannel_logout_uri,
        ];
        for text in links.into_iter().flatten() {
            uri::check_web(text).map_err(name_it(text))?;
        }
        if self.grant_types.contains(&GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return Err(InvalidRegistration::NoRedirectUri);
        }
        match self.auth_method {
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost if self.secret.is_none() => {
                Err(InvalidRegistration::NoSecret(self.auth_method))
            }
            AuthMethod::PrivateKeyJwt if settings.jwks.is_none() => Err(InvalidRegistration::NoKeys),
            AuthMethod::None if self.grant_types.contains(&GrantType::ClientCredentials) => {
                Err(InvalidRegistration::PublicClientCredentials)
            }
            AuthMethod::None if !settings.require_pkce => Err(InvalidRegistration::PublicWithoutPkce),
            _ => Ok(()),
        }
    }
}

/// Registers a client.
///
/// # Errors
/// The database's. What is wrong with the registration is data.
pub async fn insert(
    tx: &mut Tx<'_>,
    new: &NewClient,
    now: Timestamp,
) -> store::Result<Result<Client, InvalidRegistration>> {
    insert_with_id(tx, ClientRowId::new(now), new, now).await
}

/// The same under an id chosen before, as the demo's declared world has it.
///
/// # Errors
/// The database's. What is wrong with the registration is data.
pub async fn insert_with_id(
    tx: &mut Tx<'_>,
    id: ClientRowId,
    new: &NewClient,
    now: Timestamp,
) -> store::Result<Result<Client, InvalidRegistration>> {
    if let Err(invalid) = new.check() {
        return Ok(Err(invalid));
    }
    let client_id = new.client_id.clone().unwrap_or_else(|| Secret::random().expose()[..22].to_owned());
    if sql::find_by_client_id(tx, &client_id).await?.is_some() {
        return Ok(Err(InvalidRegistration::Taken));
    }
    let client = Client {
        id,
        client_id,
        product_id: new.product_id,
        name: new.name.clone(),
        auth_method: new.auth_method,
        secret_hash: new.secret.as_ref().map(Secret::hash),
        previous_secret: None,
        redirect_uris: new.redirect_uris.clone(),
        post_logout_redirect_uris: new.post_logout_redirect_uris.clone(),
        grant_types: new.grant_types.clone(),
        scopes: new.scopes.clone(),
        settings: new.settings.clone(),
        status: Status::Active,
        created_at: now,
        updated_at: now,
    };
    sql::insert(tx, &client).await?;
    Ok(Ok(client))
}

/// How long a node that still has the former master key may go on with the secret derived from it.
const PREVIOUS_SECRET: Duration = Duration::from_secs(24 * 3600);

/// Registers a client that the server declares itself, at every start: one that is there is brought in
/// line with the public URL and the master key, and keeps what administrators have set.
///
/// # Errors
/// The database's. What is wrong with the registration is data.
pub async fn declare(
    tx: &mut Tx<'_>,
    new: &NewClient,
    now: Timestamp,
) -> store::Result<Result<(), InvalidRegistration>> {
    let client_id = new.client_id.as_deref().unwrap_or_default();
    let Some(mut client) = sql::find_by_client_id(tx, client_id).await? else {
        return Ok(insert(tx, new, now).await?.map(drop));
    };
    if let Err(invalid) = new.check() {
        return Ok(Err(invalid));
    }
    let secret_hash = new.secret.as_ref().map(Secret::hash);
    let settings = Settings {
        backchannel_logout_uri: new.settings.backchannel_logout_uri.clone(),
        initiate_login_uri: new.settings.initiate_login_uri.clone(),
        ..client.settings.clone()
    };
    let same = client.secret_hash == secret_hash
        && client.redirect_uris == new.redirect_uris
        && client.post_logout_redirect_uris == new.post_logout_redirect_uris
        && client.scopes == new.scopes
        && client.settings.backchannel_logout_uri == settings.backchannel_logout_uri
        && client.settings.initiate_login_uri == settings.initiate_login_uri;
    if same {
        return Ok(Ok(()));
    }
    if client.secret_hash != secret_hash {
        client.previous_secret = client.secret_hash.take().map(|hash| (hash, now + PREVIOUS_SECRET));
        client.secret_hash = secret_hash;
    }
    client.redirect_uris.clone_from(&new.redirect_uris);
    client.post_logout_redirect_uris.clone_from(&new.post_logout_redirect_uris);
    client.scopes.clone_from(&new.scopes);
    client.settings = settings;
    sql::set_registration(tx, &client, now).await?;
    Ok(Ok(()))
}
