//! `/login/join`: another organization would like the person to join it with the account they have (I6, V6).
//!
//! The link names the question and opens nothing: it is answered by whoever is signed in as the person it was sent
//! to. Anybody else is told that it is not for them, and nothing of the question.

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{
    events,
    new_password::Link,
    outcome::Context,
    step::{Visit, failed},
};
use crate::{
    access::{self, RoleOfUser},
    action_tokens::{self, Purpose},
    audit::{self, Event, SubjectKind},
    clock::Timestamp,
    http::{Form, Page, Place, initials, see_other},
    organizations::{self, Organization},
    secret::Secret,
    sessions::FullyAuthenticated,
    store::{self, Tx},
    users::{self, Status, User, stand_ins},
};

#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    decision: String,
}

#[derive(Template)]
#[template(path = "login/pages/join.html", config = ".config/askama.toml")]
struct Join<'a> {
    page: &'a Page,
    token: &'a str,
    organization: &'a str,
    gifts: &'a [Gift],
    name: &'a str,
    initials: &'a str,
    login: &'a str,
    until: &'a str,
}

#[derive(Template)]
#[template(path = "login/pages/join_other.html", config = ".config/askama.toml")]
struct AnotherAccount<'a> {
    page: &'a Page,
    name: &'a str,
    initials: &'a str,
    login: &'a str,
}

#[derive(Template)]
#[template(path = "login/pages/join_done.html", config = ".config/askama.toml")]
struct Done<'a> {
    page: &'a Page,
    organization: &'a str,
    has_joined: bool,
}

#[derive(Template)]
#[template(path = "login/pages/join_over.html", config = ".config/askama.toml")]
struct Over<'a> {
    page: &'a Page,
}

/// Roles of one product over one organization.
struct Gift {
    product: String,
    roles: Vec<String>,
    place: String,
}

/// What a link asks.
struct Question {
    stand_in: User,
    organization: Organization,
    until: Timestamp,
}

/// `GET`: looks, and spends nothing. Whoever is not signed in does so first, and comes back.
pub(super) async fn show(mut visit: Visit, Query(link): Query<Link>) -> Result<Response, Response> {
    let question = open(&visit, &link.token).await?;
    let who = person(&visit, &link.token).await?;
    if !is_theirs(&question, &who) {
        return Err(another(&visit, &who));
    }
    visit.page = visit.page.clone().at(Some(place(&question.organization)));
    let gifts = gifts(&visit, &question.stand_in).await.map_err(failed)?;
    let until = question.until.to_chrono().format("%-d %B %Y, %H:%M UTC").to_string();
    let (page, user) = (&visit.page, &who.user);
    Ok(page.gate(
        StatusCode::OK,
        &Join {
            page,
            token: &link.token,
            organization: &question.organization.name,
            gifts: &gifts,
            name: user.name(),
            initials: &initials(user.name()),
            login: user.login_name.as_given(),
            until: &until,
        },
    ))
}

/// `POST`: accepts or declines; the link is spent either way.
pub(super) async fn submit(visit: Visit, Form(answer): Form<Answer>) -> Result<Response, Response> {
    let question = open(&visit, &answer.token).await?;
    let who = person(&visit, &answer.token).await?;
    if !is_theirs(&question, &who) {
        return Err(another(&visit, &who));
    }
    let accepts = match answer.decision.as_str() {
        "accept" => true,
        "decline" => false,
        _ => return Err(see_other(&here(&answer.token))),
    };
    let (context, now) = (visit.context().await.map_err(failed)?, visit.now);
    let (secret, organization) = (Secret::from_text(answer.token), question.organization);
    let stand_in = question.stand_in;
    let unit = async move |tx: &mut Tx<'_>| decide(tx, &context, (&secret, &stand_in, accepts), now).await;
    if !visit.app.store.write(unit).await.map_err(failed)? {
        return Err(over(&visit));
    }
    visit.app.wake.ring();
    let page = visit.page.clone().at(Some(place(&organization)));
    let done = Done { page: &page, organization: &organization.name, has_joined: accepts };
    Ok(page.gate(StatusCode::OK, &done))
}

