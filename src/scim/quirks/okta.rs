//! Okta (its developer documentation, reference/scim/scim-20).
//!
//! POST carries a password made up for the occasion (eight characters in the documentation's example),
//! which no policy needs to like: the person sets their own. Everything else that Okta sends is
//! standard: `{"op": "replace", "value": {"active": false}}`, `id` in the value of a rename, whole
//! bodies with `groups: []` and other read-only parts in PUT.

/// For the log, where a PATCH sends a password: a tool does not change what a person has set.
pub(super) const PASSWORD_KEPT: &str =
    "password: it is taken when the account is made only, so it was left out; people change their own";
/// For the log, where a password is too weak to be taken.
pub const PASSWORD_LEFT_OUT: &str =
    "password: it is too short or too easy to guess, so it was left out; the person sets their own";
