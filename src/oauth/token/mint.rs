//! From what was granted to tokens: the one place where they are made.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::json;

use super::Refusal;
use crate::{
    access::{Coverage, Entitlement},
    app::App,
    audit::{By, Event, SubjectKind},
    clients::{AccessTokenFormat, Client, GrantType},
    clock::Timestamp,
    config,
    id::OrganizationId,
    oidc::id_token::{self, IdToken},
    products::Product,
    secret::{Secret, SecretHash},
    store::{self, Tx},
    tokens::{self, Grant, NewOpaqueToken, Scope, TokenId},
};

/// What tokens are to be minted from; everything is decided.
pub(super) struct Issue {
    pub client: Arc<Client>,
    pub product: Arc<Product>,
    pub entitlement: Arc<Entitlement>,
    pub holder: Holder,
    pub scope: Scope,
    pub id: TokenId,
    /// The access token, where it is a reference: its row is written already.
    pub opaque: Option<Secret>,
    pub refresh_token: Option<NewRefreshToken>,
}

/// In whose name the tokens speak.
pub(super) enum Holder {
    /// The client's own.
    Client,
    User(Box<OfUser>),
}

/// A user's grant, and what else their tokens need.
pub(super) struct OfUser {
    pub grant: Grant,
    /// Of the authorization request; in the first ID token only (OIDC Core §12.2).
    pub nonce: Option<String>,
    /// The user's home, whose audit trail tells of it.
    pub organization: OrganizationId,
}

impl Holder {
    pub fn user(grant: Grant, nonce: Option<String>, organization: OrganizationId) -> Self {
        Self::User(Box::new(OfUser { grant, nonce, organization }))
    }
}

/// A refresh token on its way to its client.
pub(super) struct NewRefreshToken(Secret);

impl NewRefreshToken {
    pub fn random() -> Self {
        Self(Secret::random_with_prefix("cst_rt_"))
    }

    /// One for a grant that goes on while its user is away (OIDC Core §11).
    pub fn of(client: &Client, grant: &Grant) -> Option<Self> {
        (grant.scope.contains("offline_access") && client.may_use(GrantType::RefreshToken)).then(Self::random)
    }

    pub fn hash(&self) -> SecretHash {
        self.0.hash()
    }
}

/// How long what this client gets lives: its own times, else the server's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetimes {
    access_token: Duration,
    refresh_idle: Duration,
}

impl Lifetimes {
    pub fn of(client: &Client, tokens: &config::Tokens) -> Self {
        let own = |seconds: Option<i64>, default| {
            seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(default, Duration::from_secs)
        };
        Self {
            access_token: own(client.settings.access_token_seconds, tokens.access_token),
            refresh_idle: own(client.settings.refresh_idle_seconds, tokens.refresh_idle),
        }
    }

    /// Of an access token.
    pub fn access_token(self) -> Duration {
        self.access_token
    }

    /// When a refresh token issued now dies unused: never after its grant.
    pub fn idle_end(self, grant: &Grant, now: Timestamp) -> Timestamp {
        (now + self.refresh_idle).min(grant.expires_at)
    }
}

/// What an access token says (RFC 9068 §2.2), and of one product only.
#[derive(Serialize)]
struct AccessTokenClaims<'a> {
    iss: &'a str,
    sub: String,
    aud: &'a str,
    client_id: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<&'a [String]>,
    scope: String,
    product: &'a str,
    roles: &'a [String],
    entitlements: &'a [String],
    organizations: &'a [Coverage],
    #[serde(skip_serializing_if = "Option::is_none")]
    organizations_complete: Option<bool>,
}

/// The answer of the token endpoint (RFC 6749 §5.1).
#[derive(Serialize)]
pub(super) struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    /// Always told, since unregistered tokens are dropped (§3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

impl TokenResponse {
    /// An access token and nothing beside it.
    pub fn alone(access_token: String, lifetimes: Lifetimes, scope: &Scope) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: lifetimes.access_token.as_secs(),
            refresh_token: None,
            id_token: None,
            scope: scope.to_string(),
        }
    }
}

impl Issue {
    fn grant(&self) -> Option<&Grant> {
        match &self.holder {
            Holder::Client => None,
            Holder::User(of) => Some(&of.grant),
        }
    }

    fn claims<'a>(&'a self, issuer: &'a str, lifetimes: Lifetimes, now: Timestamp) -> AccessTokenClaims<'a> {
        let details = self.grant().map(|grant| &grant.details);
        let entitlement = &self.entitlement;
        AccessTokenClaims {
            iss: issuer,
            // RFC 9068 §2.2: without a user, the subject is the client.
            sub: self.grant().map_or_else(|| self.client.client_id.clone(), |grant| grant.user_id.to_string()),
            aud: &self.product.audience,
            client_id: &self.client.client_id,
            jti: self.id.to_string(),
            iat: now.as_seconds(),
            exp: (now + lifetimes.access_token).as_seconds(),
            auth_time: details.map(|details| details.auth_time.as_seconds()),
            acr: details.map(|details| details.acr.as_str()),
            amr: details.map(|details| details.amr.as_slice()),
            scope: self.scope.to_string(),
            product: &self.product.slug,
            roles: &entitlement.roles,
            entitlements: &entitlement.permissions,
            organizations: &entitlement.organizations,
            organizations_complete: (!entitlement.organizations_complete).then_some(false),
        }
    }

