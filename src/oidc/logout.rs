//! `/logout`: ending the session at this server (OpenID Connect RP-Initiated Logout 1.0).
//!
//! A valid hint that fits the session ends it at once; anybody else is asked, since a mere link or
//! image must not sign people out. The browser goes back to a relying party only with a valid hint and
//! to a URI that the client registered, compared as a string.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use crate::{
    app::App,
    audit::{self, By, Event, SubjectKind},
    clients::{self, Client},
    clock::Timestamp,
    http::{ClientAddress, Failure, Form, Page, SessionCookie, UserAgent, Viewer, see_other},
    sessions::{self, FullyAuthenticated},
    store,
};

/// Longer parameters are refused, not cut.
const LONGEST: usize = 16 * 1024;

/// Kept pages and stored data go; cookies stay, for the header would take those of the whole
/// registrable domain (ASVS 14.3.1).
const CLEAR_SITE_DATA: (&str, HeaderValue) = ("clear-site-data", HeaderValue::from_static(r#""cache", "storage""#));

/// The parameters (§2), as they came. Others are ignored.
#[derive(Debug, Default, Clone)]
struct Parameters {
    id_token_hint: Option<String>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

impl Parameters {
    /// Each known parameter at most once.
    fn parse(encoded: &[u8]) -> Result<Self, Failure> {
        Self::of(form_urlencoded::parse(encoded).map(|(name, value)| (name.into_owned(), value.into_owned())))
    }

    fn of(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, Failure> {
        let refused = || {
            let text = "A parameter of the address is there twice or is too long. Go back and try again.";
            Failure::new(StatusCode::BAD_REQUEST, "This sign-out link is damaged", text)
        };
        let mut parameters = Self::default();
        for (name, value) in pairs {
            let place = match name.as_str() {
                "id_token_hint" => &mut parameters.id_token_hint,
                "client_id" => &mut parameters.client_id,
                "post_logout_redirect_uri" => &mut parameters.post_logout_redirect_uri,
                "state" => &mut parameters.state,
                _ => continue,
            };
            if place.is_some() || value.len() > LONGEST || value.chars().any(char::is_control) {
                return Err(refused());
            }
            *place = Some(value);
        }
        Ok(parameters)
    }

    fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("id_token_hint", &self.id_token_hint),
            ("client_id", &self.client_id),
            ("post_logout_redirect_uri", &self.post_logout_redirect_uri),
            ("state", &self.state),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// A hint that is ours: an ID token of a client that still exists. It may have expired.
struct Hint {
    client: Client,
    subject: String,
    session: Option<String>,
}

impl Hint {
    async fn read(app: &App, parameters: &Parameters, now: Timestamp) -> store::Result<Option<Self>> {
        let Some(token) = &parameters.id_token_hint else { return Ok(None) };
        let Ok(claims) = app.keys.verify_hint(token, now) else { return Ok(None) };
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let (Some(issuer), Some(audience), Some(subject)) = (text("iss"), text("aud"), text("sub")) else {
            return Ok(None);
        };
        // §2: a client_id beside the hint must be the one that the hint was issued to.
        let fits = parameters.client_id.as_ref().is_none_or(|client_id| client_id == audience);
        if issuer != app.config.issuer() || !fits {
            return Ok(None);
        }
        let client = clients::find_by_client_id(&mut app.store.reader().await?, audience).await?;
        Ok(client.map(|client| Self { client, subject: subject.to_owned(), session: text("sid").map(str::to_owned) }))
    }

    fn fits(&self, who: &FullyAuthenticated) -> bool {
        self.subject == who.user.id.to_string()
            && self.session.as_ref().is_none_or(|session| *session == who.session.id.to_string())
    }
}

#[derive(Template)]
#[template(path = "oidc/pages/logout.html", config = ".config/askama.toml")]
struct Question<'a> {
    page: &'a Page,
    name: &'a str,
    login: &'a str,
    initials: String,
    fields: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "oidc/pages/logged_out.html", config = ".config/askama.toml")]
struct SignedOut<'a> {
    page: &'a Page,
}

/// `GET /logout`.
pub async fn ask(
    State(app): State<App>,
    (cookie, address, agent): (SessionCookie, ClientAddress, UserAgent),
    page: Page,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes())?;
    let hint = Hint::read(&app, &parameters, now).await?;
    let who = sessions::resume(&app.store, cookie.secret.as_ref(), now).await?;
    match &who {
        Some(who) if !hint.as_ref().is_some_and(|hint| hint.fits(who)) => {
            let question = Question {
                page: &page,
                name: who.user.name(),
                login: who.user.login_name.as_given(),
                initials: Viewer { name: who.user.name().to_owned(), login: String::new(), note: None }.initials(),
                fields: parameters.given().collect(),
            };
            Ok(page.gate(StatusCode::OK, &question))
        }
        _ => {
            end(&app, who, by(&address, &agent), now).await?;
            Ok(leave(&page, &cookie, hint.as_ref(), &parameters))
        }
    }
}

/// `POST /logout`: a relying party's form (§2). Cookies are absent when it comes from another site, so
/// it becomes a GET, at which they are there.
pub async fn forward(body: axum::body::Bytes) -> Result<Response, Failure> {
    let parameters = Parameters::parse(&body)?;
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.given()).finish();
    Ok(see_other(&if query.is_empty() { "/logout".to_owned() } else { format!("/logout?{query}") }))
}

