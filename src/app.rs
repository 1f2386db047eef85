//! [`App`]: all that a handler may reach, and how it is put together at the start.

use std::{ops::Deref, sync::Arc};

use crate::{
    clock::Clock,
    config::Config,
    mfa::passkeys::RelyingParty,
    products,
    secret::MasterKeys,
    store::{self, Store},
    users::password::{Cost, Hasher},
};

/// The running server's parts. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What [`App`] dereferences to.
pub struct Parts {
    pub config: Config,
    pub store: Store,
    pub clock: Clock,
    /// Shared with the write closures that seal mails and seeds.
    pub master: Arc<MasterKeys>,
    /// The bounded pool in which people's passwords are hashed.
    pub passwords: Hasher,
    /// `None` where the public URL is an IP address: passkeys are off.
    pub passkeys: Option<RelyingParty>,
    /// Products by id, at most a second old.
    pub products: products::Cache,
}

impl App {
    /// Opens the database, brings it up to date, makes what must exist, and puts the parts together.
    ///
    /// # Errors
    /// The database cannot be opened, or was made by a newer version.
    pub async fn start(config: Config, clock: Clock) -> store::Result<Self> {
        let now = clock.now();
        let webauthn = &config.webauthn;
        // The configuration was judged, so this cannot be unfit any more.
        let passkeys = RelyingParty::new(&config.public_url, webauthn.rp_id.as_deref(), &webauthn.rp_name)
            .map_err(|unfit| store::Error::Url(unfit.to_string()))?;
        let store = Store::open(&store::Options { url: config.database.clone(), migrate: config.migrate }).await?;
        let (audience, launch_url) = (config.url("/api/v1"), config.url("/portal"));
        store
            .write(async move |tx| products::portal::ensure(tx, audience.clone(), launch_url.clone(), now).await)
            .await?;
        Ok(Self(Arc::new(Parts {
            master: Arc::clone(&config.master_keys),
            passwords: hasher(&config),
            passkeys,
            products: products::Cache::default(),
            store,
            clock,
            config,
        })))
    }

    /// Waits for the queued writes and closes the database.
    pub async fn stop(&self) {
        self.store.close().await;
    }
}

/// The pool that the configuration asks for.
fn hasher(config: &Config) -> Hasher {
    let cost = Cost { memory: config.passwords.memory_kib, passes: config.passwords.passes };
    match config.passwords.threads {
        0 => Hasher::new(cost, config.passwords.queue),
        threads => Hasher::with_threads(threads, cost, config.passwords.queue),
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
