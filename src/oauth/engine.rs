//! The OAuth core: oxide-auth's pure state machines under a driver of our own.
//!
//! A machine judges a request in steps and asks for what it needs: the client, the row behind a code,
//! the verdict on an extension. Here each machine is run over rows that the caller has read (on the
//! token path inside the one write), up to the step where it would issue; then the caller spends the
//! code or token by a conditional statement and mints. So no machine waits, and none is kept.
//!
//! What stays ours, because the machines see it otherwise (architecture.md):
//! - client authentication is done before, and the machines are told so;
//! - time: they read the wall clock, so they get an end that never comes and our callers judge expiry;
//! - redirect URIs: they compare parsed URLs, so our callers compare strings too;
//! - unknown codes and tokens: a machine says `invalid_request`, the answer is `invalid_grant`.

mod adaptor;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use oxide_auth::{
    code_grant::{
        accesstoken, authorization, client_credentials, error::AccessTokenErrorType, extensions::Pkce, refresh,
        resource,
    },
    primitives::{
        grant::{Extensions, Grant, Value},
        registrar::{BoundClient, ExactUrl, PreGrant, RegisteredUrl},
        scope,
    },
};
use url::Url;

use self::adaptor::{BearerRequest, TokenRequest};
use super::parameters::Parameters;
use crate::{
    clients::Client,
    tokens::{AccessToken, Code, RefreshToken, Scope},
};

/// Why a machine did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The request itself is wrong.
    InvalidRequest,
    /// The code or refresh token is not for this request.
    InvalidGrant,
    /// The scope is malformed or too wide.
    InvalidScope,
    /// The response type or grant type is another.
    Unsupported,
    /// A redirect would lead where nobody knows.
    NoRedirect,
    /// A machine was driven wrongly: a defect of this file.
    Broken,
}

/// Runs the authorization machine (RFC 6749 §4.1.1, RFC 7636 §4.3): the scope that is granted, and the
/// challenge that redemption must meet.
///
/// # Errors
/// What is wrong with the request.
pub fn authorize(
    client: &Client,
    parameters: &Parameters,
    granted: &Scope,
) -> Result<(Scope, Option<String>), Verdict> {
    let mut machine = authorization::Authorization::new(parameters);
    let mut input = authorization::Input::None;
    loop {
        // An owned copy of what is asked, since an answer cannot be made while the question borrows the machine.
        let next = match machine.advance(input) {
            authorization::Output::Bind { redirect_uri, .. } => {
                let given = redirect_uri.ok_or(Verdict::NoRedirect)?;
                if !client.has_redirect_uri(given.as_str()) {
                    return Err(Verdict::NoRedirect);
                }
                authorization::Input::Bound { request: parameters, bound_client: bound(client, given) }
            }
            authorization::Output::Extend => {
                authorization::Input::Extended(challenge(client, parameters).ok_or(Verdict::InvalidRequest)?)
            }
            authorization::Output::Negotiate { bound_client, .. } => authorization::Input::Negotiated {
                pre_grant: PreGrant {
                    client_id: client.client_id.clone(),
                    redirect_uri: bound_client.redirect_uri.clone().into_owned(),
                    scope: to_machine(granted)?,
                },
                state: parameters.get("state").map(str::to_owned),
            },
            authorization::Output::Ok { pre_grant, extensions, .. } => {
                return Ok((
                    granted.filtered(|token| pre_grant.scope.iter().any(|own| own == token)),
                    stored(extensions),
                ));
            }
            authorization::Output::Err(error) => return Err(adaptor::authorization_error(error)),
        };
        input = next;
    }
}

/// Runs the code machine (RFC 6749 §4.1.3, RFC 7636 §4.6) up to `Issue`: what it then says is that
/// client, redirect URI and verifier fit the row.
///
/// # Errors
/// What does not fit.
pub fn redeem(client: &Client, parameters: &Parameters, code: &Code) -> Result<(), Verdict> {
    let request = TokenRequest { client_id: &client.client_id, parameters, redirect_uri: Some(&code.redirect_uri) };
    let mut machine = accesstoken::AccessToken::new(&request);
    let mut input = accesstoken::Input::None;
    loop {
        let next = match machine.advance(input) {
            // Ours, and done: this code runs for an authenticated client only.
            accesstoken::Output::Authenticate { .. } => accesstoken::Input::Authenticated,
            accesstoken::Output::Recover { .. } => {
                accesstoken::Input::Recovered(Some(Box::new(grant_of_code(client, code)?)))
            }
            accesstoken::Output::Extend { extensions } => {
                let kept = extensions.remove(&Pkce::required());
                let verifier = parameters.cow("code_verifier");
                verify(kept, verifier)?;
                accesstoken::Input::Extended { access_extensions: Extensions::new() }
            }
            accesstoken::Output::Issue { .. } => return Ok(()),
            // Only an `Issued` input leads here, and none is given.
            accesstoken::Output::Ok(_) => return Err(Verdict::Broken),
            accesstoken::Output::Err(mut error) => {
                return Err(error.description().map_or(Verdict::Broken, |error| adaptor::verdict(error.kind())));
            }
        };
        input = next;
    }
}

