//! Behaviour of `ops`, over HTTP.
