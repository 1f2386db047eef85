//! Behaviour of `login`, over HTTP.
