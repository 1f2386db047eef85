//! What all requests share, and the schemas as each connection sees them.

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use crate::{
    app::App,
    connections::{Connection, log},
    jobs::Wake,
    scim::{
        limits::Limits,
        schema::{LoadError, Registry},
        users::assignments,
    },
};

/// How many lists that no index bounds run at once: half of SQLite's readers, so that all other requests
/// always find one.
const SCANS_AT_ONCE: usize = 2;

/// The schemas as connections see them: our own extension is there as far as an administrator has opened it.
pub(super) struct Registries {
    /// Without it: what anybody gets who asks for nothing.
    plain: Registry,
    /// Telling of accounts, all read-only.
    telling: Registry,
    /// The tool chooses what its people get in products, and reads no more.
    choosing: Registry,
    /// Both.
    whole: Registry,
}

impl Registries {
    /// Of the schemas that are configured.
    fn of(whole: Registry) -> Result<Self, LoadError> {
        let plain = whole.without(assignments::EXTENSION)?;
        let telling = whole.with_attributes(assignments::EXTENSION, |name| name != assignments::NAME)?;
        let choosing = whole.with_attributes(assignments::EXTENSION, |name| name == assignments::NAME)?;
        Ok(Self { plain, telling, choosing, whole })
    }

    pub(super) fn seen_by(&self, connection: &Connection) -> &Registry {
        match (assignments::is_choosing(connection), connection.settings.account_state) {
            (true, true) => &self.whole,
            (true, false) => &self.choosing,
            (false, true) => &self.telling,
            (false, false) => &self.plain,
        }
    }
}

/// What all requests share.
pub struct Shared {
    /// `None` if they could not be loaded: then every request fails.
    pub(super) registries: Option<Registries>,
    pub(super) limits: Limits,
    pub(super) recorder: OnceLock<log::Recorder>,
    pub(super) scans: Semaphore,
    /// Rung after a request has been accepted that is performed later.
    pub wake: Wake,
}

impl Shared {
    /// The server's: the routes' and the background's are one.
    pub(crate) fn of(app: &App) -> Arc<Self> {
        Arc::clone(app.scim.get_or_init(|| {
            let loaded = Registry::load(app.config.scim.schemas.as_deref()).and_then(Registries::of);
            let registries = loaded.inspect_err(|error| tracing::error!(%error, "SCIM is out of order")).ok();
            Arc::new(Self {
                registries,
                limits: Limits::default(),
                recorder: OnceLock::new(),
                scans: Semaphore::new(SCANS_AT_ONCE),
                wake: Wake::default(),
            })
        }))
    }
}