/// Runs the refresh machine (RFC 6749 §6): the scope of the next access token, never wider than before.
///
/// # Errors
/// What does not fit.
pub fn refresh(client: &Client, parameters: &Parameters, token: &RefreshToken) -> Result<Scope, Verdict> {
    let request = TokenRequest { client_id: &client.client_id, parameters, redirect_uri: None };
    let mut machine = refresh::Refresh::new(&request);
    let mut input = refresh::Input::None;
    let scope = || parameters.cow("scope");
    loop {
        let next = match machine.advance(input) {
            refresh::Output::Unauthenticated { .. } => refresh::Input::Authenticated { scope: scope() },
            refresh::Output::RecoverRefresh { .. } => {
                let grant = grant_of_refresh_token(client, token)?;
                refresh::Input::Recovered { scope: scope(), grant: Some(Box::new(grant)) }
            }
            refresh::Output::Refresh { grant, .. } => {
                return Ok(token.scope.filtered(|name| grant.scope.iter().any(|own| own == name)));
            }
            refresh::Output::Ok(_) => return Err(Verdict::Broken),
            refresh::Output::Err(mut error) => {
                return Err(error.description().map_or(Verdict::Broken, |error| adaptor::verdict(error.kind())));
            }
        };
        input = next;
    }
}

/// Runs the client credentials machine (RFC 6749 §4.4): the scope that is granted.
///
/// # Errors
/// What is wrong with the request.
pub fn act_for_itself(client: &Client, parameters: &Parameters, granted: &Scope) -> Result<Scope, Verdict> {
    let request = TokenRequest { client_id: &client.client_id, parameters, redirect_uri: None };
    let mut machine = client_credentials::ClientCredentials::new(&request);
    let mut input = client_credentials::Input::None;
    loop {
        let next = match machine.advance(input) {
            client_credentials::Output::Authenticate { .. } => client_credentials::Input::Authenticated,
            client_credentials::Output::Binding { .. } => {
                client_credentials::Input::Bound { bound_client: bound_nowhere(client)? }
            }
            client_credentials::Output::Extend => client_credentials::Input::Extended { extensions: Extensions::new() },
            client_credentials::Output::Negotiate { bound_client, .. } => client_credentials::Input::Negotiated {
                pre_grant: PreGrant {
                    client_id: client.client_id.clone(),
                    redirect_uri: bound_client.redirect_uri.clone().into_owned(),
                    scope: to_machine(granted)?,
                },
            },
            client_credentials::Output::Ok { pre_grant, .. } => {
                return Ok(granted.filtered(|token| pre_grant.scope.iter().any(|own| own == token)));
            }
            client_credentials::Output::Err(error) => return Err(adaptor::client_credentials_error(*error)),
        };
        input = next;
    }
}

/// Runs the resource machine (RFC 6750 §3): whether the token that a request brought opens what needs `scope`.
///
/// # Errors
/// [`Verdict::InvalidRequest`] without a bearer token, [`Verdict::InvalidGrant`] for one that does not
/// count, [`Verdict::InvalidScope`] for one of another scope.
pub fn open(authorization: &str, found: Option<&AccessToken>, scope: &Scope) -> Result<(), Verdict> {
    let request = BearerRequest(authorization);
    let scopes = [to_machine(scope)?];
    let mut machine = resource::Resource::new();
    let mut input = resource::Input::None;
    loop {
        let next = match machine.advance(input) {
            resource::Output::GetRequest => resource::Input::Request { request: &request },
            resource::Output::DetermineScopes => resource::Input::Scopes(&scopes),
            resource::Output::Recover { .. } => {
                resource::Input::Recovered(found.map(grant_of_access_token).transpose()?)
            }
            resource::Output::Ok(_) => return Ok(()),
            resource::Output::Err(error) => return Err(adaptor::resource_error(&error)),
        };
        input = next;
    }
}

