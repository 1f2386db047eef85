//! The one client for requests that leave this server, behind one guard.
//!
//! Whoever registers a URL could otherwise make us knock at doors that only we reach (server-side
//! request forgery). The guard judges addresses, not names, at the moment of connecting, so a name
//! that turns to loopback, a decimal IP or a mapped IPv6 address is no way around it. Redirects are
//! not followed, proxies of the environment not used, bodies not read.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use url::{Host, Url};

/// From the first packet to the status line.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends our requests. Cheap to clone; the TLS roots are read at the first request.
#[derive(Clone)]
pub struct Outbound {
    allow_private: bool,
    client: Arc<OnceLock<Result<reqwest::Client, ()>>>,
}

/// Why a request came to nothing. The text is the same for every address that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The URL is not one that we call.
    #[error("the URL is not allowed")]
    Url,
    /// No connection, no TLS, no answer in time; or its address is not allowed.
    #[error("the server could not be reached")]
    Unreachable,
}

impl Outbound {
    /// `allow_private` opens loopback and private addresses, and plain http, for demos and closed networks.
    pub fn new(allow_private: bool) -> Self {
        Self { allow_private, client: Arc::default() }
    }

    /// Posts a form and answers the status. Nothing of the body is read.
    ///
    /// # Errors
    /// The URL is not allowed, or nobody answered.
    pub async fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Result<u16, Refused> {
        let url = self.judge(url)?;
        let client = self.client()?;
        let answer = client.post(url).form(fields).send().await.map_err(|_| Refused::Unreachable)?;
        Ok(answer.status().as_u16())
    }

    /// Pushes a security event token (RFC 8935 §2) and answers the status. Nothing of the body is read.
    ///
    /// # Errors
    /// The URL is not allowed, or nobody answered.
    pub async fn post_event(&self, url: &str, bearer: &str, token: String) -> Result<u16, Refused> {
        let url = self.judge(url)?;
        let request = self
            .client()?
            .post(url)
            .header("content-type", "application/secevent+jwt")
            .header("accept", "application/json")
            .bearer_auth(bearer)
            .body(token);
        let answer = request.send().await.map_err(|_| Refused::Unreachable)?;
        Ok(answer.status().as_u16())
    }

    /// Whether we would call this URL, as far as its text tells.
    ///
    /// # Errors
    /// [`Refused::Url`].
    pub fn judge(&self, url: &str) -> Result<Url, Refused> {
        let url = Url::parse(url).map_err(|_| Refused::Url)?;
        let scheme = url.scheme() == "https" || (self.allow_private && url.scheme() == "http");
        let plain = url.username().is_empty() && url.password().is_none();
        // Names are judged when they are resolved; an address in the URL is never resolved.
        let address = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.allows(IpAddr::V6(address)),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if scheme && plain && address { Ok(url) } else { Err(Refused::Url) }
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }

    fn client(&self) -> Result<&reqwest::Client, Refused> {
        let made = self.client.get_or_init(|| {
            reqwest::Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .timeout(PATIENCE)
                .user_agent(concat!("castellan/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Guard { allow_private: self.allow_private }))
                .build()
                .map_err(|error| tracing::error!(%error, "the HTTP client could not be made"))
        });
        made.as_ref().map_err(|()| Refused::Unreachable)
    }
}

/// Resolves names, and forgets the addresses that are not allowed.
struct Guard {
    allow_private: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err("no address that we call".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address lies in the public Internet (IANA special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // An IPv4 address in other clothes (mapped, NAT64, 6to4) is judged as what it is.
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        // Global unicast, without the ranges for protocols, documentation and ORCHID.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row 112 of the security programme.
    #[test]
    fn addresses_inside_are_not_called() {
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
        for address in ["93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::5db8:d70e"] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn urls_are_judged_by_what_they_mean() {
        let outbound = Outbound::new(false);
        for url in [
            "http://rp.example/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://0/",
            "https://169.254.169.254/latest/",
            "https://user@rp.example/",
            "ftp://rp.example/",
            "file:///etc/passwd",
            "https:///",
            "javascript:alert(1)",
        ] {
            assert_eq!(outbound.judge(url), Err(Refused::Url), "{url}");
        }
        assert!(outbound.judge("https://rp.example/logout?x=1").is_ok());
        assert!(Outbound::new(true).judge("http://127.0.0.1:8081/logout").is_ok());
    }

    #[tokio::test]
    async fn a_name_that_turns_to_loopback_is_not_called() {
        let canary = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://localhost:{}/", canary.local_addr().expect("an address").port());
        assert_eq!(Outbound::new(false).post_form(&url, &[]).await, Err(Refused::Unreachable));
        let hit = tokio::time::timeout(Duration::from_millis(50), canary.accept()).await;
        assert!(hit.is_err(), "nobody knocked");
    }
}
