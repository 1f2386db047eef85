use std::{fmt, str::FromStr};

use serde_json::{Map, Value};

use super::Scope;
use crate::{
    clock::Timestamp,
    id::{ClientRowId, GrantId, UserId},
    secret::{Secret, SecretHash},
};

/// The `jti` of an access token (RFC 7519 §4.1.7). It names the grant, so that one revoked row ends
/// every token of the family, however many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenId {
    pub grant_id: Option<GrantId>,
    random: String,
}

impl TokenId {
    /// A new one of a user's grant, or of a client acting for itself.
    pub fn new(grant_id: Option<GrantId>) -> Self {
        // 22 characters of base64url: 132 bits.
        Self { grant_id, random: Secret::random().expose().chars().take(22).collect() }
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.grant_id {
            Some(grant_id) => write!(f, "{grant_id}.{}", self.random),
            None => f.write_str(&self.random),
        }
    }
}

impl FromStr for TokenId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        match text.split_once('.') {
            Some((grant_id, random)) => Ok(Self { grant_id: Some(grant_id.parse()?), random: random.to_owned() }),
            None => Ok(Self { grant_id: None, random: text.to_owned() }),
        }
    }
}

/// An opaque access token to be kept: what a JWT would carry, behind a hash.
#[derive(Debug, Clone)]
pub struct NewOpaqueToken {
    pub token_hash: SecretHash,
    pub grant_id: Option<GrantId>,
    pub client_id: ClientRowId,
    pub user_id: Option<UserId>,
    pub scope: Scope,
    pub claims: Map<String, Value>,
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_token_id_names_its_grant() {
        let grant = GrantId::new(Timestamp::from_seconds(1));
        let id = TokenId::new(Some(grant));
        assert_eq!(id.to_string().parse::<TokenId>().expect("own form"), id);
        let alone = TokenId::new(None);
        assert_eq!(alone.to_string().parse::<TokenId>().expect("own form").grant_id, None);
        assert!("not-a-grant.x".parse::<TokenId>().is_err());
    }
}
