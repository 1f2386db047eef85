//! What an authorization request asks for, and every way in which it can be wrong, without I/O.

use serde_json::{Map, Value};

use crate::{
    app::App,
    clients::{Client, GrantType},
    clock::Timestamp,
    id::UserId,
    oauth::{
        engine::{self, Verdict},
        parameters::{Malformed, Parameters},
    },
    products::Product,
    tokens::{ClaimsRequest, Scope},
};

/// Why a request is answered by an error (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("{0} has no value that is known here")]
    Invalid(&'static str),
    #[error("response_type is missing")]
    NoResponseType,
    #[error("only response_type=code is offered")]
    ResponseType,
    #[error("the client may not use the authorization code grant")]
    GrantNotAllowed,
    #[error("a code_challenge with code_challenge_method=S256 is needed")]
    Challenge,
    #[error("the scope is malformed, or nothing of it is registered for the client")]
    Scope,
    #[error("request objects are not offered")]
    RequestObject,
    #[error("request_uri is not offered")]
    RequestUri,
    #[error("registration in a request is not offered")]
    Registration,
    #[error("the resource is not the one of the client's product")]
    Target,
    #[error("the user must sign in")]
    LoginRequired,
    #[error("the user must consent")]
    ConsentRequired,
    #[error("access was not granted")]
    AccessDenied,
}

impl RequestError {
    /// The `error` that the client sees.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Invalid(_) | Self::NoResponseType | Self::Challenge => "invalid_request",
            Self::ResponseType => "unsupported_response_type",
            Self::GrantNotAllowed => "unauthorized_client",
            Self::Scope => "invalid_scope",
            Self::RequestObject => "request_not_supported",
            Self::RequestUri => "request_uri_not_supported",
            Self::Registration => "registration_not_supported",
            Self::Target => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccessDenied => "access_denied",
        }
    }
}

/// What a good request asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub scope: Scope,
    pub code_challenge: Option<String>,
    pub nonce: Option<String>,
    pub prompt: Prompt,
    /// Seconds since the user really signed in.
    pub max_age: Option<u64>,
    /// By preference, of the parameter and of `claims`.
    pub acr_values: Vec<String>,
    pub login_hint: Option<String>,
    /// Whom the ID token hint, or a `sub` in `claims`, names: nobody else will do.
    pub user: Option<UserId>,
    pub claims: ClaimsRequest,
}

/// The `prompt` parameter, a set (OIDC Core §3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
}

/// Judges all but client and redirect URI.
pub(super) fn judge(
    app: &App,
    (client, product): (&Client, &Product),
    parameters: &Parameters,
    now: Timestamp,
) -> Result<Asked, RequestError> {
    parameters.check()?;
    // Ignoring one of these would lose what it says (state, nonce, PKCE): each has its own code.
    for (name, error) in [
        ("request", RequestError::RequestObject),
        ("request_uri", RequestError::RequestUri),
        ("registration", RequestError::Registration),
    ] {
        if parameters.get(name).is_some() {
            return Err(error);
        }
    }
    if parameters.get("response_mode").is_some_and(|mode| !matches!(mode, "query" | "form_post")) {
        return Err(RequestError::Invalid("response_mode"));
    }
    if parameters.get("response_type").is_none() {
        return Err(RequestError::NoResponseType);
    }
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(RequestError::GrantNotAllowed);
    }
    if parameters.all("resource").any(|resource| resource != product.audience) {
        return Err(RequestError::Target);
    }
    let scope = scope(client, parameters.get("scope"))?;
    let (scope, code_challenge) = engine::authorize(client, parameters, &scope).map_err(error_of)?;
    let claims = claims(parameters.get("claims"))?;
    let mut acr_values: Vec<String> =
        parameters.get("acr_values").into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect();
    acr_values.extend(claims.id_token_values("acr").into_iter().map(str::to_owned));
    Ok(Asked {
        scope,
        code_challenge,
        nonce: parameters.get("nonce").map(str::to_owned),
        prompt: Prompt::read(parameters.get("prompt"))?,
        max_age: max_age(parameters.get("max_age"))?,
        acr_values,
        login_hint: parameters.get("login_hint").map(str::to_owned),
        user: user(app, parameters.get("id_token_hint"), &claims, now)?,
        claims,
    })
}

fn error_of(verdict: Verdict) -> RequestError {
    match verdict {
        Verdict::Unsupported => RequestError::ResponseType,
        Verdict::InvalidScope => RequestError::Scope,
        Verdict::InvalidRequest => RequestError::Challenge,
        Verdict::NoRedirect | Verdict::InvalidGrant | Verdict::Broken => RequestError::Invalid("the request"),
    }
}

