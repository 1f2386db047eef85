use std::net::IpAddr;

use ipnet::IpNet;

/// What the mechanics must know of the deployment. One configured origin: never a request's headers.
#[derive(Debug, Clone)]
pub struct Site {
    /// The public URL without a trailing slash: scheme, host, port.
    pub origin: String,
    /// Whether the public URL is https: cookies are `__Host-` and Secure.
    pub secure: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Site {
    /// The name under which a cookie travels. `__Host-` keeps other hosts of the domain from setting it.
    pub fn cookie_name(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// Whether this hop may say for whom it speaks.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}
