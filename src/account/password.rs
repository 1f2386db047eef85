use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{Account, Stop};
use crate::{
    action_tokens,
    app::App,
    attempts::{self, Key, Limit, Verdict},
    audit::{self, By, Event, Outcome, SubjectKind},
    clock::Timestamp,
    http::{Failure, Form, Page, see_other},
    id::SessionId,
    mail::{self, Brand},
    organizations::{self, EffectivePolicy, Organization},
    secret::{MasterKeys, Secret},
    sessions,
    store::{Result as Stored, Tx},
    tokens,
    users::{
        User,
        password::{self, PasswordHash, check_strength},
    },
};

#[derive(Template)]
#[template(path = "account/pages/password.html", config = ".config/askama.toml")]
struct PasswordPage<'a> {
    page: &'a Page,
    minimum: usize,
    has_password: bool,
    /// Which field, and what is wrong with it.
    error: Option<(&'static str, String)>,
}

/// What the person typed. Never in `Debug`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Typed {
    current_password: String,
    new_password: String,
    new_password_again: String,
}

const HERE: &str = "/account/password";
/// Guesses of the current password, by somebody who found an open session.
const GUESSES: Limit = Limit { tries: 5, window: Duration::from_secs(15 * 60), pause: Duration::from_secs(15 * 60) };
/// How long the notice is worth sending.
const NOTICE_LIFE: Duration = Duration::from_secs(3 * 24 * 3600);

pub async fn show(State(app): State<App>, account: Account) -> Result<Response, Stop> {
    account.fresh(HERE)?;
    let scene = Scene::load(&app, account.user()).await?;
    Ok(scene.draw(&account, StatusCode::OK, None))
}

/// Changes the password (P9): other sessions end, this one goes on.
pub async fn change(State(app): State<App>, account: Account, Form(typed): Form<Typed>) -> Result<Response, Stop> {
    account.fresh(HERE)?;
    let scene = Scene::load(&app, account.user()).await?;
    let refuse = |field, words: String| scene.draw(&account, StatusCode::UNPROCESSABLE_ENTITY, Some((field, words)));
    let Some(current) = scene.password.clone() else { return Err(Failure::not_found().into()) };
    if let Some(until) = count_guess(&app, account.user(), account.now).await? {
        let minutes = until.since(account.now).as_secs().div_ceil(60).max(1);
        return Ok(refuse("current-password", format!("Too many wrong tries. Try again in {minutes} minutes.")));
    }
    let given = Secret::from_text(typed.current_password);
    let verdict = app.passwords.verify(given.clone(), Some(current.clone())).await.map_err(|_| Failure::busy())?;
    if !verdict.is_right() {
        note_wrong(&app, &account).await?;
        return Ok(refuse("current-password", "This is not your current password.".to_owned()));
    }
    let guesses = guesses(account.user());
    app.store.write(async move |tx| attempts::forgive(tx, &guesses).await).await?;
    if typed.new_password != typed.new_password_again {
        return Ok(refuse("new-password-again", "The two differ. Type the new password twice.".to_owned()));
    }
    if typed.new_password == given.expose() {
        return Ok(refuse("new-password", "This is the password you have. Choose another one.".to_owned()));
    }
    if let Err(weak) =
        check_strength(&typed.new_password, &scene.context(account.user()), scene.policy.password_minimum)
    {
        return Ok(refuse("new-password", weak.to_string()));
    }
    let hash = app.passwords.hash(Secret::from_text(typed.new_password)).await.map_err(|_| Failure::busy())?;
    let change = Change {
        user: account.user().clone(),
        session: account.session().id,
        from: current,
        to: hash,
        brand: scene
            .organization
            .map(|organization| Brand { name: organization.name, support: organization.contact_email }),
        by: account.by.clone(),
    };
    let (keys, now) = (Arc::clone(&app.master), account.now);
    let changed = app.store.write(async move |tx| change.apply(tx, &keys, now).await).await?;
    if changed {
        app.wake.ring();
        return Ok(see_other("/account?done=password"));
    }
    let title = "Your password was changed elsewhere";
    let text =
        "While you typed, it was changed by a mailed link or in another session. Sign in again with the new one.";
    Err(Failure::new(StatusCode::CONFLICT, title, text).into())
}