/// `POST /logout/confirm`: the button of our own page.
pub async fn confirm(
    State(app): State<App>,
    (cookie, address, agent): (SessionCookie, ClientAddress, UserAgent),
    page: Page,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let parameters = Parameters::of(fields.into_iter())?;
    let hint = Hint::read(&app, &parameters, now).await?;
    let who = sessions::resume(&app.store, cookie.secret.as_ref(), now).await?;
    end(&app, who, by(&address, &agent), now).await?;
    Ok(leave(&page, &cookie, hint.as_ref(), &parameters))
}

fn by(address: &ClientAddress, agent: &UserAgent) -> impl Fn(By) -> By {
    let (address, agent) = (address.to_string(), agent.0.clone());
    move |by| by.at(address.clone(), agent.clone())
}

/// Ends the session, its grants and, through the outbox, the products' own sessions.
async fn end(app: &App, who: Option<FullyAuthenticated>, from: impl Fn(By) -> By, now: Timestamp) -> store::Result<()> {
    let Some(FullyAuthenticated { session, user, .. }) = who else { return Ok(()) };
    let master = app.master.clone();
    let by = from(By::user(user.id));
    app.store
        .write(async move |tx| {
            if sessions::end(tx, &master, session.id, now).await? {
                let event = Event::new(user.organization_id, "session.ended", by.clone())
                    .on(SubjectKind::Session, session.id.0);
                audit::record(tx, &master, event, now).await?;
            }
            Ok::<_, store::Error>(())
        })
        .await?;
    app.wake.ring();
    Ok(())
}

/// Back to the relying party if it may be (§3), else the signed-out page.
fn leave(page: &Page, cookie: &SessionCookie, hint: Option<&Hint>, parameters: &Parameters) -> Response {
    let back = parameters
        .post_logout_redirect_uri
        .as_deref()
        .filter(|uri| hint.is_some_and(|hint| hint.client.has_post_logout_redirect_uri(uri)));
    let answer = match back {
        Some(uri) => see_other(&with_state(uri, parameters.state.as_deref())),
        None => page.gate(StatusCode::OK, &SignedOut { page }),
    };
    ([CLEAR_SITE_DATA], [(header::SET_COOKIE, cookie.clear())], answer).into_response()
}

/// Adds `state` and leaves the rest of the URI as it was registered, byte by byte.
fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let state = form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    let join = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{join}{state}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_added_and_nothing_else_changes() {
        assert_eq!(with_state("https://rp.example/out", None), "https://rp.example/out");
        assert_eq!(with_state("https://rp.example/out", Some("a b&c")), "https://rp.example/out?state=a+b%26c");
        assert_eq!(with_state("https://rp.example/out?x=%7E", Some("s")), "https://rp.example/out?x=%7E&state=s");
    }
}
