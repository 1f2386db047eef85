use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{Beginning, begin, is_open};
use crate::{
    app::App,
    audit::By,
    http::{ClientAddress, Failure, Form, Page, UserAgent, see_other},
    organizations::EffectivePolicy,
    secret::Secret,
    users::{LoginName, password::check_strength},
};

#[derive(Template)]
#[template(path = "setup/pages/setup.html", config = ".config/askama.toml")]
struct Setup<'a> {
    page: &'a Page,
    form: &'a Fields,
    minimum: usize,
    /// (field, what is wrong with it)
    error: Option<(&'static str, String)>,
}

impl Setup<'_> {
    /// The error of one field.
    fn error_of(&self, field: &str) -> Option<&str> {
        self.error.as_ref().filter(|(wrong, _)| *wrong == field).map(|(_, text)| text.as_str())
    }
}

#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    token: String,
}

/// The form as sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    token: String,
    provider: String,
    given_name: String,
    family_name: String,
    username: String,
    #[serde(rename = "new-password")]
    password: String,
    #[serde(rename = "new-password-again")]
    again: String,
}

/// `GET /setup?token=`: looking spends nothing.
pub async fn show(State(app): State<App>, page: Page, Query(link): Query<Link>) -> Result<Response, Failure> {
    let form = Fields { token: link.token, ..Fields::default() };
    refuse_unless_open(&app, &form).await?;
    Ok(draw(&page, &form, None))
}

/// `POST /setup`: makes provider and administrator, then leads to their first sign-in.
pub async fn submit(
    State(app): State<App>,
    page: Page,
    address: ClientAddress,
    UserAgent(user_agent): UserAgent,
    Form(form): Form<Fields>,
) -> Result<Response, Failure> {
    refuse_unless_open(&app, &form).await?;
    let login_name = match judge(&form) {
        Ok(login_name) => login_name,
        Err(error) => return Ok(draw(&page, &form, Some(error))),
    };
    let password = app.passwords.hash(Secret::from_text(form.password)).await.map_err(|_| Failure::busy())?;
    let beginning = Beginning {
        secret: Secret::from_text(form.token),
        provider: form.provider.trim().to_owned(),
        given_name: form.given_name.trim().to_owned(),
        family_name: form.family_name.trim().to_owned(),
        login_name,
        password,
    };
    let (now, master) = (app.clock.now(), app.master.clone());
    let by = By::operator().at(address.to_string(), user_agent);
    let made = app.store.write(async move |tx| begin(tx, &master, &beginning, &by, now).await).await?;
    if made { Ok(see_other("/portal")) } else { Err(Failure::not_found()) }
}

/// Once it is done there is no such page: 404, whatever was sent.
async fn refuse_unless_open(app: &App, form: &Fields) -> Result<(), Failure> {
    let mut db = app.store.reader().await?;
    if is_open(&mut db, &Secret::from_text(form.token.clone())).await? { Ok(()) } else { Err(Failure::not_found()) }
}

fn judge(form: &Fields) -> Result<LoginName, (&'static str, String)> {
    for (field, value) in
        [("provider", &form.provider), ("given_name", &form.given_name), ("family_name", &form.family_name)]
    {
        let length = value.trim().chars().count();
        if length == 0 || length > 200 || value.chars().any(char::is_control) {
            return Err((field, "Write 1 to 200 characters.".to_owned()));
        }
    }
    let login_name = LoginName::parse(form.username.trim()).map_err(|error| ("username", error.to_string()))?;
    if !crate::mail::is_mailable(login_name.as_given()) {
        return Err(("username", "Write an address of e-mail, as name@example.com.".to_owned()));
    }
    if form.password != form.again {
        return Err(("new-password-again", "The two passwords differ. Write the same one twice.".to_owned()));
    }
    let minimum = EffectivePolicy::default().password_minimum;
    let context = [form.provider.as_str(), &form.given_name, &form.family_name, form.username.as_str()];
    check_strength(&form.password, &context, minimum).map_err(|weak| ("new-password", weak.to_string()))?;
    Ok(login_name)
}

fn draw(page: &Page, form: &Fields, error: Option<(&'static str, String)>) -> Response {
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page.gate(status, &Setup { page, form, minimum: EffectivePolicy::default().password_minimum, error })
}
