use std::{fmt, str::FromStr};

use serde_json::{Map, Value};

use super::{GrantDetails, Scope, sql};
use crate::{
    clock::Timestamp,
    id::{ClientRowId, GrantId, SessionId, UserId},
    keys::Keyring,
    secret::{Secret, SecretHash},
    store::{Db, Result},
};

/// The `typ` of a signed access token (RFC 9068 §2.1).
pub const JWT_TYPE: &str = "at+jwt";

/// An access token of our own that counts now. [`authenticate`] alone makes it.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The client it was issued to.
    pub client_id: ClientRowId,
    /// None: the client acts for itself.
    pub user_id: Option<UserId>,
    pub grant_id: Option<GrantId>,
    pub session_id: Option<SessionId>,
    /// What its grant keeps of the sign-in.
    pub details: Option<GrantDetails>,
    pub scope: Scope,
    pub audience: Vec<String>,
    /// All that it says, signed or stored.
    pub claims: Map<String, Value>,
    pub expires_at: Timestamp,
}

/// What a bearer token stands for: `None` unless it is an access token of ours, signed or opaque, that
/// has not ended and was not revoked, and whose grant, user, organizations and client are all alive.
///
/// # Errors
/// The database's.
pub async fn authenticate(
    db: &mut Db<'_>,
    keys: &Keyring,
    bearer: &str,
    now: Timestamp,
) -> Result<Option<AccessToken>> {
    // Ours have two dots if they are signed, and none otherwise.
    let (claims, standing) = if bearer.contains('.') {
        let Ok(claims) = keys.verify(bearer, JWT_TYPE, now) else { return Ok(None) };
        let Some(Ok(id)) = text(&claims, "jti").map(str::parse::<TokenId>) else { return Ok(None) };
        let standing = match id.grant_id {
            Some(grant_id) => sql::standing_of_grant(db, grant_id, &id.to_string()).await?,
            None => {
                sql::standing_of_client(db, text(&claims, "client_id").unwrap_or_default(), &id.to_string()).await?
            }
        };
        (claims, standing)
    } else {
        match sql::find_opaque(db, &SecretHash::of(bearer.as_bytes()), now).await? {
            None => return Ok(None),
            Some((claims, standing)) => (claims, Some(standing)),
        }
    };
    let Some(standing) = standing else { return Ok(None) };
    let scope = text(&claims, "scope").unwrap_or_default().parse().unwrap_or_default();
    let Some(expires_at) = claims.get("exp").and_then(Value::as_i64) else { return Ok(None) };
    Ok(Some(AccessToken {
        client_id: standing.client_id,
        user_id: standing.user_id,
        grant_id: standing.grant_id,
        session_id: standing.session_id,
        details: standing.details.map(|details| details.0),
        scope,
        audience: audience(&claims),
        expires_at: Timestamp::from_seconds(expires_at),
        claims,
    }))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

fn audience(claims: &Map<String, Value>) -> Vec<String> {
    match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

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

    fn from_str(text: &str) -> std::result::Result<Self, uuid::Error> {
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