/// The challenge as an extension: `None` if it is missing where it must not, is empty, is not a SHA-256,
/// or has another method (RFC 7636 §4.4.1; `plain` is not offered).
fn challenge(client: &Client, parameters: &Parameters) -> Option<Extensions> {
    let pkce = if client.settings.require_pkce { Pkce::required() } else { Pkce::optional() };
    // An empty challenge is no missing one: dropping it would drop PKCE (security.md row 21).
    let given = parameters.given("code_challenge");
    let is_sha256 = |text: &str| text.len() == 43 && text.bytes().all(is_base64url);
    if given.is_some_and(|text| !is_sha256(text))
        || (given.is_none() && parameters.given("code_challenge_method").is_some())
    {
        return None;
    }
    let value = pkce.challenge(parameters.cow("code_challenge_method"), given.map(Cow::Borrowed)).ok()?;
    let mut extensions = Extensions::new();
    if let Some(value) = value {
        extensions.set(&pkce, value);
    }
    Some(extensions)
}

/// The verdict on a verifier: one without a challenge is refused as well as a challenge without one
/// (security.md rows 19 and 20).
fn verify(kept: Option<Value>, verifier: Option<Cow<'_, str>>) -> Result<(), Verdict> {
    let well_formed = |text: &str| (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved);
    match (&kept, &verifier) {
        (None, Some(_)) => return Err(Verdict::InvalidGrant),
        (_, Some(text)) if !well_formed(text) => return Err(Verdict::InvalidGrant),
        _ => {}
    }
    let pkce = if kept.is_some() { Pkce::required() } else { Pkce::optional() };
    pkce.verify(kept, verifier).map_err(|()| Verdict::InvalidGrant)
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// RFC 7636 §4.1.
const fn is_unreserved(byte: u8) -> bool {
    is_base64url(byte) || matches!(byte, b'.' | b'~')
}

/// The challenge out of the machine's form, which ends in a letter for the method.
fn stored(mut extensions: Extensions) -> Option<String> {
    let value = extensions.remove(&Pkce::required())?.into_private_value().ok()??;
    value.strip_suffix('S').map(str::to_owned)
}

fn grant_of_code(client: &Client, code: &Code) -> Result<Grant, Verdict> {
    let mut extensions = Extensions::new();
    if let Some(challenge) = &code.code_challenge {
        extensions.set(&Pkce::required(), Value::private(Some(format!("{challenge}S"))));
    }
    let redirect_uri = Url::parse(&code.redirect_uri).map_err(|_| Verdict::Broken)?;
    let holder = if code.client_id == client.id { client.client_id.clone() } else { String::new() };
    machine_grant(holder, &code.grant.scope, redirect_uri, extensions)
}

fn grant_of_refresh_token(client: &Client, token: &RefreshToken) -> Result<Grant, Verdict> {
    let holder = if token.client_id == client.id { client.client_id.clone() } else { String::new() };
    machine_grant(holder, &token.scope, nowhere()?, Extensions::new())
}

fn grant_of_access_token(token: &AccessToken) -> Result<Grant, Verdict> {
    machine_grant(token.client_id.to_string(), &token.scope, nowhere()?, Extensions::new())
}

fn machine_grant(
    client_id: String,
    granted: &Scope,
    redirect_uri: Url,
    extensions: Extensions,
) -> Result<Grant, Verdict> {
    let scope = to_machine(granted)?;
    Ok(Grant { owner_id: String::new(), client_id, scope, redirect_uri, until: never(), extensions })
}

fn bound(client: &Client, redirect_uri: ExactUrl) -> BoundClient<'static> {
    BoundClient {
        client_id: Cow::Owned(client.client_id.clone()),
        redirect_uri: Cow::Owned(RegisteredUrl::Exact(redirect_uri)),
    }
}

fn bound_nowhere(client: &Client) -> Result<BoundClient<'static>, Verdict> {
    Ok(BoundClient {
        client_id: Cow::Owned(client.client_id.clone()),
        redirect_uri: Cow::Owned(RegisteredUrl::Semantic(nowhere()?)),
    })
}

/// The machines want a redirect URI even where none is in play.
fn nowhere() -> Result<Url, Verdict> {
    Url::parse("about:blank").map_err(|_| Verdict::Broken)
}

/// Expiry is judged by our clock, before.
fn never() -> DateTime<Utc> {
    DateTime::<Utc>::MAX_UTC
}

fn to_machine(granted: &Scope) -> Result<scope::Scope, Verdict> {
    granted.to_string().parse().map_err(|_| Verdict::InvalidScope)
}
