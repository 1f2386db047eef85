//! Behaviour of `portal`, over HTTP.
