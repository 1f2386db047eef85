//! Starting on a configuration, and the checks that need the database.

use anyhow::Context;

use crate::{
    app::App,
    clock::Clock,
    config::{Config, Invalid, Source},
    scim::Registry,
    settings, store,
};

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
    check_schemas(&config)?;
    if let store::Url::Sqlite(path) = &config.database {
        make_private(path).with_context(|| format!("{} cannot be made", path.display()))?;
    }
    let app = match App::start(config, Clock::system()).await {
        Err(error @ store::Error::WrongMasterKey) => {
            let remedy = "Use the key file of the first start, or another database";
            return Err(Invalid::new("master_key_file", error.to_string(), remedy).into());
        }
        outcome => outcome.context("the database cannot be opened")?,
    };
    refuse_another_rp_id(&app).await?;
    Ok(app)
}

/// The SCIM schemas that the configuration names can be used.
///
/// # Errors
/// The file that cannot.
pub fn check_schemas(config: &Config) -> anyhow::Result<()> {
    let loaded = Registry::load(config.scim.schemas.as_deref());
    loaded.map(drop).map_err(|error| {
        let remedy = "Mend it, or take it out of the folder: the built-in one stands in";
        Invalid::new("scim.schemas", format!("cannot be used: {error}"), remedy).into()
    })
}

/// Makes the database's file readable by this user only; SQLite gives its WAL the same mode.
fn make_private(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
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
