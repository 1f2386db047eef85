use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    audit::By,
    clock::Timestamp,
    http::{ClientAddress, Failure, Page, SessionCookie, UserAgent, Viewer, see_other},
    mfa::step_up,
    sessions::{self, FullyAuthenticated, Session},
    store,
    users::User,
};

/// Whoever is signed in, with the page to draw. Without a whole session: 303 to the sign-in.
pub struct Account {
    pub page: Page,
    pub now: Timestamp,
    /// The person, as an actor of audit events.
    pub by: By,
    who: FullyAuthenticated,
}

/// An early end: a failure, or a redirect.
pub struct Stop(Box<Response>);

impl Account {
    pub fn user(&self) -> &User {
        &self.who.user
    }

    pub fn session(&self) -> &Session {
        &self.who.session
    }

    /// Goes on only if a factor was shown within the last minutes; else by way of the step-up to `back`.
    ///
    /// # Errors
    /// The redirect.
    pub fn fresh(&self, back: &str) -> Result<(), Stop> {
        let session = self.session();
        if step_up::is_fresh(session.auth_time, session.mfa_time, self.now) {
            return Ok(());
        }
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("back", back).finish();
        Err(Stop::at(see_other(&format!("/login/step-up?{query}"))))
    }
}

impl FromRequestParts<App> for Account {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Stop> {
        let page = Page::from_request_parts(parts, app).await?;
        let cookie = SessionCookie::from_request_parts(parts, app).await?;
        let now = app.clock.now();
        let Some(who) = sessions::resume(&app.store, cookie.secret.as_ref(), now).await? else {
            return Err(Stop::at(see_other("/login")));
        };
        let mut by = By::user(who.user.id);
        by.address = ClientAddress::from_request_parts(parts, app).await.ok().map(|address| address.to_string());
        by.user_agent = UserAgent::from_request_parts(parts, app).await.ok().map(|agent| agent.0);
        let viewer =
            Viewer { name: who.user.name().to_owned(), login: who.user.login_name.as_given().to_owned(), note: None };
        Ok(Self { page: page.seen_by(viewer), now, by, who })
    }
}

impl Stop {
    fn at(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::at(failure.into_response())
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Failure::from(error).into()
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        *self.0
    }
}
