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
    // Read without a transaction: made-up codes cost a look-up and nothing else (security.md row 18). What can
    // change until the write is judged again there, by the statement that spends the code.
    let mut db = app.store.reader().await?;
    let code = tokens::find_code(&mut db, &hash).await?.ok_or(Refusal::Code)?;
    let subject = Subject::User(code.grant.user_id);
    let entitlement = access::entitlement(&mut db, subject, product.id, now).await?.map(Arc::new);
    drop(db);
    let is_proven = is_proven(client, &parameters, &code);
    let (client, master, issuer) = (Arc::clone(client), Arc::clone(&app.master), app.config.issuer().to_owned());
    let lifetimes = super::mint::Lifetimes::of(&client, &app.config.tokens);
    let unit = async move |tx: &mut Tx<'_>| {
        if !is_proven {
            // Never the family's end: whoever stole a used code could end a sign-in at will (row 11). Too
            // many tries end the code (row 12).
            tokens::count_code_failure(tx, &hash).await?;
            return Ok(Outcome::Refused);
        }
        if !tokens::consume_code(tx, &hash, now).await? {
            end_family_if_used(tx, &master, &client, &hash, now).await?;
            return Ok(Outcome::Refused);
        }
        let (Some(entitlement), grant) = (entitlement.clone(), code.grant.clone()) else { return Ok(Outcome::Refused) };
        let refresh_token = NewRefreshToken::of(&client, &grant);
        if let Some(token) = &refresh_token {
            let ends_at = lifetimes.idle_end(&grant, now);
            tokens::insert_refresh_token(tx, &token.hash(), &grant, ends_at, now).await?;
        }
        let issue = Issue {
            client: Arc::clone(&client),
            product: Arc::clone(&product),
            entitlement,
            scope: grant.scope.clone(),
            id: TokenId::new(Some(grant.id)),
            opaque: None,
            refresh_token,
            holder: Holder::user(grant, code.nonce.clone(), code.organization_id),
        };
        Ok::<_, store::Error>(Outcome::Redeemed(Box::new(issue.insert_opaque(tx, &issuer, lifetimes, now).await?)))
    };
    match app.store.write(unit).await? {
        Outcome::Redeemed(issue) => Ok(*issue),
        Outcome::Refused => Err(Refusal::Code),
    }
}

/// A code with good proof that could not be spent: if that is because it was spent before, one of the two
/// is a thief (RFC 6749 §4.1.2).
async fn end_family_if_used(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    client: &Client,
    hash: &SecretHash,
    now: Timestamp,
) -> store::Result<()> {
    let Some(code) = tokens::find_code(tx, hash).await?.filter(|code| code.consumed_at.is_some()) else {
        return Ok(());
    };
    tokens::revoke_grant(tx, code.grant.id, now).await?;
    let event = Event::new(code.organization_id, "code.replayed", By::client(client.id));
    let event = event.on(SubjectKind::Grant, code.grant.id.0).refused();
    audit::record(tx, master, event, now).await
}

/// Whether client, redirect URI (as a string, beside the machine's parsed comparison) and verifier fit.
fn is_proven(client: &Client, parameters: &Parameters, code: &Code) -> bool {
    let redirect_uri = parameters.get("redirect_uri");
    redirect_uri.is_none_or(|given| given == code.redirect_uri)
        && client.may_use(GrantType::AuthorizationCode)
        && engine::redeem(client, parameters, code).is_ok()
}
