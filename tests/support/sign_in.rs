//! Browsers that are signed in already, and requests to `/authorize`: for tests that are not about
//! signing in. They take the nouns' own steps (`sessions::flow`), not the pages.

use castellan::{
    mfa::Method,
    secret::Secret,
    sessions::{
        self, Agent,
        flow::{self, Proof, Start},
    },
};

use super::{Answer, Browser, CALLBACK, Castellan, Person, TestClient};

/// The PKCE pair of RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Castellan {
    /// A browser in which the person has shown a password.
    pub async fn signed_in(&self, person: &Person) -> Browser<'_> {
        self.signed_in_by(person, &[]).await
    }

    /// The same, and further factors.
    pub async fn signed_in_by(&self, person: &Person, methods: &[Method]) -> Browser<'_> {
        let mut browser = self.browser();
        let of_browser = Secret::random();
        browser.cookies.insert("castellan_browser".to_owned(), of_browser.expose().to_owned());
        self.sign_in(&mut browser, person, methods).await;
        browser
    }

    /// Signs the person in anew in a browser that has its cookie.
    pub async fn sign_in(&self, browser: &mut Browser<'_>, person: &Person, methods: &[Method]) {
        let hash = Secret::from_text(browser.cookies["castellan_browser"].clone()).hash();
        let (now, user, methods) = (self.now(), person.user.id, methods.to_vec());
        let master = std::sync::Arc::clone(&self.app.master);
        let secret = self
            .write(async move |tx| {
                let mut flow = flow::start(tx, &hash, None, &Start::default(), now).await?;
                let proofs = methods.iter().map(|method| Proof::second(*method, now));
                for proof in std::iter::once(Proof::password(now)).chain(proofs) {
                    flow = flow::prove(tx, &flow, user, proof, now).await?.expect("the flow goes on");
                }
                let finished = flow::finish(tx, &flow, None, now).await?.expect("nothing is missing");
                let begun = sessions::begin(tx, &master, &finished, &Agent::default(), now).await?;
                Ok(begun.expect("a session").1)
            })
            .await;
        browser.cookies.insert("castellan_session".to_owned(), secret.expose().to_owned());
    }
}

/// A request to `/authorize`, good until a test changes it.
#[derive(Clone)]
pub struct AuthorizationRequest(Vec<(String, String)>);

impl TestClient<'_> {
    pub fn authorization_request(&self) -> AuthorizationRequest {
        let pairs = [
            ("response_type", "code"),
            ("client_id", self.id()),
            ("redirect_uri", CALLBACK),
            ("scope", "openid product offline_access"),
            ("state", "xyz state"),
            ("nonce", "n-0S6_WzA2Mj"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        AuthorizationRequest(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    /// A code for whoever is signed in in the browser.
    pub async fn code(&self, browser: &mut Browser<'_>) -> String {
        let answer = browser.get(&self.authorization_request().url()).await;
        answer.location_parameter("code").unwrap_or_else(|| panic!("no code: {} {}", answer.location(), answer.body))
    }

    /// Tokens for whoever is signed in in the browser.
    pub async fn tokens(&self, browser: &mut Browser<'_>) -> serde_json::Value {
        let code = self.code(browser).await;
        self.redeem(&code, VERIFIER).await.expect(200)
    }
}

impl AuthorizationRequest {
    /// With this value, in place of what stood there.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => value.clone_into(own),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// With this value beside what stands there.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self
    }

    pub fn url(&self) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish();
        format!("/authorize?{query}")
    }

    pub fn fields(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl Answer {
    /// Asserts an error redirect to the callback, with state and issuer (RFC 9207).
    #[track_caller]
    pub fn redirects_with(&self, error: &str) {
        assert!(self.location().starts_with(CALLBACK), "{}", self.location());
        assert_eq!(self.location_parameter("error").as_deref(), Some(error), "{}", self.location());
        assert_eq!(self.location_parameter("iss").as_deref(), Some(super::PUBLIC_URL));
        assert!(self.location_parameter("code").is_none());
    }
}
