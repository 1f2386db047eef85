//! Signing in at our own server as any relying party does: code flow with PKCE, nonce and a state that
//! is bound to the browser (OpenID Connect Core §3.1; RFC 9700 §2.1).

mod backchannel;
mod provider;

use std::time::Duration;

use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, CsrfToken, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RefreshToken, Scope, TokenResponse, core::CoreAuthenticationFlow, core::CoreTokenResponse,
};
use serde::{Deserialize, Serialize};

use super::{
    Portal, Trouble,
    in_process::OnBehalf,
    visit::{self, Kept, Tokens},
};
use crate::{
    clock::Timestamp,
    http::{Browser, ClientAddress, Page, UserAgent, see_other},
    portal_sessions::NewRow,
    secret::Secret,
};

pub use backchannel::backchannel_logout;
pub use provider::Provider;

/// How long a sign-in may take.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// A portal session ends with its tokens; this is only when its row is swept.
const SESSION: Duration = Duration::from_secs(30 * 24 * 3600);
/// What the API asks for where an act needs a fresh sign-in.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// Why a sign-in did not come about.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("{0}")]
    Provider(String),
    #[error("the ID token is not for this sign-in: {0}")]
    IdToken(String),
    #[error("the refresh token is worth nothing any more")]
    Refused,
}

#[derive(Deserialize)]
pub struct Beginning {
    #[serde(default)]
    return_to: String,
    /// A step-up: whoever signed in long ago signs in again.
    #[serde(default)]
    fresh: bool,
    /// A third party's wish (OpenID Connect Core §4): only our own issuer makes sense.
    iss: Option<String>,
}

/// What must be known when the answer comes back.
#[derive(Serialize, Deserialize)]
struct UnderWay {
    nonce: String,
    verifier: String,
    return_to: String,
}

/// `GET /portal/sign-in`: sends the browser to the server.
pub async fn begin(
    State(portal): State<Portal>,
    Query(beginning): Query<Beginning>,
    browser: Browser,
    address: ClientAddress,
    agent: UserAgent,
) -> Result<Response, Trouble> {
    if beginning.iss.is_some_and(|issuer| issuer != portal.issuer) {
        return Err(Trouble::Refused);
    }
    let now = portal.clock.now();
    let client = portal.provider.client(&portal, &OnBehalf { address, agent }, now).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let state = CsrfToken::new(Secret::random().expose().to_owned());
    let nonce = Nonce::new(Secret::random().expose().to_owned());
    let mut request = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, made(&state), made(&nonce))
        .set_pkce_challenge(challenge);
    for scope in portal.registration.scopes.iter().filter(|scope| **scope != "openid") {
        request = request.add_scope(Scope::new((*scope).to_owned()));
    }
    if beginning.fresh {
        request = request.set_max_age(FRESH);
    }
    let (location, _, _) = request.url();
    let under_way = UnderWay {
        nonce: nonce.secret().clone(),
        verifier: verifier.into_secret(),
        return_to: return_path(&beginning.return_to).to_owned(),
    };
    let kept = serde_json::to_vec(&under_way).map_err(Trouble::broken)?;
    portal.rows.begin(&bound(&browser, state.secret()), &kept, PATIENCE, now).await.map_err(Trouble::broken)?;
    Ok((browser, see_other(location.as_str())).into_response())
}

/// What the library shall use where it would make a value itself.
fn made<T: Clone + 'static>(value: &T) -> impl FnOnce() -> T + 'static {
    let value = value.clone();
    move || value
}

/// The secret of a sign-in under way: half of it went through the URL, half stays in the browser, so
/// that an answer is worth nothing in another browser (security.md row 22).
fn bound(browser: &Browser, state: &str) -> Secret {
    let mut text = format!("{state}.");
    for byte in browser.hash().as_bytes() {
        text.push_str(&format!("{byte:02x}"));
    }
    Secret::from_text(text)
}

/// A path of the portal, or its home: nobody is sent elsewhere (row 116).
fn return_path(path: &str) -> &str {
    let ours = path == "/portal" || path.starts_with("/portal/") || path.starts_with("/portal?");
    let plain = path.chars().all(|c| c.is_ascii_graphic()) && !path.contains('\\') && !path.contains("//");
    if ours && plain { path } else { "/portal" }
}

