//! A code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).

use std::sync::Arc;

use super::{
    Issue, Parameters, Refusal,
    mint::{Holder, NewRefreshToken},
};
use crate::{
    access::{self, Subject},
    app::App,
    audit::{self, By, Event, SubjectKind},
    clients::{Client, GrantType},
    clock::Timestamp,
    oauth::engine,
    products::Product,
    secret::{MasterKeys, SecretHash},
    store::{self, Tx},
    tokens::{self, Code, TokenId},
};

/// What the write found.
enum Outcome {
    /// The code is spent, for these tokens.
    Redeemed(Box<Issue>),
    /// It bought nothing, and what that means for its family is committed.
    Refused,
}

pub(super) async fn exchange(
    app: &App,
    client: &Arc<Client>,
    product: Arc<Product>,
    parameters: Parameters,
    now: Timestamp,
) -> Result<Issue, Refusal> {
    let code = parameters.get("code").ok_or(Refusal::Missing("code"))?;
    let hash = SecretHash::of(code.as_bytes());
    // Read first without a transaction: made-up codes cost a look-up and nothing else (security.md row
    // 18), and what the user holds is computed outside of the write.
    let mut db = app.store.reader().await?;
    let found = tokens::find_code(&mut db, &hash).await?.ok_or(Refusal::Code)?;
    let subject = Subject::User(found.grant.user_id);
    let entitlement = access::entitlement(&mut db, subject, product.id, now).await?.map(Arc::new);
    drop(db);
    let (client, master, issuer) = (Arc::clone(client), Arc::clone(&app.master), app.config.issuer().to_owned());
    let lifetimes = super::mint::Lifetimes::of(&client, &app.config.tokens);
    let unit = async move |tx: &mut Tx<'_>| {
        let Some(code) = tokens::find_code(tx, &hash).await? else { return Ok(Outcome::Refused) };
        if !spend(tx, &master, &client, &parameters, (&code, &hash), now).await? {
            return Ok(Outcome::Refused);
        }
        let Some(entitlement) = entitlement.clone() else { return Ok(Outcome::Refused) };
        let refresh_token = NewRefreshToken::of(&client, &code.grant);
        if let Some(token) = &refresh_token {
            let ends_at = lifetimes.idle_end(&code.grant, now);
            tokens::insert_refresh_token(tx, &token.hash(), &code.grant, ends_at, now).await?;
        }
        let issue = Issue {
            client: Arc::clone(&client),
            product: Arc::clone(&product),
            entitlement,
            scope: code.grant.scope.clone(),
            id: TokenId::new(Some(code.grant.id)),
            opaque: None,
            refresh_token,
            holder: Holder::user(code.grant, code.nonce, code.organization_id),
        };
        Ok::<_, store::Error>(Outcome::Redeemed(Box::new(issue.insert_opaque(tx, &issuer, lifetimes, now).await?)))
    };
    match app.store.write(unit).await? {
        Outcome::Redeemed(issue) => Ok(*issue),
        Outcome::Refused => Err(Refusal::Code),
    }
}

/// Judges the code and spends it. What a refusal means for the code and its family is written here.
async fn spend(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    client: &Client,
    parameters: &Parameters,
    (code, hash): (&Code, &SecretHash),
    now: Timestamp,
) -> store::Result<bool> {
    if !is_proven(client, parameters, code) {
        // Never the family's end: whoever stole a used code could end a sign-in at will (row 11). Too
        // many tries end the code (row 12).
        tokens::count_code_failure(tx, hash).await?;
        return Ok(false);
    }
    let used = code.consumed_at.is_some();
    if !used && !code.is_live(now) {
        return Ok(false);
    }
    if !used && tokens::consume_code(tx, hash, now).await? {
        return Ok(true);
    }
    // RFC 6749 §4.1.2: used twice, and one of the two is a thief.
    tokens::revoke_grant(tx, code.grant.id, now).await?;
    let event = Event::new(code.organization_id, "code.replayed", By::client(client.id));
    let event = event.on(SubjectKind::Grant, code.grant.id.0).refused();
    audit::record(tx, master, event, now).await?;
    Ok(false)
}

/// Whether client, redirect URI (as a string, beside the machine's parsed comparison) and verifier fit.
fn is_proven(client: &Client, parameters: &Parameters, code: &Code) -> bool {
    let redirect_uri = parameters.get("redirect_uri");
    redirect_uri.is_none_or(|given| given == code.redirect_uri)
        && client.may_use(GrantType::AuthorizationCode)
        && engine::redeem(client, parameters, code).is_ok()
}
