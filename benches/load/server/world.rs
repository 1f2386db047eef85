use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What `castellan demo --describe` writes: everything a program needs to take part.
#[derive(Debug, Clone, Deserialize)]
pub struct World {
    pub mailbox: String,
    pub users: Vec<User>,
    pub clients: Vec<Client>,
    pub connections: Vec<Connection>,
    pub api: Api,
}

#[derive(Debug, Clone, Deserialize)]
pub struct User {
    pub login: String,
    #[serde(default)]
    pub password: Option<String>,
    #[serde(default)]
    pub totp_secret: Option<String>,
    #[serde(default)]
    pub mfa: Vec<String>,
    #[serde(default)]
    pub must_enrol: bool,
    #[serde(default)]
    pub products: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Client {
    pub client_id: String,
    #[serde(default)]
    pub client_secret: Option<String>,
    pub auth_method: String,
    pub product: String,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    pub grant_types: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Connection {
    pub base_url: String,
    pub token: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Api {
    pub base_url: String,
    pub token: String,
}

impl World {
    /// A client that asks for tokens in its own name.
    pub fn machine(&self) -> Result<&Client> {
        let found = self.clients.iter().find(|client| client.is_machine());
        found.context("no client of the demo has client_credentials")
    }

    /// The client of that id.
    pub fn client(&self, client_id: &str) -> Result<&Client> {
        self.clients.iter().find(|client| client.client_id == client_id).context("the client is gone")
    }

    /// A product's web client and a person with TOTP who holds the product.
    pub fn product_pair(&self) -> Result<(&Client, &User)> {
        let clients = self.clients.iter().filter(|client| client.is_web() && client.product != "conformance");
        clients
            .filter_map(|client| Some((client, self.users.iter().find(|user| user.has_totp() && user.holds(client))?)))
            .next()
            .context("no product of the demo has both a web client and a person with TOTP")
    }

    /// The hidden product's client and its person, whose policy asks for a password only.
    pub fn password_only_pair(&self) -> Result<(&Client, &User)> {
        let clients = self.clients.iter().filter(|client| client.is_web() && client.product == "conformance");
        clients
            .filter_map(|client| {
                Some((client, self.users.iter().find(|user| user.mfa.is_empty() && user.holds(client))?))
            })
            .next()
            .context("the demo's conformance product lacks a web client or a person")
    }
}

impl Client {
    fn may(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|known| known == grant_type)
    }

    /// Asks for tokens in its own name, with a secret that the demo tells.
    pub fn is_machine(&self) -> bool {
        self.may("client_credentials") && self.client_secret.is_some() && self.auth_method == "client_secret_basic"
    }

    /// Confidential, with codes and refresh tokens.
    fn is_web(&self) -> bool {
        self.auth_method == "client_secret_basic"
            && self.may("authorization_code")
            && self.may("refresh_token")
            && self.client_secret.is_some()
    }
}

impl User {
    fn has_totp(&self) -> bool {
        self.totp_secret.is_some() && !self.must_enrol && self.password.is_some()
    }

    fn holds(&self, client: &Client) -> bool {
        self.products.contains_key(&client.product) && !self.must_enrol && self.password.is_some()
    }
}
