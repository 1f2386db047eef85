use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::json;
use uuid::Uuid;

use super::{Account, Stop};
use crate::{
    app::App,
    audit::{self, Event, Outcome, SubjectKind},
    http::{Failure, Form, see_other},
    id::SessionId,
    sessions,
    store::{Result, Tx},
    tokens,
};

/// A form with nothing but its token.
#[derive(serde::Deserialize)]
pub struct Nothing {}

/// Ends every session but this one.
pub async fn end_others(State(app): State<App>, account: Account, _: Form<Nothing>) -> Result<Response, Stop> {
    let (keys, user, by, now) = (Arc::clone(&app.master), account.user().clone(), account.by.clone(), account.now);
    let this = account.session().id;
    app.store
        .write(async move |tx| -> Result<()> {
            let ended = sessions::end_of_user(tx, &keys, user.id, Some(this), now).await?;
            // Those of sessions that ended by themselves too.
            tokens::revoke_of_other_sessions(tx, user.id, this, now).await?;
            let event = Event {
                organization: user.organization_id,
                kind: "sessions.ended",
                by: by.clone(),
                subject: Some((SubjectKind::User, user.id.0)),
                outcome: Outcome::Success,
                details: json!({ "count": ended }),
                personal: None,
            };
            audit::record(tx, &keys, event, now).await
        })
        .await?;
    app.wake.ring();
    Ok(see_other("/account?done=ended-others"))
}

/// Ends one of the person's own sessions.
pub async fn end(
    State(app): State<App>,
    account: Account,
    Path(id): Path<Uuid>,
    _: Form<Nothing>,
) -> Result<Response, Stop> {
    let (keys, user, by, now) = (Arc::clone(&app.master), account.user().clone(), account.by.clone(), account.now);
    let ended = app
        .store
        .write(async move |tx: &mut Tx<'_>| -> Result<bool> {
            let id = SessionId(id);
            let own = sessions::list_of_user(tx, user.id, now).await?.iter().any(|session| session.id == id);
            if !own || !sessions::end(tx, &keys, id, now).await? {
                return Ok(false);
            }
            let event = Event {
                organization: user.organization_id,
                kind: "session.ended",
                by: by.clone(),
                subject: Some((SubjectKind::Session, id.0)),
                outcome: Outcome::Success,
                details: json!({}),
                personal: None,
            };
            audit::record(tx, &keys, event, now).await?;
            Ok(true)
        })
        .await?;
    app.wake.ring();
    if ended { Ok(see_other("/account?done=ended")) } else { Err(Failure::not_found().into()) }
}
