use castellan::{
    access::Subject,
    clients::{self, AccessTokenFormat, AuthMethod, GrantType, NewClient, Settings},
    id::OrganizationId,
    keys::Algorithm,
    products::Product,
    secret::Secret,
};
use serde_json::Value;

use super::{Answer, Castellan};

/// Where the clients of the tests get their answers.
pub const CALLBACK: &str = "https://app.example/callback";

impl Castellan {
    /// A client of the product: confidential, basic authentication, first-party, code and refresh,
    /// until the builder says otherwise.
    pub fn client(&self, product: &Product) -> ClientBuilder<'_> {
        ClientBuilder {
            castellan: self,
            new: NewClient {
                client_id: None,
                product_id: product.id,
                name: format!("{} app", product.slug),
                auth_method: AuthMethod::ClientSecretBasic,
                secret: Some(Secret::random()),
                redirect_uris: vec![CALLBACK.to_owned()],
                post_logout_redirect_uris: vec!["https://app.example/signed-out".to_owned()],
                grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
                scopes: ["openid", "profile", "email", "product", "offline_access"].map(str::to_owned).to_vec(),
                settings: Settings { first_party: true, id_token_alg: Algorithm::Es256, ..Settings::default() },
            },
        }
    }

    /// A client of the product that acts for itself, with the role `operator` over the organization.
    pub async fn machine(&self, product: &Product, organization: OrganizationId) -> TestClient<'_> {
        let client = self.client(product).grants(&[GrantType::ClientCredentials]).create().await;
        self.assign(Subject::Client(client.registered.id), product, &["operator"], organization).await;
        client
    }
}

/// What a client shall be before a test begins.
pub struct ClientBuilder<'c> {
    castellan: &'c Castellan,
    new: NewClient,
}

impl<'c> ClientBuilder<'c> {
    /// Without a secret.
    pub fn public(mut self) -> Self {
        (self.new.auth_method, self.new.secret) = (AuthMethod::None, None);
        self
    }

    /// Its secret in the body.
    pub fn post(mut self) -> Self {
        self.new.auth_method = AuthMethod::ClientSecretPost;
        self
    }

    /// With keys of its own.
    pub fn keys(mut self, jwks: Value) -> Self {
        (self.new.auth_method, self.new.secret) = (AuthMethod::PrivateKeyJwt, None);
        self.new.settings.jwks = Some(jwks);
        self
    }

    /// Somebody else's: asks for consent.
    pub fn third_party(mut self) -> Self {
        self.new.settings.first_party = false;
        self
    }

    /// As an administrator may have switched it.
    pub fn without_pkce(mut self) -> Self {
        self.new.settings.require_pkce = false;
        self
    }

    /// The scopes it is registered for.
    pub fn scopes(mut self, scopes: &str) -> Self {
        self.new.scopes = scopes.split(' ').map(str::to_owned).collect();
        self
    }

    pub fn opaque(mut self) -> Self {
        self.new.settings.access_token_format = AccessTokenFormat::Opaque;
        self
    }

    pub fn grants(mut self, grants: &[GrantType]) -> Self {
        self.new.grant_types = grants.to_vec();
        self
    }

    pub fn redirect_uris(mut self, uris: &[&str]) -> Self {
        self.new.redirect_uris = uris.iter().map(|&uri| uri.to_owned()).collect();
        self
    }

    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.new.settings);
        self
    }

    pub async fn create(self) -> TestClient<'c> {
        self.try_create().await.expect("a valid registration")
    }

    /// Or why it cannot be registered.
    pub async fn try_create(self) -> Result<TestClient<'c>, clients::InvalidRegistration> {
        let castellan = self.castellan;
        let now = castellan.now();
        let secret = self.new.secret.clone();
        let new = self.new;
        let made = castellan.write(async move |tx| clients::insert(tx, &new, now).await).await;
        Ok(TestClient { castellan, registered: made?, secret })
    }
}

/// A registered client, and what only it knows.
#[derive(Clone)]
pub struct TestClient<'c> {
    castellan: &'c Castellan,
    pub registered: clients::Client,
    pub secret: Option<Secret>,
}

impl TestClient<'_> {
    pub fn id(&self) -> &str {
        &self.registered.client_id
    }

    pub fn secret(&self) -> &str {
        self.secret.as_ref().map_or("", Secret::expose)
    }

    /// The header of client_secret_basic.
    pub fn basic(&self) -> String {
        use base64::{Engine, engine::general_purpose::STANDARD};
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id(), self.secret())))
    }

    /// Posts a form as this client, proven by its method.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let basic = self.basic();
        match self.registered.auth_method {
            AuthMethod::ClientSecretBasic => {
                self.castellan.post_form(path, &[("authorization", basic.as_str())], fields).await
            }
            AuthMethod::ClientSecretPost => {
                let own = [("client_id", self.id()), ("client_secret", self.secret())];
                self.castellan.post_form(path, &[], &[&own, fields].concat()).await
            }
            AuthMethod::None | AuthMethod::PrivateKeyJwt => {
                self.castellan.post_form(path, &[], &[&[("client_id", self.id())], fields].concat()).await
            }
        }
    }

    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post("/token", fields).await
    }

    pub async fn client_credentials(&self) -> Answer {
        self.token(&[("grant_type", "client_credentials")]).await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// Redeems a code that came to [`CALLBACK`].
    pub async fn redeem(&self, code: &str, verifier: &str) -> Answer {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.token(&[&fields[..], &[("code_verifier", verifier)]].concat()).await
    }

    /// What introspection says to this client.
    pub async fn introspect(&self, token: &str) -> Value {
        self.post("/introspect", &[("token", token)]).await.expect(200)
    }
}

/// The claims of a compact JWS, its signature unread.
#[track_caller]
pub fn claims(jwt: &str) -> Value {
    part(jwt, 1)
}

/// Its header.
#[track_caller]
pub fn header(jwt: &str) -> Value {
    part(jwt, 0)
}

#[track_caller]
fn part(jwt: &str, index: usize) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = jwt.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
