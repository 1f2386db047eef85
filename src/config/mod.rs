//! Configuration: one TOML file, then `CASTELLAN_...` variables over it, judged once at the start.
//!
//! - One file here for each concern; every field has a default and is documented in
//!   `docs/castellan.toml`, which a test parses to the defaults.
//! - Unknown keys, bad values and missing secrets are [`Invalid`]: they name the key and the remedy
//!   and stop the start. Nothing ever falls back to something weaker.
//! - Secrets (master keys, the database's URL, the SMTP password) come from files of their own or
//!   from the environment, never from the command line, and never appear in messages or `Debug`.
//!
//! Invariant: what [`Config`] holds has been judged; the rest of the server trusts it.

mod error;
mod keys;
mod limits;
mod links;
mod log;
mod mail;
mod master_key;
mod passwords;
mod scim;
mod seconds;
mod server;
mod source;
mod tokens;
mod webauthn;

use std::{net::SocketAddr, path::Path, sync::Arc};

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use crate::{secret::MasterKeys, store};

pub use error::Invalid;
pub use keys::Keys;
pub use limits::Limits;
pub use links::Links;
pub use log::{Format, Log};
pub use mail::{Mail, Transport};
pub use master_key::{
    DEFAULT_FILE as DEFAULT_MASTER_KEY_FILE, append as append_master_key, create as create_master_key,
    read as read_master_keys,
};
pub use passwords::Passwords;
pub use scim::Scim;
pub use server::judge_public_url;
pub use source::Source;
pub use tokens::Tokens;
pub use webauthn::WebAuthn;

/// The file looked for where none is named.
pub const DEFAULT_FILE: &str = "castellan.toml";

/// What the server runs by. Built by [`Config::load`] or [`Config::with_defaults`] only.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The one origin that every URL is built from, never a request header (security.md section 0.7).
    pub public_url: Url,
    pub database: store::Url,
    /// Apply missing migrations at the start.
    pub migrate: bool,
    /// All loaded master keys; the newest seals.
    pub master_keys: Arc<MasterKeys>,
    /// Proxies whose forwarded addresses are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether requests of ours (back-channel logout) may go to private and loopback addresses.
    pub allow_private_outbound: bool,
    pub keys: Keys,
    pub tokens: Tokens,
    pub links: Links,
    pub passwords: Passwords,
    pub limits: Limits,
    /// `None`: nothing is sent; the outbox keeps messages until they expire.
    pub mail: Option<Mail>,
    pub webauthn: WebAuthn,
    pub scim: Scim,
    pub log: Log,
    /// The demo: mail goes to the mailbox page, and other hosts are answered 308 to the public URL.
    pub demo: bool,
    issuer: String,
}

/// The file as written: what [`Config`] is made from. Sections of one type serve as both.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    listen: Option<String>,
    public_url: Option<String>,
    database: Option<String>,
    database_file: Option<std::path::PathBuf>,
    migrate: Option<bool>,
    master_key: Option<String>,
    master_key_file: Option<std::path::PathBuf>,
    trusted_proxies: Vec<String>,
    allow_private_outbound: bool,
    keys: Keys,
    tokens: Tokens,
    links: Links,
    passwords: Passwords,
    limits: Limits,
    mail: Option<mail::Settings>,
    webauthn: WebAuthn,
    scim: Scim,
    log: Log,
}

impl Config {
    /// Reads and judges the configuration.
    ///
    /// # Errors
    /// The first thing that is wrong, with its key and its remedy.
    pub fn load(source: &Source) -> Result<Self, Invalid> {
        Self::judge(source.read()?)
    }

    /// Every setting at its default, for the demo and for tests.
    pub fn with_defaults(
        listen: SocketAddr,
        public_url: Url,
        database: store::Url,
        master_keys: Arc<MasterKeys>,
    ) -> Self {
        Self {
            listen,
            issuer: server::issuer(&public_url),
            public_url,
            database,
            migrate: true,
            master_keys,
            trusted_proxies: Vec::new(),
            allow_private_outbound: false,
            keys: Keys::default(),
            tokens: Tokens::default(),
            links: Links::default(),
            passwords: Passwords::default(),
            limits: Limits::default(),
            mail: None,
            webauthn: WebAuthn::default(),
            scim: Scim::default(),
            log: Log::default(),
            demo: false,
        }
    }

    fn judge(settings: Settings) -> Result<Self, Invalid> {
        let listen = server::listen(settings.listen.as_deref())?;
        let public_url = server::public_url(settings.public_url.as_deref(), listen)?;
        let database = server::database(settings.database, settings.database_file.as_deref())?;
        let file = settings.master_key_file.as_deref().unwrap_or(Path::new(master_key::DEFAULT_FILE));
        let master_keys = Arc::new(master_key::load(settings.master_key.as_deref(), file)?);
        settings.tokens.judge()?;
        settings.links.judge()?;
        settings.keys.judge(&settings.tokens)?;
        settings.passwords.judge()?;
        settings.limits.judge()?;
        settings.webauthn.judge(&public_url)?;
        settings.scim.judge()?;
        Ok(Self {
            migrate: settings.migrate.unwrap_or(true),
            trusted_proxies: server::trusted_proxies(&settings.trusted_proxies)?,
            allow_private_outbound: settings.allow_private_outbound,
            keys: settings.keys,
            tokens: settings.tokens,
            links: settings.links,
            passwords: settings.passwords,
            limits: settings.limits,
            mail: settings.mail.map(mail::Settings::judge).transpose()?,
            webauthn: settings.webauthn,
            scim: settings.scim,
            log: settings.log,
            ..Self::with_defaults(listen, public_url, database, master_keys)
        })
    }

    /// The issuer identifier: the public URL without a slash at its end (RFC 8414 §2).
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The public URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// Whether cookies are `Secure` and `__Host-`: the public URL is https.
    pub fn secure_cookies(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// The WebAuthn relying party id: as configured, else the public URL's host; `None` where that is
    /// an IP address, for which browsers make no passkeys.
    pub fn rp_id(&self) -> Option<&str> {
        self.webauthn.rp_id.as_deref().or_else(|| self.public_url.domain())
    }
}

#[cfg(test)]
mod tests;
