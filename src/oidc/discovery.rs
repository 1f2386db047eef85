//! What this server is and can do (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).

use axum::{
    body::Bytes,
    http::HeaderMap,
    routing::{MethodRouter, get},
};
use openidconnect::{
    AdditionalProviderMetadata, AuthUrl, AuthenticationContextClass, IssuerUrl, JsonWebKeySetUrl, LanguageTag,
    ProviderMetadata, ResponseTypes, Scope, TokenUrl, UserInfoUrl,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode,
        CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};

use super::{claims, public_document};
use crate::{app::App, config::Config, mfa::policy, secret::SecretHash};

/// Members that other specifications registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct More {
    /// RFC 7009 §2, RFC 8414 §2.
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: Vec<CoreClientAuthMethod>,
    /// RFC 7662 §2. Not `none`: only a client that proves itself may ask.
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: Vec<CoreClientAuthMethod>,
    /// RFC 7636.
    code_challenge_methods_supported: Vec<String>,
    /// RFC 9207 §3.
    authorization_response_iss_parameter_supported: bool,
    /// RP-Initiated Logout §2.1.
    end_session_endpoint: String,
    /// Back-Channel Logout §2.1.
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    /// Initiating User Registration §3.1.
    prompt_values_supported: Vec<String>,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// `GET` of either well-known address. The document is made once, here.
pub fn route(app: &App) -> MethodRouter<App> {
    let (body, etag) = match metadata(&app.config).map(|metadata| serde_json::to_vec(&metadata)) {
        Ok(Ok(body)) => {
            let hash = SecretHash::of(&body);
            let etag = hash.as_bytes().iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>();
            (Bytes::from(body), format!("\"{etag}\""))
        }
        // The public URL was judged at the start, so none of the URLs can fail to parse.
        Ok(Err(_)) | Err(_) => (Bytes::from_static(b"{}"), "\"\"".to_owned()),
    };
    get(move |headers: HeaderMap| {
        let answer = public_document(&headers, body.clone(), &etag);
        async move { answer }
    })
}

fn metadata(config: &Config) -> Result<Metadata, url::ParseError> {
    let confidential = vec![
        CoreClientAuthMethod::ClientSecretBasic,
        CoreClientAuthMethod::ClientSecretPost,
        CoreClientAuthMethod::PrivateKeyJwt,
    ];
    let mut all_methods = confidential.clone();
    all_methods.push(CoreClientAuthMethod::None);
    let more = More {
        revocation_endpoint: config.url("/revoke"),
        revocation_endpoint_auth_methods_supported: all_methods.clone(),
        introspection_endpoint: config.url("/introspect"),
        introspection_endpoint_auth_methods_supported: confidential,
        code_challenge_methods_supported: vec!["S256".to_owned()],
        authorization_response_iss_parameter_supported: true,
        end_session_endpoint: config.url("/logout"),
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        prompt_values_supported: ["none", "login", "consent", "select_account"].map(str::to_owned).to_vec(),
    };
    let acr = [policy::ACR_PASSWORD, policy::ACR_MFA, policy::ACR_PHISHING_RESISTANT];
    Ok(Metadata::new(
        IssuerUrl::new(config.issuer().to_owned())?,
        AuthUrl::new(config.url("/authorize"))?,
        JsonWebKeySetUrl::new(config.url("/jwks"))?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public],
        vec![
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::EdDsa,
        ],
        more,
    )
    .set_token_endpoint(Some(TokenUrl::new(config.url("/token"))?))
    .set_userinfo_endpoint(Some(UserInfoUrl::new(config.url("/userinfo"))?))
    .set_scopes_supported(Some(claims::scopes().map(|scope| Scope::new(scope.to_owned())).collect()))
    .set_response_modes_supported(Some(vec![CoreResponseMode::Query, CoreResponseMode::FormPost]))
    .set_grant_types_supported(Some(vec![
        CoreGrantType::AuthorizationCode,
        CoreGrantType::RefreshToken,
        CoreGrantType::ClientCredentials,
    ]))
    .set_acr_values_supported(Some(acr.map(|acr| AuthenticationContextClass::new(acr.to_owned())).to_vec()))
    .set_token_endpoint_auth_methods_supported(Some(all_methods))
    .set_token_endpoint_auth_signing_alg_values_supported(Some(vec![
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
        CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    ]))
    .set_claim_types_supported(Some(vec![CoreClaimType::Normal]))
    .set_claims_supported(Some(claims::names().map(|name| CoreClaimName::new(name.to_owned())).collect()))
    .set_ui_locales_supported(Some(vec![LanguageTag::new("en".to_owned())]))
    .set_claims_parameter_supported(Some(true))
    // Said outright: a missing `request_uri_parameter_supported` means true (Discovery §3).
    .set_request_parameter_supported(Some(false))
    .set_request_uri_parameter_supported(Some(false)))
}
