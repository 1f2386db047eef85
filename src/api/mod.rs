//! The administrators' API, `/api/v1`: what the portal's pages do, for programs.
//!
//! JSON in and out, errors as RFC 9457 ([`Refusal`]). A caller is known by a bearer token: an access
//! token whose audience is the portal's, or an API token. What the caller may do is asked of
//! [`crate::access`] at each request, inside the very transaction of a change; a token's claims decide nothing.
//!
//! Invariants: what belongs to an organization that the caller has no right over is answered as what
//! does not exist, byte for byte. Nobody grants, or acts on a holder of, a right that they lack at that
//! place. Bodies deny unknown fields. A secret is in an answer once: in that of the request that made it.

mod input;
mod refusal;

pub use refusal::{Invalid, Problem, Refusal};
