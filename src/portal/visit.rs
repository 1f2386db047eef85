//! A browser with a session of the portal, and live tokens to ask the API with.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Method, StatusCode, request::Parts},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Portal, Trouble,
    api::Problem,
    in_process::OnBehalf,
    sign_in::{self, Failed},
    toast::{self, Toast},
};
use crate::{
    clock::Timestamp,
    http::{self, ClientAddress, Page, UserAgent},
    id::PortalSessionId,
    secret::Secret,
};

const COOKIE: &str = "castellan_portal";
/// How long one request may take to refresh, and others wait for it.
const REFRESH: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(40);

/// The tokens of a session.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    pub fresh_until: Timestamp,
    pub refresh_token: Option<String>,
}

/// What a session row keeps, sealed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kept {
    #[serde(flatten)]
    pub tokens: Tokens,
    /// The hint with which the session is ended at the server.
    pub id_token: String,
}

/// One request of a person who is signed in to the portal.
pub struct Visit {
    pub portal: Portal,
    pub page: Page,
    pub now: Timestamp,
    /// What the last act has to tell.
    pub toast: Option<Toast>,
    pub behalf: OnBehalf,
    session: PortalSessionId,
    access_token: String,
    /// Where one comes back to after signing in again.
    return_to: String,
}

/// The cookie of a new session.
pub fn cookie(portal: &Portal, secret: &Secret) -> HeaderValue {
    http::http_only(&portal.site, COOKIE, secret.expose())
}

/// Takes the cookie back.
pub fn no_cookie(portal: &Portal) -> HeaderValue {
    http::expired(&portal.site, COOKIE)
}

/// The session's secret as the browser sent it.
pub fn secret(portal: &Portal, parts: &Parts) -> Option<Secret> {
    http::read(&portal.site, &parts.headers, COOKIE)
}

impl FromRequestParts<Portal> for Visit {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Trouble> {
        let page = Page::from_request_parts(parts, portal).await.map_err(Trouble::Failure)?;
        let Ok(address) = ClientAddress::from_request_parts(parts, portal).await;
        let Ok(agent) = UserAgent::from_request_parts(parts, portal).await;
        let behalf = OnBehalf { address, agent };
        let now = portal.clock.now();
        let return_to = page_of(&page.path).to_owned();
        let away = || Trouble::SignIn { return_to: return_to.clone(), fresh: false };
        let secret = secret(portal, parts).ok_or_else(away)?;
        let (session, kept) = live(portal, &behalf, &secret, now).await?.ok_or_else(away)?;
        Ok(Self {
            portal: portal.clone(),
            toast: toast::of(portal, &parts.headers),
            page,
            now,
            behalf,
            session,
            access_token: kept.tokens.access_token,
            return_to,
        })
    }
}

/// The page on which a form stands: its own address, or that of the thing it acts on.
fn page_of(path: &str) -> &str {
    const ACTS: &[&str] = &[
        "/names",
        "/deactivate",
        "/reactivate",
        "/remove",
        "/reset-password",
        "/reset-mfa",
        "/invite",
        "/tokens",
        "/clients",
        "/webhooks",
        "/held",
        "/pause",
        "/resume",
        "/delete",
    ];
    let parts = ["/tokens/", "/clients/", "/webhooks/"];
    let of_part = parts.iter().find_map(|part| path.split_once(part)).map(|(before, _)| before);
    ACTS.iter().find_map(|act| path.strip_suffix(act)).or(of_part).unwrap_or(path)
}

/// The session with tokens that are good for a while; `None` if there is none (any more).
async fn live(
    portal: &Portal,
    behalf: &OnBehalf,
    secret: &Secret,
    now: Timestamp,
) -> Result<Option<(PortalSessionId, Kept)>, Trouble> {
    let mut waited = Duration::ZERO;
    loop {
        let Some(session) = portal.rows.find(secret, now).await.map_err(Trouble::broken)? else { return Ok(None) };
        let kept: Kept = serde_json::from_slice(&session.kept).map_err(Trouble::broken)?;
        if now < kept.tokens.fresh_until {
            return Ok(Some((session.id, kept)));
        }
        if portal.rows.lease(session.id, REFRESH, now).await.map_err(Trouble::broken)? {
            return leased(portal, behalf, secret, now).await;
        }
        // Another request, or another node, is at it.
        if waited >= REFRESH {
            return Err(Trouble::Answer(StatusCode::SERVICE_UNAVAILABLE));
        }
        tokio::time::sleep(POLL).await;
        waited += POLL;
    }
}

