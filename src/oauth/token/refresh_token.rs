//! A refresh token for tokens (RFC 6749 §6), which spends it (RFC 9700 §4.14.2).

use std::{sync::Arc, time::Duration};

use super::{
    Issue, Parameters, Refusal,
    mint::{Holder, Lifetimes, NewRefreshToken},
};
use crate::{
    access::{self, Subject},
    app::App,
    audit::{self, By, Event, SubjectKind},
    clients::Client,
    clock::Timestamp,
    mfa::policy::Requirement,
    oauth::engine::{self, Verdict},
    products::Product,
    secret::{MasterKeys, SecretHash},
    sessions,
    store::{self, Tx},
    tokens::{self, RefreshToken, Scope, TokenId},
};

/// What the write found.
enum Outcome {
    Rotated(Box<Issue>),
    Refused,
    /// The token is good and stays so; the scope is too wide.
    RefusedScope,
}

pub(super) async fn exchange(
    app: &App,
    client: &Arc<Client>,
    product: Arc<Product>,
    parameters: Parameters,
    now: Timestamp,
) -> Result<Issue, Refusal> {
    let token = parameters.get("refresh_token").ok_or(Refusal::Missing("refresh_token"))?;
    let hash = SecretHash::of(token.as_bytes());
    // What can change between this reading and the write is judged again there, by the statement that spends
    // the token.
    let mut db = app.store.reader().await?;
    let token = tokens::find_refresh_token(&mut db, &hash).await?.ok_or(Refusal::RefreshToken)?;
    if token.client_id != client.id {
        return Err(Refusal::RefreshToken);
    }
    let subject = Subject::User(token.grant.user_id);
    let entitlement = access::entitlement(&mut db, subject, product.id, now).await?.map(Arc::new);
    drop(db);
    let policy = app.policies.find(&app.store, token.organization_id, now).await?;
    let meets_policy =
        policy.is_some_and(|policy| Requirement::to_go_on(&policy, Some(&product)).is_met_by(&token.grant.details.amr));
    let entitlement = entitlement.filter(|_| meets_policy);
    let scope = judge(client, &parameters, &token);
    let (client, master, issuer) = (Arc::clone(client), Arc::clone(&app.master), app.config.issuer().to_owned());
    let lifetimes = Lifetimes::of(&client, &app.config.tokens);
    let grace = app.config.tokens.refresh_grace;
    let unit = async move |tx: &mut Tx<'_>| {
        let (Some(entitlement), Ok(scope)) = (&entitlement, &scope) else {
            return refuse(tx, (&master, &client), &hash, scope.as_ref().err(), now).await;
        };
        if client.settings.ends_with_session
            && let Some(session) = token.grant.session_id
            && !sessions::use_live(tx, session, now).await?
        {
            return refuse(tx, (&master, &client), &hash, None, now).await;
        }
        if !tokens::consume_refresh_token(tx, &hash, now).await? && !passes_again(tx, &hash, grace, now).await? {
            return refuse(tx, (&master, &client), &hash, None, now).await;
        }
        let successor = NewRefreshToken::random();
        let ends_at = lifetimes.idle_end(&token.grant, now);
        tokens::insert_refresh_token(tx, &successor.hash(), &token.grant, ends_at, now).await?;
        let issue = Issue {
            client: Arc::clone(&client),
            product: Arc::clone(&product),
            entitlement: Arc::clone(entitlement),
            scope: scope.clone(),
            id: TokenId::new(Some(token.grant.id)),
            opaque: None,
            refresh_token: Some(successor),
            holder: Holder::user(token.grant.clone(), None, token.organization_id),
        };
        Ok::<_, store::Error>(Outcome::Rotated(Box::new(issue.insert_opaque(tx, &issuer, lifetimes, now).await?)))
    };
    match app.store.write(unit).await? {
        Outcome::Rotated(issue) => Ok(*issue),
        Outcome::Refused => Err(Refusal::RefreshToken),
        Outcome::RefusedScope => Err(Refusal::Scope),
    }
}

/// The scope of the new access token. Unknown scope tokens are dropped as everywhere; ones that were
/// not granted are refused, since the machine says so (RFC 6749 §6).
fn judge(client: &Client, parameters: &Parameters, token: &RefreshToken) -> Result<Scope, Verdict> {
    let scope = engine::refresh(client, parameters, token)?;
    if scope.is_empty() && !token.scope.is_empty() { Err(Verdict::InvalidScope) } else { Ok(scope) }
}

/// Whether a used token may be used once more: only where a grace is configured, and only within it.
async fn passes_again(tx: &mut Tx<'_>, hash: &SecretHash, grace: Duration, now: Timestamp) -> store::Result<bool> {
    if grace.is_zero() || !tokens::find_refresh_token(tx, hash).await?.is_some_and(|token| token.is_live(now)) {
        return Ok(false);
    }
    tokens::reuse_within_grace(tx, hash, now - grace).await
}

/// What a token that buys nothing is told; one that was used before ends its family: one of the two who
/// had it is a thief, and nobody knows which.
async fn refuse(
    tx: &mut Tx<'_>,
    (master, client): (&MasterKeys, &Client),
    hash: &SecretHash,
    verdict: Option<&Verdict>,
    now: Timestamp,
) -> store::Result<Outcome> {
    let Some(token) = tokens::find_refresh_token(tx, hash).await? else { return Ok(Outcome::Refused) };
    if token.consumed_at.is_some() {
        end_family(tx, master, client, &token, now).await?;
        return Ok(Outcome::Refused);
    }
    Ok(match verdict {
        Some(Verdict::InvalidScope) if token.is_live(now) => Outcome::RefusedScope,
        _ => Outcome::Refused,
    })
}

async fn end_family(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    client: &Client,
    token: &RefreshToken,
    now: Timestamp,
) -> store::Result<()> {
    if token.grant.revoked_at.is_some() {
        return Ok(());
    }
    tokens::revoke_grant(tx, token.grant.id, now).await?;
    let event = Event::new(token.organization_id, "refresh_token.reused", By::client(client.id));
    audit::record(tx, master, event.on(SubjectKind::Grant, token.grant.id.0).refused(), now).await
}
