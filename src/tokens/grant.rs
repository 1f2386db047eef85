use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Scope;
use crate::{
    clock::Timestamp,
    id::{ClientRowId, GrantId, SessionId, UserId},
};

/// What a user allowed a client at one sign-in: the family of its tokens.
#[derive(Debug, Clone)]
pub struct Grant {
    pub id: GrantId,
    pub user_id: UserId,
    pub client_id: ClientRowId,
    /// The browser session it was given in; ending that revokes it.
    pub session_id: Option<SessionId>,
    pub scope: Scope,
    pub details: GrantDetails,
    pub created_at: Timestamp,
    /// No refresh token of it lives longer.
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// What tokens say about the sign-in, kept through every refresh (OIDC Core §12.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantDetails {
    /// When the user really signed in.
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// Which level that reached.
    pub acr: String,
    /// The `claims` parameter, as far as it asked for any.
    #[serde(default)]
    pub claims: ClaimsRequest,
}

/// The `claims` parameter (OIDC Core §5.5): what was asked for beyond the scopes, by where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimsRequest {
    pub userinfo: Map<String, Value>,
    pub id_token: Map<String, Value>,
}

impl ClaimsRequest {
    /// The values asked for a claim of the ID token: one (`value`) or several (`values`).
    pub fn id_token_values(&self, claim: &str) -> Vec<&str> {
        let Some(asked) = self.id_token.get(claim) else { return Vec::new() };
        let one = asked.get("value").and_then(Value::as_str);
        let several = asked.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        one.into_iter().chain(several).collect()
    }
}
