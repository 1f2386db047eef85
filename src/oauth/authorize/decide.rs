//! A good request meets its user: sign in, no access, consent, or a code.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};

use super::{
    Visit, answer,
    destination::Destination,
    pages::{self, Standing},
    request::{Asked, RequestError},
    waiting,
};
use crate::{
    access::{self, Subject},
    audit::{self, Event, SubjectKind},
    clients::Client,
    http::{Failure, see_other},
    id::{AuthorizationRequestId, GrantId},
    mfa::policy,
    oauth::parameters::Parameters,
    organizations,
    products::Product,
    secret::Secret,
    sessions::{self, FullyAuthenticated, flow},
    store::{self, Db},
    tokens::{
        self, Grant, GrantDetails, NewCode,
        requests::{self, AuthorizationRequest},
    },
    users::Realm,
};

/// A judged request.
pub(super) struct Case {
    pub client: Arc<Client>,
    pub product: Arc<Product>,
    pub destination: Destination,
    pub asked: Asked,
    /// As they came, for storing.
    pub parameters: Parameters,
    /// Where it was stored before.
    pub stored: Option<AuthorizationRequest>,
}

/// What stands between the user and a code.
enum Obstacle {
    /// Nobody fit is signed in.
    SignIn,
    /// Who is signed in must show more.
    Raise,
    /// They came back from signing in as somebody else than the request is about.
    SomebodyElse,
    /// They hold nothing in the product, or their realm is another's.
    NoAccess,
    Consent,
}

/// Goes on with the request as far as it can go now.
pub(super) async fn decide(visit: Visit, case: Case) -> Result<Response, Failure> {
    let current = sessions::resume(&visit.app.store, visit.session.secret.as_ref(), visit.now).await?;
    // No connection is held from here on: what follows writes.
    let obstacle = obstacle(&mut visit.app.store.reader().await?, &visit, &case, current.as_ref()).await?;
    let error = match (&obstacle, case.asked.prompt.none) {
        (None, _) => None,
        (Some(Obstacle::SomebodyElse), _) | (Some(Obstacle::SignIn | Obstacle::Raise), true) => {
            Some(RequestError::LoginRequired)
        }
        (Some(Obstacle::NoAccess), true) => Some(RequestError::AccessDenied),
        (Some(Obstacle::Consent), true) => Some(RequestError::ConsentRequired),
        (Some(_), false) => None,
    };
    if let (Some(Obstacle::NoAccess), Some(current)) = (&obstacle, &current) {
        note_no_access(&visit, &case, current);
    }
    if let Some(error) = error {
        return Ok(answer::refuse(&visit.page, visit.app.config.issuer(), &case.destination, &error));
    }
    match (obstacle, current) {
        (None, Some(current)) => issue(visit, case, current).await,
        (Some(Obstacle::NoAccess), Some(current)) => no_access(visit, case, current).await,
        (Some(Obstacle::Consent), _) => {
            let request = store(&visit, case).await?;
            Ok((visit.browser().clone(), see_other(&format!("/consent?request={request}"))).into_response())
        }
        (Some(Obstacle::Raise), Some(current)) => sign_in(visit, case, Some(current)).await,
        _ => sign_in(visit, case, None).await,
    }
}

/// The first thing that stands in the way, in the order in which a person can do something about it.
async fn obstacle(
    db: &mut Db<'_>,
    visit: &Visit,
    case: &Case,
    current: Option<&FullyAuthenticated>,
) -> store::Result<Option<Obstacle>> {
    let (asked, now) = (&case.asked, visit.now);
    let Some(FullyAuthenticated { session, user, .. }) = current else { return Ok(Some(Obstacle::SignIn)) };
    // Since this request came, so what it demands of a sign-in has been done.
    let signed_in_for_this = case.stored.as_ref().is_some_and(|stored| session.auth_time >= stored.created_at);
    if asked.user.is_some_and(|wanted| wanted != user.id) {
        return Ok(Some(if signed_in_for_this { Obstacle::SomebodyElse } else { Obstacle::SignIn }));
    }
    let age = now.since(session.auth_time).as_secs();
    // OIDC Core §3.1.2.1; max_age=0 is prompt=login (§15.1 of its errata).
    let too_old = asked.max_age.is_some_and(|max_age| max_age == 0 || age > max_age);
    if (asked.prompt.login || asked.prompt.select_account || too_old) && !signed_in_for_this {
        return Ok(Some(Obstacle::SignIn));
    }
    let acr_values: Vec<&str> = asked.acr_values.iter().map(String::as_str).collect();
    let requirement = policy::requirement(db, user, Some(&case.product), &acr_values).await?;
    if !requirement.is_met_by(&session.amr) {
        return Ok(Some(Obstacle::Raise));
    }
    let of_this_realm = user.realm == Realm::Portal || user.realm == Realm::Product(case.product.id);
    let subject = Subject::User(user.id);
    if !of_this_realm || access::entitlement(db, subject, case.product.id, now).await?.is_none() {
        return Ok(Some(Obstacle::NoAccess));
    }
    let consented_now = case.stored.as_ref().is_some_and(|stored| stored.consented_by == Some(user.id));
    if !consented_now && needs_consent(db, case, current).await? {
        return Ok(Some(Obstacle::Consent));
    }
    Ok(None)
}

/// The vendor's own clients ask for none; others once for each scope, and whenever the client says so.
async fn needs_consent(db: &mut Db<'_>, case: &Case, current: Option<&FullyAuthenticated>) -> store::Result<bool> {
    if case.asked.prompt.consent {
        return Ok(true);
    }
    let Some(FullyAuthenticated { user, .. }) = current.filter(|_| !case.client.settings.first_party) else {
        return Ok(false);
    };
    let given = requests::find_consent(db, user.id, case.client.id).await?;
    Ok(given.is_none_or(|given| !case.asked.scope.is_within(&given)))
}

