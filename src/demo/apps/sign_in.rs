//! Signing in: authorization code flow with PKCE, state and nonce; and refreshing.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, CsrfToken, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RefreshToken, Scope,
    TokenResponse,
    core::{CoreAuthenticationFlow, CoreJwsSigningAlgorithm, CoreTokenResponse},
};
use serde::Deserialize;

use super::{
    ProductApp, pages,
    sessions::{Pending, Session, cookie, random, set_cookie},
    tokens,
};

const SCOPES: &[&str] = &["profile", "email", "product", "offline_access"];

impl ProductApp {
    pub(super) fn session_cookie(&self) -> String {
        format!("{}_session", self.registration.slug)
    }

    fn browser_cookie(&self) -> String {
        format!("{}_browser", self.registration.slug)
    }
}

/// What another site may ask for when it sends somebody here (OpenID Connect Core §4).
#[derive(Deserialize)]
pub struct Begin {
    iss: Option<String>,
    login_hint: Option<String>,
}

/// `GET /sign-in`: sends the browser to the provider.
pub async fn begin(State(app): State<ProductApp>, Query(asked): Query<Begin>, headers: HeaderMap) -> Response {
    if asked.iss.as_ref().is_some_and(|issuer| *issuer != app.registration.issuer) {
        return pages::problem(&app, StatusCode::BAD_REQUEST, "invalid_request", "Another issuer sent you here.");
    }
    match authorization_url(&app, asked.login_hint, &headers).await {
        Ok((url, browser)) => {
            let mut response = Redirect::to(&url).into_response();
            response.headers_mut().append(header::SET_COOKIE, set_cookie(&app.browser_cookie(), &browser));
            response
        }
        Err(error) => pages::unreachable(&app, &error),
    }
}

async fn authorization_url(
    app: &ProductApp,
    login_hint: Option<String>,
    headers: &HeaderMap,
) -> anyhow::Result<(String, String)> {
    let discovered = app.provider.discover(false).await?;
    let client = app.provider.client(&discovered)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(SCOPES.iter().map(|scope| Scope::new((*scope).to_owned())))
        .set_pkce_challenge(challenge);
    if let Some(login) = login_hint {
        request = request.set_login_hint(openidconnect::LoginHint::new(login));
    }
    let (url, state, nonce) = request.url();
    let browser = cookie(headers, &app.browser_cookie()).map_or_else(random, str::to_owned);
    app.sessions.await_callback(state.secret(), Pending { browser: browser.clone(), nonce, verifier });
    Ok((url.into(), browser))
}

