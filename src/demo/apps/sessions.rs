//! This app's own sessions, in memory: a restart signs everybody out here, not at the provider.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, header};
use parking_lot::Mutex;
use serde_json::Value;

/// Somebody signed in to this app.
#[derive(Clone)]
pub struct Session {
    /// `sub` of the ID token.
    pub subject: String,
    /// `sid` of the ID token: what a logout token names.
    pub provider_session: Option<String>,
    /// The login name, for the page.
    pub login: String,
    /// What the ID token and UserInfo said.
    pub id_claims: Value,
    /// What the verified access token says.
    pub access_claims: Value,
    pub id_token: String,
    pub refresh_token: Option<String>,
}

impl Session {
    /// What this app knows of its user: the claims of ID token and UserInfo, and the access token's on
    /// this product.
    pub fn claims(&self) -> Value {
        let mut claims = self.id_claims.clone();
        for name in ["product", "roles", "entitlements", "organizations", "organizations_complete", "scope"] {
            if let (Some(claims), Some(value)) = (claims.as_object_mut(), self.access_claims.get(name)) {
                claims.insert(name.to_owned(), value.clone());
            }
        }
        claims
    }
}

/// A sign-in under way, found again by `state`.
pub struct Pending {
    /// The browser that began it; another one may not finish it.
    pub browser: String,
    pub nonce: openidconnect::Nonce,
    pub verifier: openidconnect::PkceCodeVerifier,
}

/// All sessions and sign-ins of the app.
#[derive(Default)]
pub struct Sessions {
    live: Mutex<HashMap<String, Session>>,
    pending: Mutex<HashMap<String, Pending>>,
    /// `jti` of logout tokens that were obeyed.
    seen: Mutex<std::collections::HashSet<String>>,
}

/// More sign-ins under way than this, and the older ones are forgotten.
const PENDING: usize = 10_000;

impl Sessions {
    /// Keeps a session under a new random id, and answers that id.
    pub fn begin(&self, session: Session) -> String {
        let id = random();
        self.live.lock().insert(id.clone(), session);
        id
    }

    /// The session of a cookie.
    pub fn find(&self, id: &str) -> Option<Session> {
        self.live.lock().get(id).cloned()
    }

    /// Takes new tokens into a live session.
    pub fn replace(&self, id: &str, session: Session) {
        if let Some(live) = self.live.lock().get_mut(id) {
            *live = session;
        }
    }

    /// Ends one session.
    pub fn end(&self, id: &str) -> Option<Session> {
        self.live.lock().remove(id)
    }

    /// Ends the sessions that a logout token names: by `sid`, else all of the subject. Answers how many.
    pub fn end_of(&self, subject: Option<&str>, provider_session: Option<&str>) -> usize {
        let mut live = self.live.lock();
        let before = live.len();
        live.retain(|_, session| {
            let of_session = provider_session.is_some() && session.provider_session.as_deref() == provider_session;
            let of_subject = provider_session.is_none() && subject == Some(session.subject.as_str());
            !(of_session || of_subject)
        });
        before - live.len()
    }

    /// Remembers a logout token; `false` if it was there before.
    pub fn first_sight(&self, token_id: &str) -> bool {
        self.seen.lock().insert(token_id.to_owned())
    }

    pub fn await_callback(&self, state: &str, pending: Pending) {
        let mut waiting = self.pending.lock();
        if waiting.len() >= PENDING {
            waiting.clear();
        }
        waiting.insert(state.to_owned(), pending);
    }

    /// The sign-in of a `state`, once, and only for the browser that began it.
    pub fn redeem(&self, state: &str, browser: Option<&str>) -> Option<Pending> {
        let mut waiting = self.pending.lock();
        let of_this_browser = waiting.get(state).is_some_and(|pending| Some(pending.browser.as_str()) == browser);
        if of_this_browser { waiting.remove(state) } else { None }
    }
}

/// 256 random bits as text.
pub fn random() -> String {
    openidconnect::CsrfToken::new_random_len(32).secret().clone()
}

/// The value of one of our cookies. Cookies ignore ports, so each app has names of its own.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// A cookie for this browser session; an empty value removes it.
pub fn set_cookie(name: &str, value: &str) -> HeaderValue {
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
