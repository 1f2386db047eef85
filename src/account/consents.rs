use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::json;
use uuid::Uuid;

use super::{Account, Stop, sessions::Nothing};
use crate::{
    app::App,
    audit::{self, Event, SubjectKind},
    http::{Failure, Form, see_other},
    id::ClientRowId,
    store::{Result, Tx},
    tokens::{self, requests},
};

/// Takes back what the person allowed an app of somebody else: the consent, and every token that it bought.
pub async fn withdraw(
    State(app): State<App>,
    account: Account,
    Path(client): Path<Uuid>,
    _: Form<Nothing>,
) -> Result<Response, Stop> {
    let (keys, user, by, now) = (Arc::clone(&app.master), account.user().clone(), account.by.clone(), account.now);
    let unit = async move |tx: &mut Tx<'_>| -> Result<bool> {
        let client = ClientRowId(client);
        if !requests::withdraw_consent(tx, user.id, client).await? {
            return Ok(false);
        }
        tokens::revoke_of_client(tx, user.id, client, now).await?;
        let event = Event::new(user.organization_id, "consent.withdrawn", by.clone());
        let event = event.on(SubjectKind::Client, client.0).with(json!({ "user": user.id }));
        audit::record(tx, &keys, event, now).await?;
        Ok(true)
    };
    if app.store.write(unit).await? {
        Ok(see_other("/account?done=withdrawn"))
    } else {
        Err(Failure::not_found().into())
    }
}