/// What is counted here. Apart from sign-ins, so that a stranger's guesses there close nothing here.
fn guesses(user: &User) -> Key {
    Key::new("account password", &user.id.to_string())
}

/// Counts a guess before it is looked at; answers until when there is a pause.
async fn count_guess(app: &App, user: &User, now: Timestamp) -> Result<Option<Timestamp>, Stop> {
    let key = guesses(user);
    let verdict = app.store.write(async move |tx| attempts::count(tx, &key, GUESSES, now).await).await?;
    Ok(match verdict {
        Verdict::Go { .. } => None,
        Verdict::Paused { until } => Some(until),
    })
}

/// A wrong current password, by whoever has the session open (security.md row 33).
async fn note_wrong(app: &App, account: &Account) -> Result<(), Stop> {
    let user = account.user();
    let event = Event::new(user.organization_id, "password.refused", account.by.clone()).refused();
    let event = event.on(SubjectKind::User, user.id.0);
    let (keys, now) = (Arc::clone(&app.master), account.now);
    Ok(app.store.write(async move |tx: &mut Tx<'_>| audit::record(tx, &keys, event.clone(), now).await).await?)
}

/// What the page and the rules need to know.
struct Scene {
    organization: Option<Organization>,
    policy: EffectivePolicy,
    password: Option<PasswordHash>,
}

impl Scene {
    async fn load(app: &App, user: &User) -> Result<Self, Stop> {
        let mut db = app.store.reader().await?;
        Ok(Self {
            organization: organizations::find(&mut db, user.organization_id).await?,
            policy: organizations::effective_policy(&mut db, user.organization_id).await?,
            password: password::find(&mut db, user.id).await?.map(|password| password.hash),
        })
    }

    /// The person's own words, which make a poor password.
    fn context<'a>(&'a self, user: &'a User) -> Vec<&'a str> {
        let organization = self.organization.as_ref().map(|organization| organization.name.as_str());
        [user.login_name.as_given(), &user.given_name, &user.family_name, &user.display_name]
            .into_iter()
            .chain(user.email.as_deref())
            .chain(organization)
            .collect()
    }

    fn draw(&self, account: &Account, status: StatusCode, error: Option<(&'static str, String)>) -> Response {
        let view = PasswordPage {
            page: &account.page,
            minimum: self.policy.password_minimum,
            has_password: self.password.is_some(),
            error,
        };
        account.page.console(status, &view)
    }
}

/// One change of a password, ready to be written.
struct Change {
    user: User,
    session: SessionId,
    /// The hash that the current password was verified against.
    from: PasswordHash,
    to: PasswordHash,
    brand: Option<Brand>,
    by: By,
}

impl Change {
    /// `false` if the password is no longer the one that was verified.
    async fn apply(&self, tx: &mut Tx<'_>, keys: &MasterKeys, now: Timestamp) -> Stored<bool> {
        let user = &self.user;
        if !password::replace(tx, user.id, (&self.from, &self.to), now).await? {
            return Ok(false);
        }
        action_tokens::void(tx, user.id, now).await?;
        sessions::end_of_user(tx, keys, user.id, Some(self.session), now).await?;
        tokens::revoke_of_other_sessions(tx, user.id, self.session, now).await?;
        if let (Some(to), Some(brand)) = (&user.email, &self.brand) {
            let letter = mail::password_changed(brand, to, user.name(), now);
            mail::enqueue(tx, keys, &letter, now + NOTICE_LIFE, now).await?;
        }
        let event = Event {
            organization: user.organization_id,
            kind: "password.changed",
            by: self.by.clone(),
            subject: Some((SubjectKind::User, user.id.0)),
            outcome: Outcome::Success,
            details: json!({}),
            personal: None,
        };
        audit::record(tx, keys, event, now).await?;
        Ok(true)
    }
}