/// One write: of racing answers to one link one counts. `false` for the others.
async fn decide(
    tx: &mut Tx<'_>,
    context: &Context,
    (secret, stand_in, accepts): (&Secret, &User, bool),
    now: Timestamp,
) -> store::Result<bool> {
    let Some(person) = &context.current else { return Ok(false) };
    let token = action_tokens::consume(tx, secret, Purpose::Join, now).await?;
    if token.is_none_or(|token| token.user_id != stand_in.id) || stand_in.stands_for != Some(person.user.id) {
        return Ok(false);
    }
    if accepts && !stand_ins::join(tx, stand_in, now).await? {
        return Ok(false);
    }
    let kind = if accepts { "membership.accepted" } else { "membership.declined" };
    let event = Event::new(stand_in.organization_id, kind, events::by(context, &person.user))
        .on(SubjectKind::User, stand_in.id.0)
        .with(json!({ "connection": stand_in.connection_id }));
    audit::record(tx, &context.master, event, now).await?;
    Ok(true)
}

async fn open(visit: &Visit, token: &str) -> Result<Question, Response> {
    look(visit, token).await.map_err(failed)?.ok_or_else(|| over(visit))
}

async fn look(visit: &Visit, token: &str) -> store::Result<Option<Question>> {
    let mut db = visit.app.store.reader().await?;
    let Some(token) = action_tokens::peek(&mut db, &Secret::from_text(token), visit.now).await? else {
        return Ok(None);
    };
    if token.purpose != Purpose::Join {
        return Ok(None);
    }
    let stand_in = users::find(&mut db, token.user_id).await?;
    let Some(stand_in) = stand_in.filter(|stand_in| stand_in.status == Status::Invited) else { return Ok(None) };
    let organization = organizations::find(&mut db, stand_in.organization_id).await?;
    let Some(organization) = organization else { return Ok(None) };
    let is_active = organizations::is_active(&mut db, organization.id).await?;
    Ok(is_active.then_some(Question { stand_in, organization, until: token.expires_at }))
}

/// Who is signed in here; nobody signs in and comes back.
async fn person(visit: &Visit, token: &str) -> Result<FullyAuthenticated, Response> {
    let current = visit.context().await.map_err(failed)?.current;
    current.ok_or_else(|| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("back", &here(token)).finish();
        see_other(&format!("/login?{query}"))
    })
}

/// Whether it is the person who was asked.
fn is_theirs(question: &Question, who: &FullyAuthenticated) -> bool {
    question.stand_in.stands_for == Some(who.user.id)
}

/// Somebody else is signed in here.
fn another(visit: &Visit, who: &FullyAuthenticated) -> Response {
    let (page, user) = (&visit.page, &who.user);
    let (name, login) = (user.name(), user.login_name.as_given());
    page.gate(StatusCode::FORBIDDEN, &AnotherAccount { page, name, initials: &initials(name), login })
}

fn here(token: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
    format!("/login/join?{query}")
}

/// Used, declined, expired, withdrawn, or never was: the same page.
fn over(visit: &Visit) -> Response {
    let page = &visit.page;
    page.gate(StatusCode::GONE, &Over { page })
}

fn place(organization: &Organization) -> Place {
    Place { name: organization.name.clone(), icon: "organization", ..Place::default() }
}

/// What the person would hold from now on. More or less may come later, as with everybody of the organization.
async fn gifts(visit: &Visit, stand_in: &User) -> store::Result<Vec<Gift>> {
    let mut db = visit.app.store.reader().await?;
    let roles = access::roles_of_user(&mut db, stand_in.id, visit.now).await?;
    let mut gifts: Vec<Gift> = Vec::new();
    for role in roles {
        let place = covered(&role);
        match gifts.iter_mut().find(|gift| gift.product == role.product_name && gift.place == place) {
            Some(gift) if gift.roles.contains(&role.role_name) => {}
            Some(gift) => gift.roles.push(role.role_name),
            None => gifts.push(Gift { product: role.product_name, roles: vec![role.role_name], place }),
        }
    }
    Ok(gifts)
}

fn covered(role: &RoleOfUser) -> String {
    let name = &role.organization_name;
    if role.subtree { format!("{name} and its client organizations") } else { name.clone() }
}