#[derive(Deserialize)]
pub struct Outcome {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// `GET /portal/callback`: the server's answer, worth something once, in the browser that asked.
pub async fn callback(
    State(portal): State<Portal>,
    Query(outcome): Query<Outcome>,
    page: Page,
    address: ClientAddress,
    agent: UserAgent,
) -> Result<Response, Trouble> {
    let now = portal.clock.now();
    let secret = bound(page.browser(), &outcome.state);
    let taken = portal.rows.take(&secret, now).await.map_err(Trouble::broken)?.ok_or(Trouble::Refused)?;
    let under_way: UnderWay = serde_json::from_slice(&taken).map_err(Trouble::broken)?;
    // RFC 9207: an answer of another server is no answer.
    if outcome.iss.is_some_and(|issuer| issuer != portal.issuer) {
        return Err(Trouble::Refused);
    }
    let code = match (outcome.code, outcome.error) {
        (Some(code), None) => code,
        (_, Some(error)) if error == "access_denied" => return Err(Trouble::NotSignedIn),
        _ => return Err(Trouble::Refused),
    };
    let behalf = OnBehalf { address, agent };
    let (kept, subject, session) = redeem(&portal, &behalf, (code, &under_way), now).await?;
    let secret = Secret::random();
    let kept = serde_json::to_vec(&kept).map_err(Trouble::broken)?;
    let row =
        NewRow { secret: &secret, subject: &subject, session: session.as_deref(), kept: &kept, lifetime: SESSION };
    portal.rows.insert(row, now).await.map_err(Trouble::broken)?;
    let cookie = visit::cookie(&portal, &secret);
    Ok(([(header::SET_COOKIE, cookie)], see_other(&under_way.return_to)).into_response())
}

/// Exchanges the code and judges the ID token: signature, issuer, audience, times, nonce, at_hash.
async fn redeem(
    portal: &Portal,
    behalf: &OnBehalf,
    (code, under_way): (String, &UnderWay),
    now: Timestamp,
) -> Result<(Kept, String, Option<String>), Trouble> {
    let client = portal.provider.client(portal, behalf, now).await?;
    let verifier = PkceCodeVerifier::new(under_way.verifier.clone());
    let request = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|error| Failed::Provider(error.to_string()))?
        .set_pkce_verifier(verifier);
    let http = provider::http(portal, behalf);
    let response = request.request_async(&http).await.map_err(|error| Failed::Provider(error.to_string()))?;
    let nonce = Nonce::new(under_way.nonce.clone());
    let (subject, session) = match judge(&client, &response, &nonce, now) {
        Ok(named) => named,
        // The key may be newer than what we know: look again, once.
        Err(_) => {
            portal.provider.forget();
            let client = portal.provider.client(portal, behalf, now).await?;
            judge(&client, &response, &nonce, now)?
        }
    };
    let id_token = response.extra_fields().id_token().map(ToString::to_string).unwrap_or_default();
    Ok((Kept { tokens: tokens(&response, None, now), id_token }, subject, session))
}

/// `sub` and `sid` of an ID token that holds.
fn judge(
    client: &provider::Client,
    response: &CoreTokenResponse,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<(String, Option<String>), Failed> {
    let id_token = response.id_token().ok_or_else(|| Failed::IdToken("there is none".to_owned()))?;
    let verifier = client.id_token_verifier().set_time_fn(move || now.to_chrono());
    let claims = id_token.claims(&verifier, nonce).map_err(|error| Failed::IdToken(error.to_string()))?;
    if let Some(expected) = claims.access_token_hash() {
        let actual = id_token
            .signing_alg()
            .ok()
            .zip(id_token.signing_key(&verifier).ok())
            .and_then(|(alg, key)| AccessTokenHash::from_token(response.access_token(), alg, key).ok());
        if actual.as_ref() != Some(expected) {
            return Err(Failed::IdToken("it is not of this access token".to_owned()));
        }
    }
    Ok((claims.subject().to_string(), session_of(&id_token.to_string())))
}

/// `sid`, which the library's claims leave out. The token has been verified.
fn session_of(id_token: &str) -> Option<String> {
    let claims = provider::payload(id_token)?;
    claims.get("sid")?.as_str().map(str::to_owned)
}

fn tokens(response: &CoreTokenResponse, before: Option<&Tokens>, now: Timestamp) -> Tokens {
    let lifetime = response.expires_in().unwrap_or(Duration::from_secs(60));
    let refresh_token = response.refresh_token().map(|token| token.secret().clone());
    Tokens {
        access_token: response.access_token().secret().clone(),
        // A little early, so that none ends on its way.
        fresh_until: now + lifetime.saturating_sub(Duration::from_secs(10)),
        refresh_token: refresh_token.or_else(|| before.and_then(|before| before.refresh_token.clone())),
    }
}

/// New tokens for old.
///
/// # Errors
/// [`Failed::Refused`] if the server wants the person to sign in again.
pub async fn refresh(portal: &Portal, behalf: &OnBehalf, before: &Tokens, now: Timestamp) -> Result<Tokens, Failed> {
    let Some(refresh_token) = &before.refresh_token else { return Err(Failed::Refused) };
    let client = portal.provider.client(portal, behalf, now).await?;
    let token = RefreshToken::new(refresh_token.clone());
    let request = client.exchange_refresh_token(&token).map_err(|error| Failed::Provider(error.to_string()))?;
    let http = provider::http(portal, behalf);
    match request.request_async(&http).await {
        Ok(response) => Ok(tokens(&response, Some(before), now)),
        Err(openidconnect::RequestTokenError::ServerResponse(_)) => Err(Failed::Refused),
        Err(error) => Err(Failed::Provider(error.to_string())),
    }
}

/// Where the browser goes to end its session at the server too (RP-Initiated Logout 1.0 §2).
pub async fn logout_url(portal: &Portal, behalf: &OnBehalf, id_token: &str, now: Timestamp) -> Option<String> {
    let mut url = portal.provider.end_session_endpoint(portal, behalf, now).await.ok().flatten()?;
    url.query_pairs_mut()
        .append_pair("id_token_hint", id_token)
        .append_pair("client_id", portal.registration.client_id)
        .append_pair("post_logout_redirect_uri", &portal.registration.post_logout_redirect_uri);
    Some(url.into())
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        tracing::warn!(error = %failed, "a sign-in to the portal failed");
        Self::Answer(StatusCode::BAD_GATEWAY)
    }
}

#[cfg(test)]
mod tests {
    use super::return_path;

    #[test]
    fn one_returns_to_the_portal_only() {
        assert_eq!(return_path("/portal/users?q=a"), "/portal/users?q=a");
        for bad in ["", "/", "/portals", "//evil", "/portal//evil", "/portal/\\evil", "https://evil", "/portal/\t"] {
            assert_eq!(return_path(bad), "/portal", "{bad:?}");
        }
    }
}
