//! Behaviour of `api`, over HTTP.
