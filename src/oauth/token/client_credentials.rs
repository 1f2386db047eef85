//! A client acting for itself (RFC 6749 §4.4). Nothing is written: what it holds is remembered for a
//! second, and its token is one signature.

use std::sync::Arc;

use super::{Issue, Parameters, Refusal, mint::Holder};
use crate::{
    app::App,
    clients::Client,
    clock::Timestamp,
    oauth::engine::{self, Verdict},
    products::Product,
    tokens::{Scope, TokenId},
};

/// Scopes that speak of a user.
const OF_USERS: &[&str] = &["openid", "offline_access", "profile", "email", "address", "phone"];

pub(super) async fn exchange(
    app: &App,
    client: &Arc<Client>,
    product: Arc<Product>,
    parameters: &Parameters,
    now: Timestamp,
) -> Result<Issue, Refusal> {
    let scope = judged(client, parameters)?;
    let entitlement = app.client_entitlements.entitlement(&app.store, client.id, product.id, now).await?;
    let entitlement = entitlement.ok_or(Refusal::NoRoles)?;
    let holder = Holder::Client;
    let (client, id) = (Arc::clone(client), TokenId::new(None));
    let issue = Issue { client, product, entitlement, holder, scope, id, opaque: None, refresh_token: None };
    issue.keep_opaque(app, now).await
}

/// The scope that a client without a user gets, as the OAuth core judges its request.
pub(super) fn judged(client: &Client, parameters: &Parameters) -> Result<Scope, Refusal> {
    // RFC 6749 §4.4: confidential clients only. Registration sees to it; so does this.
    if client.is_public() {
        return Err(Refusal::GrantNotAllowed);
    }
    let scope = granted(client, parameters.get("scope"))?;
    engine::act_for_itself(client, parameters, &scope).map_err(|verdict| match verdict {
        Verdict::InvalidScope => Refusal::Scope,
        Verdict::Unsupported => Refusal::UnsupportedGrant,
        _ => Refusal::Missing("grant_type"),
    })
}

/// What of the scope that is asked for a client without a user may have: unknown and unregistered
/// tokens are dropped, and nothing left is an error. Without a scope it gets what it is registered for.
fn granted(client: &Client, asked: Option<&str>) -> Result<Scope, Refusal> {
    let registered = |token: &str| client.scopes.iter().any(|own| own == token) && !OF_USERS.contains(&token);
    let Some(asked) = asked else {
        return Ok(client.scopes.iter().map(String::as_str).filter(|token| registered(token)).collect());
    };
    let asked: Scope = asked.parse().map_err(|_| Refusal::Scope)?;
    let granted = asked.filtered(registered);
    if granted.is_empty() { Err(Refusal::Scope) } else { Ok(granted) }
}
