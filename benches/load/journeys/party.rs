use anyhow::{Context, Result, ensure};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde_json::Value;

use crate::{
    http::{Answer, Connection, Target, basic, encode},
    server::Client,
};

/// A product's app as an OAuth client: it builds requests and reads what comes back.
#[derive(Clone)]
pub struct Party {
    pub target: Target,
    pub redirect_uri: String,
    pub client_id: String,
    authorization: String,
    endpoints: Endpoints,
}

#[derive(Clone)]
struct Endpoints {
    authorize: String,
    token: String,
    userinfo: String,
    introspect: String,
}

/// A code, with what redeems it.
#[derive(Clone, Debug)]
pub struct Code {
    pub code: String,
    pub verifier: String,
}

#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub id: Option<String>,
}

impl Party {
    pub async fn new(target: &Target, client: &Client) -> Result<Self> {
        let request = target.get("/.well-known/openid-configuration", &[]);
        let metadata = Connection::new(target).send(&request).await?.expect(200)?.json()?;
        let secret = client.client_secret.as_deref().context("a client secret")?;
        Ok(Self {
            target: target.clone(),
            redirect_uri: client.redirect_uris.first().cloned().unwrap_or_default(),
            client_id: client.client_id.clone(),
            authorization: basic(&client.client_id, secret),
            endpoints: Endpoints {
                authorize: path(&metadata["authorization_endpoint"])?,
                token: path(&metadata["token_endpoint"])?,
                userinfo: path(&metadata["userinfo_endpoint"])?,
                introspect: path(&metadata["introspection_endpoint"])?,
            },
        })
    }

    /// An authorization request with PKCE, and the verifier that goes with it.
    pub fn authorization(&self) -> (String, String) {
        let verifier = random();
        let challenge = BASE64URL.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        let query = encode(&[
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", "openid offline_access"),
            ("state", &random()),
            ("nonce", &random()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        (format!("{}?{query}", self.endpoints.authorize), verifier)
    }

    pub fn code_request(&self, code: &Code) -> Vec<u8> {
        self.token_request(&[
            ("grant_type", "authorization_code"),
            ("code", &code.code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &code.verifier),
        ])
    }

    pub fn refresh_request(&self, refresh_token: &str) -> Vec<u8> {
        self.token_request(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
    }

    pub fn token_request(&self, form: &[(&str, &str)]) -> Vec<u8> {
        self.target.post(&self.endpoints.token, &[("authorization", &self.authorization)], form)
    }

    /// How a token request begins.
    pub fn token_request_line(&self) -> String {
        format!("\"POST {} HTTP", self.endpoints.token)
    }

    pub fn introspection_request(&self, token: &str) -> Vec<u8> {
        self.target.post(&self.endpoints.introspect, &[("authorization", &self.authorization)], &[("token", token)])
    }

    pub fn userinfo_request(&self, access_token: &str) -> Vec<u8> {
        self.target.get(&self.endpoints.userinfo, &[("authorization", &format!("Bearer {access_token}"))])
    }
}

impl Code {
    /// Out of the redirect to the client.
    pub fn of_redirect(url: &url::Url, verifier: String) -> Result<Self> {
        let code = url.query_pairs().find(|(name, _)| name == "code").map(|(_, value)| value.into_owned());
        Ok(Self { code: code.with_context(|| format!("no code in {url}"))?, verifier })
    }
}

impl Tokens {
    pub fn of(answer: Answer) -> Result<Self> {
        let body = answer.expect(200)?.json()?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Ok(Self {
            access: text("access_token").context("an access token")?,
            refresh: text("refresh_token"),
            id: text("id_token"),
        })
    }
}

fn path(url: &Value) -> Result<String> {
    let url = url::Url::parse(url.as_str().context("an endpoint in the metadata")?)?;
    ensure!(url.query().is_none(), "an endpoint without a query");
    Ok(url.path().to_owned())
}

/// 43 characters that nobody guesses.
pub fn random() -> String {
    let mut bytes = [0; 32];
    // Without its random source the library aborts before this line.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    BASE64URL.encode(bytes)
}
