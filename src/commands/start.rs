//! Starting on a configuration, and the checks that need the database.

use anyhow::Context;

use crate::{
    app::App,
    clock::Clock,
    config::{Config, Invalid, Source},
    settings, store,
};

/// Sealed at the first start; opens only under the same master key.
const KEY_CHECK: &str = "master_key_check";
/// The WebAuthn relying party id of the first start.
const RP_ID: &str = "webauthn_rp_id";

/// Opens the database of a configuration for a command.
///
/// # Errors
/// The configuration or the database.
pub async fn open(source: &Source) -> anyhow::Result<App> {
    let config = Config::load(source)?;
    super::logging::start(&config.log)?;
    start(config).await
}

/// Starts the server's parts and refuses what was fixed at the first start and is another now.
///
/// # Errors
/// The database; a wrong master key; another relying party id.
pub async fn start(config: Config) -> anyhow::Result<App> {
    let app = App::start(config, Clock::system()).await.context("the database cannot be opened")?;
    refuse_another_key(&app).await?;
    refuse_another_rp_id(&app).await?;
    Ok(app)
}

async fn refuse_another_key(app: &App) -> anyhow::Result<()> {
    let master = app.master.clone();
    let opens = app
        .store
        .write(async move |tx| match settings::find_sealed(tx, &master, KEY_CHECK).await {
            Ok(Some(_)) => Ok::<_, store::Error>(true),
            Ok(None) => settings::put_sealed(tx, &master, KEY_CHECK, b"castellan").await.map(|()| true),
            Err(store::Error::Damaged(_)) => Ok(false),
            Err(error) => Err(error),
        })
        .await?;
    if opens {
        return Ok(());
    }
    let problem = "is not the key of this database: what lies sealed in it would not open";
    Err(Invalid::new("master_key_file", problem, "Use the key file of the first start, or another database").into())
}

async fn refuse_another_rp_id(app: &App) -> anyhow::Result<()> {
    let Some(rp_id) = app.config.rp_id().map(str::to_owned) else { return Ok(()) };
    let wanted = rp_id.clone();
    let fixed = app.store.write(async move |tx| settings::fix(tx, RP_ID, &wanted).await).await?;
    if fixed == rp_id {
        return Ok(());
    }
    let problem = format!("{rp_id:?} would orphan every passkey: the first start fixed {fixed:?}");
    Err(Invalid::new("webauthn.rp_id", problem, format!("Set it to {fixed:?}, or use its public URL")).into())
}
