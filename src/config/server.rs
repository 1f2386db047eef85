//! Where the server is: its socket, its public URL, its database, its proxies.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use ipnet::IpNet;
use url::{Host, Url};

use super::Invalid;
use crate::store;

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const DEFAULT_DATABASE: &str = "castellan.db";

pub(super) fn listen(text: Option<&str>) -> Result<SocketAddr, Invalid> {
    let Some(text) = text else { return Ok(DEFAULT_LISTEN) };
    text.parse().map_err(|_| {
        let remedy = "Write an IP address and a port, as \"127.0.0.1:8080\" or \"[::]:8080\"";
        Invalid::new("listen", format!("{text:?} is no socket address"), remedy)
    })
}

/// The public URL as configured; on a loopback socket `http://localhost:PORT` will do.
pub(super) fn public_url(text: Option<&str>, listen: SocketAddr) -> Result<Url, Invalid> {
    let Some(text) = text else {
        return if listen.ip().is_loopback() {
            judge_public_url(&format!("http://localhost:{}", listen.port()))
        } else {
            Err(Invalid::new(
                "public_url",
                format!("is missing, and {listen} is reachable from elsewhere"),
                "Write the URL that browsers use, as \"https://id.example.com\"",
            ))
        };
    };
    judge_public_url(text)
}

/// Judges a public URL, also that of `demo --public-url`.
///
/// # Errors
/// It is no origin, or neither https nor loopback.
pub fn judge_public_url(text: &str) -> Result<Url, Invalid> {
    let refuse = |problem: &str, remedy: &str| Invalid::new("public_url", format!("{text:?} {problem}"), remedy);
    let remedy = "Write the URL that browsers use, as \"https://id.example.com\"";
    let url = Url::parse(text).map_err(|_| refuse("is no URL", remedy))?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !plain || url.fragment().is_some() || url.path() != "/" {
        return Err(refuse("has more than scheme, host and port", remedy));
    }
    // A cookie without Secure is bearable only where nobody can listen in.
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !safe {
        let remedy = "Use https, or http://localhost:PORT for trying out; a proxy may end TLS";
        return Err(refuse("is neither https nor loopback", remedy));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn issuer(public_url: &Url) -> String {
    public_url.as_str().trim_end_matches('/').to_owned()
}

/// The database's URL, which may hold a password: its own file, or the key.
pub(super) fn database(text: Option<String>, file: Option<&Path>) -> Result<store::Url, Invalid> {
    let remedy = "Write a path for SQLite, or postgres://USER:PASSWORD@HOST/DATABASE";
    let text = match (text, file) {
        (Some(_), Some(_)) => {
            return Err(Invalid::new("database_file", "is set beside `database`", "Keep one of them"));
        }
        (Some(text), None) => text,
        (None, Some(file)) => read_secret("database_file", file)?,
        (None, None) => DEFAULT_DATABASE.to_owned(),
    };
    text.parse().map_err(|_| Invalid::new("database", "is neither a path nor a postgres:// URL", remedy))
}

/// A secret in a file of its own, without the line's end.
pub(super) fn read_secret(key: &str, file: &Path) -> Result<String, Invalid> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let problem = format!("{} cannot be read: {error}", file.display());
        Invalid::new(key, problem, "Make the file, or let this user read it")
    })?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Invalid::new(key, format!("{} is empty", file.display()), "Write the secret into it"));
    }
    Ok(text.to_owned())
}

pub(super) fn trusted_proxies(texts: &[String]) -> Result<Vec<IpNet>, Invalid> {
    texts.iter().map(|text| proxy(text)).collect()
}

fn proxy(text: &str) -> Result<IpNet, Invalid> {
    let parsed = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    parsed.map_err(|_| {
        let remedy = "Write addresses or networks, as [\"10.0.0.0/8\", \"::1\"]";
        Invalid::new("trusted_proxies", format!("{text:?} is no network"), remedy)
    })
}
