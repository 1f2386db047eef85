//! Our requests and errors in oxide-auth's terms.

use std::borrow::Cow;

use oxide_auth::code_grant::{accesstoken, authorization, client_credentials, refresh, resource};

use super::{AccessTokenErrorType, Verdict};
use crate::oauth::parameters::Parameters;

/// A token request whose client is authenticated.
pub(super) struct TokenRequest<'a> {
    pub client_id: &'a str,
    pub parameters: &'a Parameters,
    /// The one of the code's row, where the request leaves it out (OAuth 2.1 §10.2).
    pub redirect_uri: Option<&'a str>,
}

/// The Authorization header of a request for a resource.
pub(super) struct BearerRequest<'a>(pub &'a str);

impl authorization::Request for Parameters {
    fn valid(&self) -> bool {
        self.check().is_ok()
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        self.cow("client_id")
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.cow("scope")
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.cow("redirect_uri")
    }
    fn state(&self) -> Option<Cow<'_, str>> {
        self.cow("state")
    }
    fn response_type(&self) -> Option<Cow<'_, str>> {
        self.cow("response_type")
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.cow(key)
    }
}

impl accesstoken::Request for TokenRequest<'_> {
    fn valid(&self) -> bool {
        self.parameters.check().is_ok()
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        self.parameters.cow("code")
    }
    fn authorization(&self) -> accesstoken::Authorization<'_> {
        accesstoken::Authorization::Username(Cow::Borrowed(self.client_id))
    }
    /// None: the client is named by `authorization`, and one named twice is a duplicate to the machine.
    fn client_id(&self) -> Option<Cow<'_, str>> {
        None
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.parameters.cow("redirect_uri").or(self.redirect_uri.map(Cow::Borrowed))
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.parameters.cow("grant_type")
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        // Credentials in the body were judged before.
        (key != "client_secret").then(|| self.parameters.cow(key)).flatten()
    }
}

impl refresh::Request for TokenRequest<'_> {
    fn valid(&self) -> bool {
        self.parameters.check().is_ok()
    }
    fn refresh_token(&self) -> Option<Cow<'_, str>> {
        self.parameters.cow("refresh_token")
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.parameters.cow("scope")
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.parameters.cow("grant_type")
    }
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&[])))
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.parameters.cow(key)
    }
}

impl client_credentials::Request for TokenRequest<'_> {
    fn valid(&self) -> bool {
        self.parameters.check().is_ok()
    }
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&[])))
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.parameters.cow("scope")
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.parameters.cow("grant_type")
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        // A client id or secret beside the header would be a second client to the machine.
        (!matches!(key, "client_id" | "client_secret")).then(|| self.parameters.cow(key)).flatten()
    }
}

impl resource::Request for BearerRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn token(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.0))
    }
}

/// The `error` of a token machine.
pub(super) fn verdict(kind: AccessTokenErrorType) -> Verdict {
    match kind {
        AccessTokenErrorType::InvalidGrant => Verdict::InvalidGrant,
        AccessTokenErrorType::InvalidScope => Verdict::InvalidScope,
        AccessTokenErrorType::UnsupportedGrantType => Verdict::Unsupported,
        AccessTokenErrorType::InvalidRequest
        | AccessTokenErrorType::InvalidClient
        | AccessTokenErrorType::UnauthorizedClient => Verdict::InvalidRequest,
    }
}

pub(super) fn client_credentials_error(error: client_credentials::Error) -> Verdict {
    let mut error = error;
    error.description().map_or(Verdict::Broken, |error| verdict(error.kind()))
}

pub(super) fn authorization_error(error: authorization::Error) -> Verdict {
    use oxide_auth::code_grant::error::AuthorizationErrorType as Kind;
    match error {
        authorization::Error::Ignore => Verdict::NoRedirect,
        authorization::Error::PrimitiveError => Verdict::Broken,
        authorization::Error::Redirect(mut url) => match url.description().kind() {
            Kind::UnsupportedResponseType => Verdict::Unsupported,
            Kind::InvalidScope => Verdict::InvalidScope,
            _ => Verdict::InvalidRequest,
        },
    }
}

pub(super) fn resource_error(error: &resource::Error) -> Verdict {
    match error {
        resource::Error::NoAuthentication { .. } | resource::Error::InvalidRequest { .. } => Verdict::InvalidRequest,
        resource::Error::AccessDenied { failure, .. } => match failure.code {
            Some(resource::ErrorCode::InsufficientScope) => Verdict::InvalidScope,
            _ => Verdict::InvalidGrant,
        },
        resource::Error::PrimitiveError => Verdict::Broken,
    }
}
