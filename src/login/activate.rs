//! `/login/activate`: the first password, from the mailed link (P3).

use axum::{extract::Query, response::Response};

use super::{
    events,
    new_password::{self, Link, Typed},
    outcome::Context,
    step::Visit,
};
use crate::{
    action_tokens::Purpose,
    clock::Timestamp,
    http::Form,
    store::{Result as Stored, Tx},
    users::{
        Status, User,
        life_cycle::{self, Act},
        password::{self, PasswordHash, SetBy},
    },
};

pub(super) async fn show(visit: Visit, Query(link): Query<Link>) -> Result<Response, Response> {
    new_password::show(&visit, &link, Purpose::Activate).await
}

pub(super) async fn submit(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Response> {
    new_password::submit(&visit, typed, Purpose::Activate).await
}

/// The account becomes active with its first password. `false` if it has left that state meanwhile.
pub(super) async fn activate(
    tx: &mut Tx<'_>,
    context: &Context,
    (user, hash): (&User, &PasswordHash),
    now: Timestamp,
) -> Stored<bool> {
    let by = events::by(context, user);
    if user.status == Status::Invited {
        let act = Act { master: &context.master, by: &by };
        if life_cycle::activate(tx, act, user, now).await?.is_err() {
            return Ok(false);
        }
    }
    password::set(tx, user.id, hash, SetBy::Activation, now).await?;
    Ok(true)
}