/// Stores the request for this browser, unless it is already.
async fn store(visit: &Visit, case: Case) -> Result<AuthorizationRequestId, Failure> {
    if let Some(stored) = case.stored {
        return Ok(stored.id);
    }
    let request = waiting::new(&visit.app, &case.client, &case.parameters, visit.browser().hash(), visit.now);
    let id = request.id;
    visit.app.store.write(async move |tx| requests::insert(tx, &request).await).await?;
    Ok(id)
}

/// Sends the user to sign in, or who is signed in to show more. Request and flow begin in one write.
async fn sign_in(visit: Visit, case: Case, raise: Option<FullyAuthenticated>) -> Result<Response, Failure> {
    let (browser, now) = (visit.browser().hash(), visit.now);
    let start = flow::Start {
        product_id: Some(case.product.id),
        acr_values: case.asked.acr_values.clone(),
        login_hint: case.asked.login_hint.clone(),
        ..flow::Start::default()
    };
    let new = match &case.stored {
        Some(_) => None,
        None => Some(waiting::new(&visit.app, &case.client, &case.parameters, browser.clone(), now)),
    };
    let request = case.stored.as_ref().or(new.as_ref()).map(|request| request.id);
    let unit = async move |tx: &mut store::Tx<'_>| {
        if let Some(new) = &new {
            requests::insert(tx, new).await?;
        }
        match &raise {
            Some(current) => flow::start_raise(tx, &browser, request, (current, &start), now).await,
            None => flow::start(tx, &browser, request, &start, now).await,
        }
    };
    let flow = visit.app.store.write(unit).await?;
    Ok((visit.browser().clone(), see_other(&format!("/login?flow={}", flow.id))).into_response())
}

/// Changes nothing, and can be asked for as often as somebody likes: beside the request.
fn note_no_access(visit: &Visit, case: &Case, current: &FullyAuthenticated) {
    let user = &current.user;
    let event = Event::new(user.organization_id, "authorization.refused", visit.by(user.id)).refused();
    let event = event.on(SubjectKind::Client, case.client.id.0);
    let event = event.with(serde_json::json!({ "reason": "no-access", "product": case.product.slug }));
    visit.app.recorder.note(event, visit.now);
}

/// The page that says so. The request waits for its button.
async fn no_access(visit: Visit, case: Case, current: FullyAuthenticated) -> Result<Response, Failure> {
    let home = current.user.organization_id;
    let lineage = organizations::lineage(&mut visit.app.store.reader().await?, home).await?;
    // The nearest organization that named somebody; else whom the product names.
    let contact = lineage.iter().find_map(|organization| organization.contact_email.as_deref());
    let contact = contact.or(case.product.support.as_deref()).map(str::to_owned);
    let organization = lineage.first().map_or_else(String::new, |organization| organization.name.clone());
    let product = Arc::clone(&case.product);
    let request = store(&visit, case).await?;
    let standing = Standing { user: &current.user, organization: &organization, contact: contact.as_deref() };
    Ok(pages::no_access(&visit.page, &product, &standing, request))
}

/// Grant, code and the end of the request in one write; the code goes to the client.
async fn issue(visit: Visit, case: Case, current: FullyAuthenticated) -> Result<Response, Failure> {
    let (app, now) = (&visit.app, visit.now);
    let Case { client, destination, asked, stored, .. } = case;
    let session = current.session;
    let absolute = client.settings.refresh_absolute_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let absolute = absolute.map_or(app.config.tokens.refresh_absolute, std::time::Duration::from_secs);
    let grant = Grant {
        id: GrantId::new(now),
        user_id: current.user.id,
        client_id: client.id,
        session_id: Some(session.id),
        scope: asked.scope,
        details: GrantDetails {
            auth_time: session.auth_time,
            amr: session.amr,
            acr: session.acr,
            claims: asked.claims,
        },
        created_at: now,
        expires_at: now + absolute,
        revoked_at: None,
    };
    let code = Secret::random();
    let new = NewCode {
        code_hash: code.hash(),
        grant_id: grant.id,
        client_id: client.id,
        redirect_uri: destination.redirect_uri.clone(),
        code_challenge: asked.code_challenge,
        nonce: asked.nonce,
        expires_at: now + app.config.tokens.code,
    };
    let (master, organization) = (Arc::clone(&app.master), current.user.organization_id);
    let (request, session, by) = (stored.map(|stored| stored.id), session.id, visit.by(grant.user_id));
    let unit = async move |tx: &mut store::Tx<'_>| {
        // Somebody may have ended the session since it was read.
        if !sessions::use_live(tx, session, now).await? {
            return Ok::<_, store::Error>(false);
        }
        if let Some(request) = request
            && !requests::consume(tx, request, now).await?
        {
            return Ok(false);
        }
        tokens::insert_grant(tx, &grant).await?;
        tokens::insert_code(tx, &new).await?;
        let event = Event::new(organization, "authorization.granted", by.clone());
        let event = event.on(SubjectKind::Client, grant.client_id.0);
        let event = event.with(serde_json::json!({ "grant": grant.id, "scope": grant.scope.to_string() }));
        audit::record(tx, &master, event, now).await?;
        Ok(true)
    };
    if !app.store.write(unit).await? {
        return Ok(pages::over(&visit.page));
    }
    Ok(answer::grant(&visit.page, app.config.issuer(), &destination, code.expose()))
}