/// Refreshes under the lease. The row counts as it is now: another may have refreshed between our reading
/// and our lease, and the token we read would then end its family.
async fn leased(
    portal: &Portal,
    behalf: &OnBehalf,
    secret: &Secret,
    now: Timestamp,
) -> Result<Option<(PortalSessionId, Kept)>, Trouble> {
    let Some(session) = portal.rows.find(secret, now).await.map_err(Trouble::broken)? else { return Ok(None) };
    let kept: Kept = serde_json::from_slice(&session.kept).map_err(Trouble::broken)?;
    if now < kept.tokens.fresh_until {
        // Gives the lease back.
        portal.rows.replace(session.id, &session.kept).await.map_err(Trouble::broken)?;
        return Ok(Some((session.id, kept)));
    }
    Ok(refreshed(portal, behalf, (session.id, kept), now).await?.map(|kept| (session.id, kept)))
}

async fn refreshed(
    portal: &Portal,
    behalf: &OnBehalf,
    (session, kept): (PortalSessionId, Kept),
    now: Timestamp,
) -> Result<Option<Kept>, Trouble> {
    let tokens = match sign_in::refresh(portal, behalf, &kept.tokens, now).await {
        Ok(tokens) => tokens,
        Err(Failed::Refused) => {
            portal.rows.delete(session).await.map_err(Trouble::broken)?;
            return Ok(None);
        }
        Err(failed) => return Err(failed.into()),
    };
    let kept = Kept { tokens, id_token: kept.id_token };
    let bytes = serde_json::to_vec(&kept).map_err(Trouble::broken)?;
    // A logout token may have ended the session meanwhile: then it stays ended.
    let there = portal.rows.replace(session, &bytes).await.map_err(Trouble::broken)?;
    Ok(there.then_some(kept))
}

impl Visit {
    /// What the API says at `path`, below `/api/v1`. A refusal becomes a page.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.send(Method::GET, path, None::<&()>).await?.map_err(Trouble::Problem)
    }

    /// Asks the API to do something. A refusal is an answer, for the page to show.
    pub async fn send<T: DeserializeOwned, B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Result<T, Problem>, Trouble> {
        let body = body.map(serde_json::to_vec).transpose().map_err(Trouble::broken)?;
        let path = format!("/api/v1{path}");
        let asked = self.portal.server.ask((method, &path), &self.access_token, body, &self.behalf).await;
        let answer = asked.map_err(Trouble::broken)?;
        if answer.status.is_success() {
            let body: &[u8] = if answer.body.is_empty() { b"null" } else { &answer.body };
            return serde_json::from_slice(body).map(Ok).map_err(Trouble::broken);
        }
        let problem: Problem = serde_json::from_slice(&answer.body).map_err(Trouble::broken)?;
        // Tokens of before this server asked for the scope are worth nothing either: signing in brings others.
        if answer.status == StatusCode::UNAUTHORIZED || problem.is("insufficient-scope") {
            let fresh = problem.is("sign-in-too-old");
            if !fresh {
                // The server takes the token for nothing: so is the session.
                self.portal.rows.delete(self.session).await.map_err(Trouble::broken)?;
            }
            return Err(Trouble::SignIn { return_to: self.return_to.clone(), fresh });
        }
        Ok(Err(problem))
    }
}

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn one_comes_back_to_the_page_of_the_form() {
        assert_eq!(page_of("/portal/organizations/o/users/u/remove"), "/portal/organizations/o/users/u");
        assert_eq!(
            page_of("/portal/organizations/o/connections/c/tokens/t/revoke"),
            "/portal/organizations/o/connections/c"
        );
        assert_eq!(page_of("/portal/organizations/o/users/new"), "/portal/organizations/o/users/new");
        assert_eq!(page_of("/portal/users?q=a"), "/portal/users?q=a");
    }
}
