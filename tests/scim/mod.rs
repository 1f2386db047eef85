//! Behaviour of `scim`, over HTTP.
