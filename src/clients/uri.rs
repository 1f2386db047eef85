//! Redirect URIs: what may be registered, and what equals what.

use url::{Host, Url};

/// What authorization responses add to a redirect URI: a registered one must not bring its own.
const RESPONSE_PARAMETERS: &[&str] = &["code", "state", "iss", "error", "error_description", "response", "id_token"];

/// Why a URI is not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUri {
    #[error("is no absolute URI")]
    Malformed,
    #[error("must not hold spaces, control characters or backslashes")]
    Characters,
    #[error("must be https, http on this machine, or an app's own scheme such as com.example.app")]
    Scheme,
    #[error("must not hold a fragment")]
    Fragment,
    #[error("must not hold a user name or password")]
    Credentials,
    #[error("must be written in its normal form")]
    NotNormal,
    #[error("must not hold a parameter of authorization responses")]
    ResponseParameter,
}

/// Whether a redirect or logout URI may be registered (RFC 6749 §3.1.2, RFC 8252 §7).
pub(super) fn check_redirect(text: &str) -> Result<(), InvalidUri> {
    let url = parse(text)?;
    let app_scheme = url.scheme().contains('.');
    if !app_scheme && !is_web(&url) {
        return Err(InvalidUri::Scheme);
    }
    if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref())) {
        return Err(InvalidUri::ResponseParameter);
    }
    Ok(())
}

/// Whether a link to show, or an address to call, may be registered.
pub(super) fn check_web(text: &str) -> Result<(), InvalidUri> {
    if is_web(&parse(text)?) { Ok(()) } else { Err(InvalidUri::Scheme) }
}

fn parse(text: &str) -> Result<Url, InvalidUri> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(InvalidUri::Characters);
    }
    let url = Url::parse(text).map_err(|_| InvalidUri::Malformed)?;
    if url.fragment().is_some() {
        return Err(InvalidUri::Fragment);
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(InvalidUri::Credentials);
    }
    // What a browser would rewrite (dots, case, default ports) is not compared as it was written.
    if url.as_str() != text && url.as_str().strip_suffix('/') != Some(text) {
        return Err(InvalidUri::NotNormal);
    }
    Ok(url)
}

fn is_web(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        },
        _ => false,
    }
}

/// Whether `given` is the registered URI: byte for byte, but a native app chooses its loopback port
/// when it runs (RFC 8252 §7.3). That holds for the IP literals only, never for `localhost`.
pub(super) fn matches(registered: &str, given: &str) -> bool {
    if registered == given {
        return true;
    }
    match (without_loopback_port(registered), without_loopback_port(given)) {
        (Some(registered), Some(given)) => registered == given,
        _ => false,
    }
}

/// The loopback address and what follows the port; `None` for every other URI.
fn without_loopback_port(uri: &str) -> Option<(&str, &str)> {
    ["http://127.0.0.1", "http://[::1]"].into_iter().find_map(|address| {
        let rest = uri.strip_prefix(address)?;
        let Some(port_and_path) = rest.strip_prefix(':') else {
            return (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((address, rest));
        };
        let end = port_and_path.find(['/', '?']).unwrap_or(port_and_path.len());
        let (port, path) = port_and_path.split_at(end);
        // All digits: "80@evil.example" is no port.
        (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()).then_some((address, path))
    })
}

/// Whether the URI is of the web origin (RFC 6454 §6.2), compared in its serialised form.
pub(super) fn is_of_origin(registered: &str, origin: &str) -> bool {
    Url::parse(registered).is_ok_and(|url| {
        let of = url.origin();
        of.is_tuple() && of.ascii_serialization() == origin
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Security rows 1 to 5: byte equality, whatever parsers make of it.
    #[test]
    fn only_the_registered_string_matches() {
        let registered = "https://rp.example/cb?x=1";
        assert!(matches(registered, registered));
        for given in [
            "https://rp.example/cb",
            "https://rp.example/cb?x=1&y=2",
            "https://rp.example/cb?x=1#",
            "https://rp.example/cb/?x=1",
            "https://rp.example/cb/../cb?x=1",
            "https://rp.example/%2e%2e/cb?x=1",
            "https://rp.example:443/cb?x=1",
            "https://rp@evil.example/cb?x=1",
            "https://rpXexample/cb?x=1",
            "HTTPS://rp.example/cb?x=1",
        ] {
            assert!(!matches(registered, given), "{given}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        assert!(matches("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"));
        assert!(matches("http://127.0.0.1:80/cb", "http://127.0.0.1:1/cb"));
        assert!(matches("http://[::1]/cb", "http://[::1]:8080/cb"));
        for (registered, given) in [
            ("http://localhost/cb", "http://localhost:8080/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:8080/other"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:8080/cb"),
            ("http://127.0.0.1/cb", "http://[::1]:8080/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb"),
            ("http://127.0.0.2/cb", "http://127.0.0.2:8080/cb"),
        ] {
            assert!(!matches(registered, given), "{given}");
        }
    }

    /// Security row 8, and the rest of what must not be registered.
    #[test]
    fn a_dangerous_uri_is_not_registered() {
        for good in [
            "https://rp.example/cb",
            "https://rp.example",
            "http://127.0.0.1:8081/cb",
            "http://[::1]/cb",
            "http://localhost:3000/",
            "com.example.app:/cb",
        ] {
            assert_eq!(check_redirect(good), Ok(()), "{good}");
        }
        for bad in [
            "JavaScript:alert(1)",
            "data:text/html,x",
            "//evil.example/cb",
            "/cb",
            "http://rp.example/cb",
            "https://rp.example/cb#x",
            "https://a@rp.example/cb",
            "https://rp.example/a\tb",
            "https://rp.example/cb\0",
            "https://rp.example\\cb",
            "https://rp.example/a/../cb",
            "https://RP.example/cb",
            "https://rp.example:443/cb",
            "https://rp.example/cb?code=x",
            "",
        ] {
            assert!(check_redirect(bad).is_err(), "{bad}");
        }
        assert!(check_web("com.example.app:/logo").is_err());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert!(is_of_origin("https://rp.example/cb", "https://rp.example"));
        assert!(is_of_origin("http://127.0.0.1:8081/cb", "http://127.0.0.1:8081"));
        assert!(!is_of_origin("https://rp.example/cb", "http://rp.example"));
        assert!(!is_of_origin("https://rp.example/cb", "https://rp.example.evil"));
        assert!(!is_of_origin("com.example.app:/cb", "null"));
    }
}
