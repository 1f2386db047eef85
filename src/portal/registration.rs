use crate::secret::{MasterKeys, Secret};

/// The `client_id` of the portal at our own server.
pub const CLIENT_ID: &str = "castellan-portal";

/// How the portal is registered as an OAuth client: confidential, `client_secret_basic`, code with
/// PKCE and refresh. Whoever puts the server together keeps it as a client of the product `portal`.
pub struct Registration {
    pub client_id: &'static str,
    pub name: &'static str,
    /// Derived from the master key, so that it is stored nowhere.
    pub client_secret: Secret,
    pub redirect_uri: String,
    pub post_logout_redirect_uri: String,
    /// OpenID Connect Back-Channel Logout 1.0 §2.2.
    pub backchannel_logout_uri: String,
    /// OpenID Connect Core §4: where a third party begins a sign-in.
    pub initiate_login_uri: String,
    pub scopes: &'static [&'static str],
    pub grant_types: &'static [&'static str],
}

/// The portal's registration under the public URL (without a slash at its end).
pub fn registration(issuer: &str, master: &MasterKeys) -> Registration {
    Registration {
        client_id: CLIENT_ID,
        name: "Partner portal",
        client_secret: master.derive("client secret of the portal"),
        redirect_uri: format!("{issuer}/portal/callback"),
        post_logout_redirect_uri: format!("{issuer}/portal/signed-out"),
        backchannel_logout_uri: format!("{issuer}/portal/backchannel-logout"),
        initiate_login_uri: format!("{issuer}/portal/sign-in"),
        scopes: &["openid", "offline_access", "api"],
        grant_types: &["authorization_code", "refresh_token"],
    }
}
