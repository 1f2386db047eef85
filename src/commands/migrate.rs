//! `castellan migrate`.

use super::output::say;
use crate::{
    config::{Config, Source},
    store::{Options, Store, schema_version},
};

/// Applies missing migrations, whatever `migrate` says in the configuration.
pub async fn run(source: &Source) -> anyhow::Result<()> {
    let config = Config::load(source)?;
    super::logging::start(&config.log)?;
    let store = Store::open(&Options { url: config.database, migrate: true }).await?;
    store.close().await;
    say(&format!("The database has schema {}.", schema_version()));
    Ok(())
}
