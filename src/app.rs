//! [`App`]: all that a handler may reach, and how it is put together at the start.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use crate::{
    access,
    action_tokens::Purpose,
    audit::{self, By},
    clients::{self, AuthMethod, GrantType, NewClient},
    clock::Clock,
    config::{self, Config},
    http::outbound::Outbound,
    id::{OrganizationId, ProductId},
    jobs::{Wake, lease::Holder},
    keys::{Algorithm, Keyring},
    mail::{Mailer, Smtp, Tls},
    mailed_links::NewLink,
    mfa::passkeys::RelyingParty,
    operation::Draining,
    organizations, portal, products, scim,
    secret::{self, MasterKeys},
    settings,
    store::{self, Store},
    users::{
        self,
        password::{Cost, Hasher},
    },
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
    /// This process among the nodes that share the database.
    pub holder: Holder,
    /// Signs every JWT, and reads our own.
    pub keys: Keyring,
    /// Rung after a commit that left something to send.
    pub wake: Wake,
    pub mailer: Mailer,
    /// The only way out for requests of ours.
    pub outbound: Outbound,
    /// Audit events that change nothing, written in batches.
    pub recorder: audit::Recorder,
    /// The bounded pool in which people's passwords are hashed.
    pub passwords: Hasher,
    /// `None` where the public URL is an IP address: passkeys are off.
    pub passkeys: Option<RelyingParty>,
    /// Whether the server has been told to stop.
    pub draining: Draining,
    /// Products by id, at most a second old.
    pub products: products::Cache,
    /// Clients by `client_id`, at most a second old.
    pub clients: clients::Cache,
    /// What holds for the people of organizations, at most a second old.
    pub policies: organizations::PolicyCache,
    /// What clients hold that act for themselves, at most a second old.
    pub client_entitlements: access::ClientCache,
    /// What SCIM requests share, from the first use on.
    pub scim: OnceLock<Arc<scim::Shared>>,
    /// See [`App::provider`].
    known_provider: OnceLock<OrganizationId>,
}

impl App {
    /// Opens the database, brings it up to date, makes what must exist, and puts the parts together.
    ///
    /// # Errors
    /// The database cannot be opened, or was made by a newer version.
    pub async fn start(config: Config, clock: Clock) -> store::Result<Self> {
        // 65 ms of processor time that would otherwise stand before the first key or token.
        secret::warm_up();
        let now = clock.now();
        let webauthn = &config.webauthn;
        // The configuration was judged, so this cannot be unfit any more.
        let passkeys = RelyingParty::new(&config.public_url, webauthn.rp_id.as_deref(), &webauthn.rp_name)
            .map_err(|unfit| store::Error::Url(unfit.to_string()))?;
        let store = Store::open(&store::Options { url: config.database.clone(), migrate: config.migrate }).await?;
        settings::check_master_key(&store, &config.master_keys).await?;
        users::provisioned::catch_up(&store).await?;
        let (audience, launch_url) = (config.url("/api/v1"), config.url("/portal"));
        let portal = portal::registration(config.issuer(), &config.master_keys);
        let portal = store
            .write(async move |tx| {
                let product = products::portal::ensure(tx, audience.clone(), launch_url.clone(), now).await?;
                clients::declare(tx, &portal_client(&portal, product.id), now).await
            })
            .await?;
        portal.map_err(|invalid| store::Error::Damaged(invalid.to_string()))?;
        let master = Arc::clone(&config.master_keys);
        Ok(Self(Arc::new(Parts {
            holder: Holder::random(),
            keys: Keyring::load(&store, Arc::clone(&master), now).await?,
            wake: Wake::default(),
            mailer: mailer(&config).map_err(store::Error::Damaged)?,
            outbound: Outbound::new(config.allow_private_outbound || config.demo),
            recorder: audit::Recorder::start(store.clone(), Arc::clone(&master)),
            master,
            passwords: hasher(&config),
            passkeys,
            draining: Draining::default(),
            products: products::Cache::default(),
            clients: clients::Cache::default(),
            policies: organizations::PolicyCache::default(),
            client_entitlements: access::ClientCache::default(),
            scim: OnceLock::new(),
            known_provider: OnceLock::new(),
            store,
            clock,
            config,
        })))
    }

    /// The organization that everything without one of its own belongs to, once the server has been set up.
    ///
    /// # Errors
    /// The database's.
    pub async fn provider(&self) -> store::Result<Option<OrganizationId>> {
        if let Some(known) = self.known_provider.get() {
            return Ok(Some(*known));
        }
        let found = organizations::provider(&mut self.store.reader().await?).await?.map(|provider| provider.id);
        // It is made once and never another.
        Ok(found.inspect(|id| _ = self.known_provider.set(*id)))
    }

    /// A link to be mailed, or handed over, with the life and the limits that the configuration gives it.
    pub fn link(&self, purpose: Purpose, by: By) -> NewLink {
        let (page, life) = match purpose {
            Purpose::Activate => ("/login/activate", self.config.links.activation),
            Purpose::ResetPassword => ("/login/reset", self.config.links.reset),
            Purpose::Join => ("/login/join", self.config.links.activation),
        };
        NewLink { purpose, by, page: self.config.url(page), life, hourly: self.config.limits.account_mails_per_hour }
    }

    /// Waits for noted events and queued writes, and closes the database.
    pub async fn stop(&self) {
        self.recorder.flush().await;
        self.store.close().await;
    }
}

/// The portal as an OAuth client. It has no database to register itself in.
fn portal_client(portal: &portal::Registration, product_id: ProductId) -> NewClient {
    NewClient {
        client_id: Some(portal.client_id.to_owned()),
        product_id,
        name: portal.name.to_owned(),
        auth_method: AuthMethod::ClientSecretBasic,
        secret: Some(portal.client_secret.clone()),
        redirect_uris: vec![portal.redirect_uri.clone()],
        post_logout_redirect_uris: vec![portal.post_logout_redirect_uri.clone()],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: portal.scopes.iter().map(|&scope| scope.to_owned()).collect(),
        settings: clients::Settings {
            first_party: true,
            ends_with_session: true,
            // RS256 would wait for its key, which is made in the background.
            id_token_alg: Algorithm::Es256,
            backchannel_logout_uri: Some(portal.backchannel_logout_uri.clone()),
            backchannel_logout_session_required: true,
            initiate_login_uri: Some(portal.initiate_login_uri.clone()),
            ..clients::Settings::default()
        },
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

/// Where mails go, as configured.
fn mailer(config: &Config) -> Result<Mailer, String> {
    let Some(mail) = config.mail.as_ref().filter(|_| !config.demo) else {
        return Ok(if config.demo { Mailer::Mailbox } else { Mailer::Nowhere });
    };
    let tls = match mail.transport {
        config::Transport::Tls => Tls::Implicit,
        config::Transport::StartTls => Tls::StartTls,
        config::Transport::None => Tls::None,
    };
    let login = mail.login.clone();
    Mailer::smtp(&Smtp {
        host: mail.host.clone(),
        port: mail.port,
        tls,
        login,
        from: mail.from.clone(),
        authorities: None,
    })
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
