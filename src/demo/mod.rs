//! The demo: a world with people in every role, a mailbox page, and three product apps.
//!
//! - [`world`] makes or finds the people, organizations, products and clients;
//! - [`apps`] are relying parties that know nothing of this server but its URL;
//! - [`mailbox`] shows the mails that would have been sent, and the codes of people's authenticator apps;
//! - [`front`] leads browsers to the one public URL;
//! - [`describe`] writes down what a program must know to use all that.
//!
//! None of it runs in `serve`.

pub mod apps;
pub mod describe;
pub mod front;
pub mod mailbox;
pub mod world;