    /// Writes the row of the access token, if it is to be opaque.
    pub async fn insert_opaque(
        mut self,
        tx: &mut Tx<'_>,
        issuer: &str,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> store::Result<Self> {
        if let Some((secret, token)) = self.opaque_token(issuer, lifetimes, now)? {
            tokens::insert_opaque(tx, &token).await?;
            self.opaque = Some(secret);
        }
        Ok(self)
    }

    /// The same in a write of its own, for a grant that needs none but this.
    pub async fn keep_opaque(mut self, app: &App, now: Timestamp) -> Result<Self, Refusal> {
        let lifetimes = Lifetimes::of(&self.client, &app.config.tokens);
        if let Some((secret, token)) = self.opaque_token(app.config.issuer(), lifetimes, now)? {
            app.store.write(async move |tx| tokens::insert_opaque(tx, &token).await).await?;
            self.opaque = Some(secret);
        }
        Ok(self)
    }

    /// The reference and its row; `None` for a client whose tokens are signed.
    fn opaque_token(
        &self,
        issuer: &str,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> store::Result<Option<(Secret, NewOpaqueToken)>> {
        if self.client.settings.access_token_format == AccessTokenFormat::Jwt {
            return Ok(None);
        }
        let claims = serde_json::to_value(self.claims(issuer, lifetimes, now));
        let Ok(serde_json::Value::Object(claims)) = claims else {
            return Err(store::Error::Damaged("an entitlement that is no JSON".to_owned()));
        };
        let secret = Secret::random_with_prefix("cst_at_");
        let token = NewOpaqueToken {
            token_hash: secret.hash(),
            grant_id: self.id.grant_id,
            client_id: self.client.id,
            user_id: self.grant().map(|grant| grant.user_id),
            scope: self.scope.clone(),
            claims,
            expires_at: now + lifetimes.access_token,
        };
        Ok(Some((secret, token)))
    }

    /// Leaves the event to the batching writer: what changed is committed already.
    pub fn note(&self, app: &App, grant_type: GrantType, now: Timestamp) {
        let organization = match &self.holder {
            Holder::User(of) => Some(of.organization),
            Holder::Client => self.entitlement.organizations.first().map(|coverage| coverage.id),
        };
        let Some(organization) = organization else { return };
        let event = Event::new(organization, "token.issued", By::client(self.client.id));
        let event = match self.id.grant_id {
            Some(grant) => event.on(SubjectKind::Grant, grant.0),
            None => event.on(SubjectKind::Client, self.client.id.0),
        };
        let details =
            json!({ "grant_type": grant_type.as_str(), "scope": self.scope.to_string(), "product": self.product.slug });
        app.recorder.note(event.with(details), now);
    }

    async fn id_token(&self, app: &App, of: &OfUser, access_token: &str, now: Timestamp) -> Result<String, Refusal> {
        let id_token = IdToken {
            client: &self.client,
            product: &self.product,
            entitlement: &self.entitlement,
            grant: &of.grant,
            scope: &self.scope,
            nonce: of.nonce.as_deref(),
            access_token,
        };
        id_token.sign(app, now).await.map_err(|error| match error {
            id_token::Error::Store(error) => error.into(),
            id_token::Error::Keys(error) => error.into(),
        })
    }

    /// Signs and answers.
    pub async fn mint(self, app: &App, now: Timestamp) -> Result<TokenResponse, Refusal> {
        let lifetimes = Lifetimes::of(&self.client, &app.config.tokens);
        let access_token = match &self.opaque {
            Some(secret) => secret.expose().to_owned(),
            None => {
                let algorithm = self.client.settings.access_token_alg;
                app.keys.ready(algorithm, now).await?;
                app.keys.sign(algorithm, tokens::JWT_TYPE, &self.claims(app.config.issuer(), lifetimes, now), now)?
            }
        };
        let id_token = match &self.holder {
            Holder::User(of) if self.scope.contains("openid") => {
                Some(self.id_token(app, of, &access_token, now).await?)
            }
            _ => None,
        };
        Ok(TokenResponse {
            access_token,
            token_type: "Bearer",
            expires_in: lifetimes.access_token.as_secs(),
            refresh_token: self.refresh_token.map(|token| token.0.expose().to_owned()),
            id_token,
            scope: self.scope.to_string(),
        })
    }
}
