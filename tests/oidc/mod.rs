//! Behaviour of `oidc`, over HTTP.
