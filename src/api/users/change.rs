use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    UserDetail, list,
    verb::{self, Verb},
};
use crate::{
    api::{Attempt, Body, Caller, Ids, Invalid, Problem, Refusal},
    app::App,
    audit::SubjectKind,
    connections,
    id::{OrganizationId, UserId},
    users::{self, User},
};

const CHANGE: Verb = Verb { kind: "user.changed", permission: "portal:users:update", on_oneself: true };

/// The longest name of a person.
const LONGEST_NAME: usize = 100;

/// What to change of a person. What is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    given_name: Option<String>,
    family_name: Option<String>,
}

/// Changes a person's names.
#[utoipa::path(
    patch, path = "/api/v1/organizations/{organization}/users/{user}", tag = "users",
    params(("organization" = Uuid, Path), ("user" = Uuid, Path)), request_body = UserChange,
    responses((status = 200, body = UserDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Ids((id, user)): Ids<(OrganizationId, UserId)>,
    Body(change): Body<UserChange>,
) -> Result<Json<UserDetail>, Refusal> {
    let change = check(change)?;
    let attempt = Attempt { organization: id, kind: CHANGE.kind, subject: Some((SubjectKind::User, user.0)) };
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (over, person) = verb::judge(tx, &who, CHANGE, (id, user)).await?;
        if let Some(connection) = person.connection_id {
            // The tool would change the names back at its next run.
            let name = connections::find(tx, connection).await?.map(|connection| connection.name);
            return Err(Refusal::OwnedByConnection(name.unwrap_or_default()));
        }
        let changed = applied(&person, &change);
        let written = users::update(tx, &changed, who.now).await?.ok_or(Refusal::ChangedMeanwhile)?;
        let written = written.map_err(|_| Refusal::ChangedMeanwhile)?;
        let details = serde_json::json!({ "attributes": ["given_name", "family_name"] });
        verb::record(tx, &parts, &who, (CHANGE, &written), details).await?;
        list::detail(tx, &who, &over, &written).await
    });
    caller.denied(app.clone(), attempt, outcome.await).await.map(Json)
}

fn check(change: UserChange) -> Result<UserChange, Refusal> {
    let mut errors = Vec::new();
    for (pointer, name) in [("/given_name", &change.given_name), ("/family_name", &change.family_name)] {
        errors.extend(name.as_deref().and_then(|name| check_name(pointer, name)));
    }
    if errors.is_empty() { Ok(change) } else { Err(Refusal::Invalid(errors)) }
}

/// A name is one line of at most a hundred characters, without marks that turn or hide text (row 119).
pub fn check_name(pointer: &str, name: &str) -> Option<Invalid> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if name.trim().is_empty() {
        return Some(Invalid::new(pointer, "empty", "Write the name."));
    }
    if name.chars().count() > LONGEST_NAME {
        return Some(Invalid::new(pointer, "too-long", "Use at most 100 characters."));
    }
    name.contains(hidden)
        .then(|| Invalid::new(pointer, "hidden-character", "Leave out line breaks and invisible marks."))
}

fn applied(person: &User, change: &UserChange) -> User {
    let trimmed = |new: &Option<String>, old: &str| new.as_deref().map_or(old, str::trim).to_owned();
    let given_name = trimmed(&change.given_name, &person.given_name);
    let family_name = trimmed(&change.family_name, &person.family_name);
    let display_name = format!("{given_name} {family_name}").trim().to_owned();
    User { given_name, family_name, display_name, ..person.clone() }
}
