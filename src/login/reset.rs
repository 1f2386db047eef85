//! `/login/reset`: a new password, from a link that was mailed on demand or by an administrator (P8).

use axum::{extract::Query, response::Response};
use serde_json::json;

use super::{
    events, letters,
    new_password::{self, Link, Typed},
    outcome::Context,
    step::Visit,
};
use crate::{
    action_tokens::Purpose,
    clock::Timestamp,
    http::Form,
    mail, sessions,
    store::{Result as Stored, Tx},
    tokens,
    users::{
        User,
        password::{self, PasswordHash, SetBy},
    },
};

pub(super) async fn show(visit: Visit, Query(link): Query<Link>) -> Result<Response, Response> {
    new_password::show(&visit, &link, Purpose::ResetPassword).await
}

pub(super) async fn submit(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    new_password::submit(&visit, typed, Purpose::ResetPassword).await
}

/// The new password, which only a mailbox vouches for (security.md section 0.1); every session and
/// refresh token ends, and the person is told.
pub(super) async fn reset(
    tx: &mut Tx<'_>,
    context: &Context,
    (user, hash): (&User, &PasswordHash),
    now: Timestamp,
) -> Stored<bool> {
    password::set(tx, user.id, hash, SetBy::MailedReset, now).await?;
    let ended = sessions::end_of_user(tx, &context.master, user.id, None, now).await?;
    tokens::revoke_of_user(tx, user.id, now).await?;
    events::own(tx, context, user, ("password.reset", json!({ "sessions_ended": ended })), now).await?;
    letters::tell(tx, context, user, |brand, to| mail::password_changed(brand, to, user.name(), now), now).await?;
    Ok(true)
}
