//! Authorization requests whose user is away signing in or deciding, and the consents they gave.
//!
//! Invariants: a stored request belongs to the browser that brought it, is answered once, and is judged
//! again from its parameters when the user comes back: nothing is remembered as already decided but
//! who consented.

mod sql;

use crate::{
    clock::Timestamp,
    id::{AuthorizationRequestId, ClientRowId, UserId},
    secret::SecretHash,
};

pub use sql::{
    STATEMENTS, client_of, consents_of_user, consume, find, find_consent, give_consent, insert, remember_consent,
    withdraw_consent,
};

/// What a user has allowed a client of others.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Consent {
    pub client_id: ClientRowId,
    pub client_name: String,
    /// Scope tokens with spaces between them (RFC 6749 §3.3).
    pub scope: String,
}

/// A request to `/authorize`, as it came.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest {
    pub id: AuthorizationRequestId,
    pub client_id: ClientRowId,
    /// Of the secret in the cookie of the browser that brought it.
    pub browser_hash: SecretHash,
    /// Name and value in the order they came.
    pub parameters: Vec<(String, String)>,
    /// The user who has allowed it on the consent page.
    pub consented_by: Option<UserId>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub consumed_at: Option<Timestamp>,
}
