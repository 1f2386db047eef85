//! [`App`]: all that a handler may reach.

use std::{ops::Deref, sync::Arc};

use crate::{clock::Clock, secret::MasterKeys, store::Store};

/// The running server's parts. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What [`App`] dereferences to.
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    /// Shared with the write closures that seal mails and seeds.
    pub master: Arc<MasterKeys>,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
