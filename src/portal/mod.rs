//! The portal: where people find their products and administrators their people.
//!
//! It is a relying party of our own server with nothing but its tokens. It has no [`Store`] and no
//! `App`: it asks `/api/v1` in process by full requests, and of the database it holds only the
//! narrow handle of [`crate::portal_sessions`]. What a person may see or do is decided by the API
//! at each request; the pages only leave out what it would refuse.
//!
//! [`Store`]: crate::store::Store

mod registration;

pub use registration::{CLIENT_ID, Registration, registration};
