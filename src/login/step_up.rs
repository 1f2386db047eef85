//! `/login/step-up`: a fresh factor before an act that could lose the account (M7), and back.

use axum::{
    extract::Query,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::step::{Visit, failed};
use crate::{
    http::{local_path, see_other},
    mfa,
    sessions::{
        self,
        flow::{self, Start},
    },
};

#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    /// A path of this server.
    #[serde(default)]
    back: String,
}

/// `GET /login/step-up?back=…`: whoever has factors shows one; whoever has none shows the password again.
pub(super) async fn show(visit: Visit, Query(wish): Query<Wish>) -> Result<Response, Response> {
    let (app, now) = (&visit.app, visit.now);
    let back = local_path(&wish.back).to_owned();
    let current = sessions::resume(&app.store, visit.session.secret.as_ref(), now).await.map_err(failed)?;
    let Some(current) = current else { return Ok(see_other("/login")) };
    let mut db = app.store.reader().await.map_err(failed)?;
    let has_factors = !mfa::enrolled(&mut db, current.user.id).await.map_err(failed)?.is_empty();
    drop(db);
    let browser = visit.browser().hash();
    let unit = async move |tx: &mut crate::store::Tx<'_>| {
        let login_hint = Some(current.user.login_name.as_given().to_owned());
        let start = Start { login_hint, back: Some(back.clone()), ..Start::default() };
        if has_factors {
            flow::start_raise(tx, &browser, None, (&current, &start), now).await
        } else {
            flow::start(tx, &browser, None, &start, now).await
        }
    };
    let flow = app.store.write(unit).await.map_err(failed)?;
    Ok((visit.browser().clone(), see_other(&format!("/login?flow={}", flow.id))).into_response())
}
