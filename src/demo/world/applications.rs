//! The OAuth clients of the demo: the product apps, a machine, a third party, and those of conformance
//! suites.

use crate::{
    clients::{AuthMethod, GrantType, NewClient, Settings},
    demo::apps,
    id::ProductId,
    keys::Algorithm,
    secret::Secret,
};

use super::catalogue::{CONFORMANCE, LISTED};

/// Scopes of clients that people sign in to.
const SCOPES: &[&str] = &["openid", "profile", "email", "product", "offline_access"];
/// Loopback: a suite or script may use any port of it (RFC 8252 §7.3).
const LOOPBACK: &str = "http://127.0.0.1/callback";
/// Where the OpenID suite listens when it runs on its own machine.
const SUITE: &str = "https://localhost.emobix.co.uk:8443/test/a/castellan/callback";

/// A client to be made, and the product it belongs to.
pub struct Application {
    pub product: &'static str,
    pub client: NewClient,
    /// For a client that acts for itself: the role it holds, and where.
    pub assignment: Option<(&'static str, &'static str)>,
}

/// All of them. `product` gives a product's id, `origin` its app's.
pub fn all(product: impl Fn(&str) -> ProductId, origin: impl Fn(&str) -> String) -> Vec<Application> {
    let mut applications = Vec::new();
    for listed in LISTED {
        let url = origin(listed.slug);
        let mut client = web(&format!("{}-web", listed.slug), listed.name, product(listed.slug));
        client.redirect_uris = vec![apps::redirect_uri(&url)];
        client.post_logout_redirect_uris = vec![apps::post_logout_redirect_uri(&url)];
        client.settings.backchannel_logout_uri = Some(apps::backchannel_logout_uri(&url));
        client.settings.backchannel_logout_session_required = true;
        client.settings.initiate_login_uri = Some(format!("{url}/sign-in"));
        applications.push(Application { product: listed.slug, client, assignment: None });
    }
    applications.push(machine(product("recover")));
    applications.push(third_party(product("tandem")));
    let suite = product(CONFORMANCE);
    for (id, name) in [("conformance-one", "Conformance one"), ("conformance-two", "Conformance two")] {
        applications.push(Application { product: CONFORMANCE, client: of_suite(id, name, suite), assignment: None });
    }
    let mut post = of_suite("conformance-post", "Conformance post", suite);
    post.auth_method = AuthMethod::ClientSecretPost;
    applications.push(Application { product: CONFORMANCE, client: post, assignment: None });
    applications
}

fn web(client_id: &str, name: &str, product_id: ProductId) -> NewClient {
    NewClient {
        client_id: Some(client_id.to_owned()),
        product_id,
        name: name.to_owned(),
        auth_method: AuthMethod::ClientSecretBasic,
        secret: Some(Secret::random_with_prefix("cst_client_")),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
        settings: Settings { first_party: true, id_token_alg: Algorithm::Es256, ..Settings::default() },
    }
}

/// Reads jobs and reports of Brackwater's clients, for itself.
fn machine(product: ProductId) -> Application {
    let mut client = web("recover-reports", "Nightly reports", product);
    client.grant_types = vec![GrantType::ClientCredentials];
    client.scopes = Vec::new();
    Application { product: "recover", client, assignment: Some(("auditor", "brackwater")) }
}

/// Somebody else's application: people are asked for their consent.
fn third_party(product: ProductId) -> Application {
    let mut client = web("ledgerly", "Ledgerly", product);
    client.settings.first_party = false;
    client.redirect_uris = vec![LOOPBACK.to_owned()];
    client.post_logout_redirect_uris = vec![LOOPBACK.to_owned()];
    Application { product: "tandem", client, assignment: None }
}

/// The basic plan of the OpenID suite sends no PKCE and keeps to RS256.
fn of_suite(client_id: &str, name: &str, product: ProductId) -> NewClient {
    let mut client = web(client_id, name, product);
    client.redirect_uris = vec![SUITE.to_owned(), LOOPBACK.to_owned()];
    client.post_logout_redirect_uris = vec![format!("{SUITE}/post_logout_redirect"), LOOPBACK.to_owned()];
    client.scopes.extend(["address", "phone"].map(str::to_owned));
    client.settings.require_pkce = false;
    client.settings.id_token_alg = Algorithm::Rs256;
    client
}