/// An authorization response (RFC 6749 §4.1.2, RFC 9207).
#[derive(Deserialize)]
pub struct Callback {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// `GET /callback`: turns the code into a session.
pub async fn callback(State(app): State<ProductApp>, Query(answer): Query<Callback>, headers: HeaderMap) -> Response {
    let refuse = |error: &str, text: &str| pages::problem(&app, StatusCode::FORBIDDEN, error, text);
    let browser = cookie(&headers, &app.browser_cookie());
    let Some(pending) = answer.state.as_deref().and_then(|state| app.sessions.redeem(state, browser)) else {
        return refuse("invalid_state", "This sign-in was not begun here, or it is over. Begin again.");
    };
    // RFC 9207 §2.4: the answer must come from the issuer that was asked.
    if answer.iss.as_ref().is_some_and(|issuer| *issuer != app.registration.issuer) {
        return refuse("invalid_issuer", "The answer came from another issuer.");
    }
    if let Some(error) = answer.error.as_deref() {
        return refuse(error, answer.error_description.as_deref().unwrap_or("The sign-in was refused."));
    }
    let Some(code) = answer.code else {
        return refuse("invalid_response", "The answer has neither a code nor an error.");
    };
    match redeem(&app, code, pending).await {
        Ok(session) => {
            let id = app.sessions.begin(session);
            let mut response = Redirect::to("/").into_response();
            response.headers_mut().append(header::SET_COOKIE, set_cookie(&app.session_cookie(), &id));
            response
        }
        Err(error) => refuse("sign_in_failed", &format!("{error:#}")),
    }
}

async fn redeem(app: &ProductApp, code: String, pending: Pending) -> anyhow::Result<Session> {
    let discovered = app.provider.discover(false).await?;
    let client = app.provider.client(&discovered)?;
    let response = client
        .exchange_code(AuthorizationCode::new(code))?
        .set_pkce_verifier(pending.verifier)
        .request_async(app.provider.http())
        .await?;
    let id_token = response.id_token().ok_or_else(|| anyhow::anyhow!("no ID token came"))?.to_string();
    verify_id_token(app, &response, Some(&pending.nonce)).await?;
    session(app, &response, id_token).await
}

/// OpenID Connect Core §3.1.3.7, and `at_hash` of §3.1.3.8. A refreshed ID token carries no nonce.
async fn verify_id_token(app: &ProductApp, response: &CoreTokenResponse, nonce: Option<&Nonce>) -> anyhow::Result<()> {
    let id_token = response.id_token().ok_or_else(|| anyhow::anyhow!("no ID token came"))?;
    let mut discovered = app.provider.discover(false).await?;
    for anew in [false, true] {
        if anew {
            discovered = app.provider.discover(true).await?;
        }
        let client = app.provider.client(&discovered)?;
        let verifier = client.id_token_verifier().set_allowed_algs([
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::EdDsa,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        ]);
        let judge = |given: Option<&Nonce>| match nonce {
            Some(expected) if given.is_some_and(|given| given.secret() == expected.secret()) => Ok(()),
            Some(_) => Err("the nonce is another".to_owned()),
            None => Ok(()),
        };
        let claims = match id_token.claims(&verifier, judge) {
            Ok(claims) => claims,
            Err(_) if !anew => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some(expected) = claims.access_token_hash() {
            let key = id_token.signing_key(&verifier)?;
            let actual = AccessTokenHash::from_token(response.access_token(), id_token.signing_alg()?, key)?;
            anyhow::ensure!(actual == *expected, "the access token is not the one the ID token speaks of");
        }
        return Ok(());
    }
    Ok(())
}

async fn session(app: &ProductApp, response: &CoreTokenResponse, id_token: String) -> anyhow::Result<Session> {
    let access_token = response.access_token().secret();
    let access_claims = tokens::verify(app, access_token, "at+jwt", &app.registration.audience).await?;
    let mut id_claims = tokens::claims_of_verified(&id_token)?;
    let user_info = app.provider.user_info(access_token).await?;
    // OpenID Connect Core §5.3.4: UserInfo of another subject must not be used.
    anyhow::ensure!(user_info.get("sub") == id_claims.get("sub"), "UserInfo speaks of somebody else");
    if let (Some(known), Some(more)) = (id_claims.as_object_mut(), user_info.as_object()) {
        for (name, value) in more {
            known.entry(name).or_insert_with(|| value.clone());
        }
    }
    let text = |name: &str| id_claims.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let subject = text("sub").unwrap_or_default();
    Ok(Session {
        login: text("preferred_username").or_else(|| text("email")).unwrap_or_else(|| subject.clone()),
        provider_session: text("sid"),
        subject,
        refresh_token: response.refresh_token().map(|token| token.secret().clone()),
        id_claims,
        access_claims,
        id_token,
    })
}

/// `POST /refresh`: new tokens for a live session; if the provider refuses, the session is over.
pub async fn refresh(State(app): State<ProductApp>, headers: HeaderMap) -> Response {
    if !pages::from_this_page(&app, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let id = cookie(&headers, &app.session_cookie()).unwrap_or_default().to_owned();
    let Some(session) = app.sessions.find(&id) else { return Redirect::to("/").into_response() };
    match rotate(&app, &session).await {
        Ok(session) => {
            app.sessions.replace(&id, session);
            Redirect::to("/").into_response()
        }
        Err(error) => {
            app.sessions.end(&id);
            pages::problem(&app, StatusCode::FORBIDDEN, "session_over", &format!("The session has ended: {error:#}"))
        }
    }
}

async fn rotate(app: &ProductApp, session: &Session) -> anyhow::Result<Session> {
    let token = session.refresh_token.clone().ok_or_else(|| anyhow::anyhow!("no refresh token was given"))?;
    let discovered = app.provider.discover(false).await?;
    let client = app.provider.client(&discovered)?;
    let response = client.exchange_refresh_token(&RefreshToken::new(token))?.request_async(app.provider.http()).await?;
    let mut fresh = match response.id_token() {
        Some(id_token) => {
            let id_token = id_token.to_string();
            verify_id_token(app, &response, None).await?;
            self::session(app, &response, id_token).await?
        }
        None => self::session(app, &response, session.id_token.clone()).await?,
    };
    // OpenID Connect Core §12.2: the subject stays who it was.
    anyhow::ensure!(fresh.subject == session.subject, "the new tokens are for somebody else");
    fresh.refresh_token = fresh.refresh_token.or_else(|| session.refresh_token.clone());
    Ok(fresh)
}
