//! `/consent`: whether a client that is not the vendor's own may see the account.

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use serde::Deserialize;

use super::step::{Visit, failed, over};
use crate::{
    audit::By,
    clients::Client,
    http::{Form, Page, Place, initials, see_other},
    id::AuthorizationRequestId,
    oauth::{self, Waiting},
    sessions::{self, FullyAuthenticated},
};

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    request: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    #[serde(default)]
    request: String,
    #[serde(default)]
    decision: String,
}

#[derive(Template)]
#[template(path = "login/pages/consent.html", config = ".config/askama.toml")]
struct Consent<'a> {
    page: &'a Page,
    client: &'a Client,
    request: &'a str,
    wishes: &'a [(&'static str, String)],
    name: &'a str,
    initials: &'a str,
    login: &'a str,
}

/// What waits in this browser, and the person who is to decide.
async fn question(visit: &Visit, id: &str) -> Result<(Waiting, FullyAuthenticated), Response> {
    let Ok(id) = id.parse::<AuthorizationRequestId>() else { return Err(over(&visit.page)) };
    let secret = visit.session.secret.as_ref();
    let who = sessions::resume(&visit.app.store, secret, visit.now).await.map_err(failed)?;
    // Without a session the request goes through sign-in again.
    let Some(who) = who else { return Err(see_other(&format!("/authorize/resume?request={id}"))) };
    let waiting = oauth::waiting(&visit.app, visit.browser(), id, visit.now).await.map_err(failed)?;
    Ok((waiting.ok_or_else(|| over(&visit.page))?, who))
}

/// `GET /consent`: names the client and what it asks for (security.md row 26).
pub(super) async fn show(mut visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Response> {
    let (waiting, who) = question(&visit, &asked.request).await?;
    visit.page = visit.page.clone().at(Some(place(&waiting.client)));
    let wishes: Vec<_> = waiting.scope.iter().map(wish).collect();
    let (page, user) = (&visit.page, &who.user);
    Ok(page.gate(
        StatusCode::OK,
        &Consent {
            page,
            client: &waiting.client,
            request: &asked.request,
            wishes: &wishes,
            name: user.name(),
            initials: &initials(user.name()),
            login: user.login_name.as_given(),
        },
    ))
}

fn place(client: &Client) -> Place {
    let of = |text: &Option<String>| text.as_deref().and_then(|text| url::Url::parse(text).ok());
    let home = of(&client.settings.client_uri)
        .or_else(|| client.redirect_uris.first().and_then(|uri| url::Url::parse(uri).ok()));
    let host = home.and_then(|url| url.host_str().map(str::to_owned));
    Place {
        name: client.name.clone(),
        note: host.map(|host| format!("{host}, not run by us")),
        icon: "connection",
        logo: of(&client.settings.logo_uri).filter(|url| url.scheme() == "https"),
        brand: None,
    }
}

/// What a scope value means to a person: an icon and the rest of "It asks to". One that has no words here is
/// shown by its name: nobody allows what is not shown (security.md row 26).
fn wish(scope: &str) -> (&'static str, String) {
    let (icon, words) = match scope {
        "openid" => ("person", "know who you are"),
        "profile" => ("person", "see your name"),
        "email" => ("mail", "see your e-mail address"),
        "phone" => ("phone", "see your telephone number"),
        "address" => ("home", "see your postal address"),
        "product" => ("shield", "see your roles and what you may do in it"),
        "api" => ("key", "do in the portal whatever you may do there, in your name"),
        "offline_access" => ("clock", "stay connected until you end it"),
        other => return ("key", format!("use “{other}”, which only its makers can explain")),
    };
    (icon, words.to_owned())
}

/// `POST /consent`.
pub(super) async fn submit(visit: Visit, Form(decision): Form<Decision>) -> Result<Response, Response> {
    let (waiting, who) = question(&visit, &decision.request).await?;
    let (app, id, now) = (&visit.app, waiting.id, visit.now);
    let by = By::user(who.user.id).at(visit.address.to_string(), visit.user_agent.0.clone());
    let decided = oauth::Decision { request: id, who: &who, by };
    if decision.decision != "allow" {
        return Ok(oauth::refuse_consent(app, &visit.page, decided, now).await);
    }
    if oauth::allow(app, visit.browser(), decided, now).await.map_err(failed)? {
        Ok(see_other(&format!("/authorize/resume?request={id}")))
    } else {
        Err(over(&visit.page))
    }
}
