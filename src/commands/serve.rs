//! `castellan serve`.

use std::path::Path;

use anyhow::Context;
use tokio::net::TcpListener;

use super::{logging, output::say, running, start};
use crate::{
    background,
    config::{self, Config, Source},
    router::router,
    setup,
};

/// Starts the server. Without any configuration it makes its master key beside its database.
pub async fn run(source: &Source) -> anyhow::Result<()> {
    if source.is_empty() && config::create_master_key(Path::new(config::DEFAULT_MASTER_KEY_FILE))? {
        say("Made castellan.key, which seals the secrets in the database. Keep a copy of it.");
    }
    let config = Config::load(source)?;
    logging::start(&config.log)?;
    let listen = config.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let app = start::start(config).await?;
    let jobs = background::start(&app);
    tracing::info!(%listen, public_url = app.config.issuer(), "listening");
    if let Some(link) = setup::offer(&app).await? {
        say(&format!("Nobody administers this server yet. Open this link once to begin:\n\n  {link}\n"));
    }
    let outcome = running::until_told(listener, router(app.clone()), &app).await;
    jobs.stop().await;
    app.stop().await;
    outcome
}