/// The scope that the client may have: what is not registered is dropped. Without a scope it gets what
/// it registered, save what turns OAuth into OpenID Connect or outlives the user's presence.
fn scope(client: &Client, asked: Option<&str>) -> Result<Scope, RequestError> {
    let registered = |token: &str| client.scopes.iter().any(|own| own == token);
    // OIDC Core §11: only for who may refresh at all; consent is asked or, for the vendor's own, given.
    let useful = |token: &str| token != "offline_access" || client.may_use(GrantType::RefreshToken);
    let Some(asked) = asked else {
        let own = client.scopes.iter().map(String::as_str);
        return Ok(own.filter(|token| !matches!(*token, "openid" | "offline_access")).collect());
    };
    let asked: Scope = asked.parse().map_err(|_| RequestError::Scope)?;
    let granted = asked.filtered(|token| registered(token) && useful(token));
    if granted.is_empty() { Err(RequestError::Scope) } else { Ok(granted) }
}

impl Prompt {
    fn read(text: Option<&str>) -> Result<Self, RequestError> {
        let mut prompt = Self::default();
        for value in text.into_iter().flat_map(|text| text.split(' ')).filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => return Err(RequestError::Invalid("prompt")),
            }
        }
        let others = prompt.login || prompt.consent || prompt.select_account;
        if prompt.none && others { Err(RequestError::Invalid("prompt")) } else { Ok(prompt) }
    }
}

fn max_age(text: Option<&str>) -> Result<Option<u64>, RequestError> {
    text.map(|text| text.parse().map_err(|_| RequestError::Invalid("max_age"))).transpose()
}

/// The `claims` parameter (OIDC Core §5.5): an object of two objects of null or objects.
fn claims(text: Option<&str>) -> Result<ClaimsRequest, RequestError> {
    let Some(text) = text else { return Ok(ClaimsRequest::default()) };
    let malformed = RequestError::Invalid("claims");
    let mut parsed: Map<String, Value> = serde_json::from_str(text).map_err(|_| malformed)?;
    let mut member = |name: &str| match parsed.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(claims)) if claims.values().all(|asked| asked.is_null() || asked.is_object()) => Ok(claims),
        Some(_) => Err(malformed),
    };
    Ok(ClaimsRequest { userinfo: member("userinfo")?, id_token: member("id_token")? })
}

/// Whom the request is about: the hint must be an ID token of ours, which may have expired.
fn user(app: &App, hint: Option<&str>, claims: &ClaimsRequest, now: Timestamp) -> Result<Option<UserId>, RequestError> {
    let asked = claims.id_token_values("sub");
    let asked = asked.first().map(|sub| sub.parse().map_err(|_| RequestError::Invalid("claims"))).transpose()?;
    let Some(hint) = hint else { return Ok(asked) };
    let invalid = RequestError::Invalid("id_token_hint");
    let hinted = app.keys.verify_hint(hint, now).map_err(|_| invalid)?;
    if hinted.get("iss").and_then(Value::as_str) != Some(app.config.issuer()) {
        return Err(invalid);
    }
    let hinted: UserId = hinted.get("sub").and_then(Value::as_str).and_then(|sub| sub.parse().ok()).ok_or(invalid)?;
    match asked {
        Some(asked) if asked != hinted => Err(RequestError::Invalid("claims")),
        _ => Ok(Some(hinted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_stands_alone_among_prompts() {
        assert_eq!(Prompt::read(None), Ok(Prompt::default()));
        assert_eq!(Prompt::read(Some("none")), Ok(Prompt { none: true, ..Prompt::default() }));
        let both = Prompt { login: true, consent: true, ..Prompt::default() };
        assert_eq!(Prompt::read(Some("login  consent")), Ok(both));
        for bad in ["none login", "create", "None"] {
            assert_eq!(Prompt::read(Some(bad)), Err(RequestError::Invalid("prompt")), "{bad}");
        }
    }

    #[test]
    fn the_claims_parameter_is_an_object_of_objects() {
        let good = r#"{"userinfo":{"name":{"essential":true}},"id_token":{"acr":{"values":["phr"]},"auth_time":null}}"#;
        let parsed = claims(Some(good)).expect("good");
        assert_eq!(parsed.id_token_values("acr"), ["phr"]);
        assert!(parsed.userinfo.contains_key("name"));
        for bad in ["[]", "{", "1", r#"{"userinfo":[]}"#, r#"{"id_token":{"acr":"phr"}}"#] {
            assert_eq!(claims(Some(bad)), Err(RequestError::Invalid("claims")), "{bad}");
        }
    }

    #[test]
    fn max_age_is_a_whole_number_of_seconds() {
        assert_eq!(max_age(Some("0")), Ok(Some(0)));
        for bad in ["-1", "1.5", "x", "1e3"] {
            assert!(max_age(Some(bad)).is_err(), "{bad}");
        }
    }
}
