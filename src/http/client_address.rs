use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

use super::Site;

/// Whence a request came: the peer, or what a trusted proxy says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The peer's address, then leftwards through `X-Forwarded-For` as long as the hop is a trusted
    /// proxy. What the client itself wrote stands left of the last trusted hop and is never reached.
    pub fn of(peer: IpAddr, headers: &HeaderMap, site: &Site) -> Self {
        let mut address = peer.to_canonical();
        let values = headers.get_all("x-forwarded-for");
        let hops: Vec<&str> =
            values.iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).collect();
        for hop in hops.into_iter().rev() {
            if !site.trusts(address) {
                break;
            }
            // A hop that is no address ends the chain: what stands left of it is hearsay.
            let Ok(next) = hop.trim().parse::<IpAddr>() else { break };
            address = next.to_canonical();
        }
        Self(address)
    }

    /// What is counted as one source: an IPv4 address, or an IPv6 /64, which one household holds.
    pub fn source(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Requests that this process makes of itself have no peer.
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))))
    }
}

/// The peer of a connection, if the request came over one.
pub(super) fn peer(extensions: &axum::http::Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// The browser's name for itself, at most 200 characters of it: shown to its user, believed by nobody.
#[derive(Debug, Clone, Default)]
pub struct UserAgent(pub String);

impl<S: Sync> FromRequestParts<S> for UserAgent {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let value = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self(value.chars().filter(|c| !c.is_control()).take(200).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let site = Site {
            origin: "https://id.example".to_owned(),
            secure: true,
            trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")],
        };
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a value"));
        }
        ClientAddress::of(peer.parse().expect("an address"), &headers, &site).to_string()
    }

    #[test]
    fn only_trusted_proxies_speak_for_others() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn the_rightmost_untrusted_hop_counts_whatever_the_client_wrote_left_of_it() {
        assert_eq!(address("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn nonsense_is_not_followed() {
        for nonsense in ["a", "", "[::1", "\"1.1.1.1\"", "unknown"] {
            assert_eq!(address("10.0.0.1", &[nonsense]), "10.0.0.1", "{nonsense}");
        }
        assert_eq!(address("10.0.0.1", &["1.1.1.1, junk, 10.0.0.3"]), "10.0.0.3");
    }

    #[test]
    fn mapped_addresses_and_one_household_are_one_source() {
        let source = |text: &str| ClientAddress(text.parse::<IpAddr>().expect("an address").to_canonical()).source();
        assert_eq!(source("::ffff:198.51.100.1"), source("198.51.100.1"));
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:2"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
    }
}
