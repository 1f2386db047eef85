use std::sync::Arc;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::{
    events,
    step::{Located, Step, failed, located, over},
};
use crate::{
    clock::Timestamp,
    http::{Browser, SessionCookie, see_other},
    id::{AuthorizationRequestId, LoginFlowId},
    mfa::{BoundTo, Method, email_code},
    oauth,
    secret::{MasterKeys, Secret},
    sessions::{self, Agent, FullyAuthenticated, flow, flow::LoginFlow},
    store::{self, Tx},
    users::User,
};

/// What a finished sign-in is written down with. Taken before the write, owned by it.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub master: Arc<MasterKeys>,
    /// The session that this browser has.
    pub current: Option<FullyAuthenticated>,
    pub agent: Agent,
}

/// What a step has led to.
pub(super) enum Outcome {
    /// There is more to show.
    Goes { flow: LoginFlowId, path: &'static str },
    /// It was the last step.
    SignedIn { secret: Secret, request: Option<AuthorizationRequestId>, back: Option<String> },
    /// The flow had gone on, or ended, meanwhile.
    Over,
}

/// What comes after a proof, in the write that noted it. A flow that has shown all begins its session
/// here and now.
pub(super) async fn advance(
    tx: &mut Tx<'_>,
    context: &Context,
    flow: Option<LoginFlow>,
    user: &User,
    now: Timestamp,
) -> store::Result<Outcome> {
    let Some(flow) = flow else { return Ok(Outcome::Over) };
    let to = located(tx, &flow, Some(user)).await?;
    let shown_all = to == Located::RecoveryCodes && flow.state.codes.is_none();
    if shown_all {
        return finish(tx, context, &flow, now).await;
    }
    // Whoever has nothing but a mailbox gets the code without asking, unless there were too many.
    if to == Located::Challenge(vec![Method::Email])
        && email_code::send(tx, &context.master, user, BoundTo::from(flow.id), now).await?.is_ok()
    {
        return Ok(Outcome::Goes { flow: flow.id, path: "/login/email" });
    }
    Ok(Outcome::Goes { flow: flow.id, path: to.path() })
}

/// Finishes the flow and begins its session, in one write.
pub(super) async fn finish(
    tx: &mut Tx<'_>,
    context: &Context,
    flow: &LoginFlow,
    now: Timestamp,
) -> store::Result<Outcome> {
    let Ok(finished) = flow::finish(tx, flow, context.current.as_ref(), now).await? else { return Ok(Outcome::Over) };
    let begun = sessions::begin(tx, &context.master, &finished, &context.agent, now).await?;
    let Some((session, secret)) = begun else { return Ok(Outcome::Over) };
    events::signed_in(tx, context, finished.user(), &session, now).await?;
    Ok(Outcome::SignedIn { secret, request: flow.request_id, back: flow.state.start.back.clone() })
}

/// Where the browser goes now. After credentials always by 303.
pub(super) fn respond(step: &Step, outcome: Outcome) -> Response {
    match outcome {
        Outcome::Over => over(&step.visit.page),
        other => go(step.visit.browser(), &step.visit.session, other),
    }
}

/// The same for pages that have just begun a flow.
pub(super) fn go(browser: &Browser, session: &SessionCookie, outcome: Outcome) -> Response {
    match outcome {
        Outcome::Goes { flow, path } => (browser.clone(), see_other(&format!("{path}?flow={flow}"))).into_response(),
        Outcome::SignedIn { secret, request, back } => {
            let to = match (request, back) {
                (Some(request), _) => format!("/authorize/resume?request={request}"),
                (None, Some(back)) => back,
                (None, None) => "/account".to_owned(),
            };
            let mut response = (browser.clone(), see_other(&to)).into_response();
            response.headers_mut().append(header::SET_COOKIE, session.set(&secret));
            response
        }
        Outcome::Over => see_other("/login"),
    }
}

/// Gives the sign-in up; a waiting client is told `access_denied`.
pub(super) async fn cancel(step: &Step) -> Response {
    let (flow, now) = (step.flow.clone(), step.visit.now);
    if let Err(error) = step.visit.app.store.write(async move |tx| flow::cancel(tx, &flow, now).await).await {
        return failed(error);
    }
    match step.flow.request_id {
        Some(request) => oauth::deny(&step.visit.app, &step.visit.page, request, now).await,
        // A step-up given up leaves the session as it was.
        None if step.flow.state.raises.is_some() => see_other("/account"),
        None => see_other("/"),
    }
}

/// The word for a method in addresses and ids.
pub(super) fn challenge_path(method: Method) -> &'static str {
    match method {
        Method::Totp => "/login/totp",
        Method::Email => "/login/email",
        Method::Passkey => "/login/passkey",
        Method::Recovery => "/login/recovery",
    }
}
