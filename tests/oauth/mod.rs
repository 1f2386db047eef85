//! Behaviour of `oauth`, over HTTP.
