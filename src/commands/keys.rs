//! `castellan keys`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{output::say, start};
use crate::{
    audit::{self, By, Event},
    config::{self, Source},
    keys::{Algorithm, Rotation, Schedule, rotate},
    organizations,
};

#[derive(Subcommand)]
pub enum Command {
    /// Publish the next signing keys; they sign ten minutes later, and no token fails
    Rotate {
        /// The keys have leaked: sign with new ones now and void every token of the old ones
        #[arg(long)]
        compromised: bool,
    },
    /// Append a master key to its file (made if absent); it seals from the next start on
    NewMaster {
        /// The file
        #[arg(default_value = config::DEFAULT_MASTER_KEY_FILE)]
        file: PathBuf,
    },
}

pub async fn run(command: Command, source: &Source) -> anyhow::Result<()> {
    match command {
        Command::Rotate { compromised } => rotate_keys(compromised, source).await,
        Command::NewMaster { file } => {
            let id = config::append_master_key(&file)?;
            say(&format!("Master key {id} stands in {}. Keep a copy, and restart the servers.", file.display()));
            Ok(())
        }
    }
}

async fn rotate_keys(compromised: bool, source: &Source) -> anyhow::Result<()> {
    let app = start::open(source).await?;
    let now = app.clock.now();
    let keys = &app.config.keys;
    let schedule = Schedule { signs_for: keys.rotation, publish_ahead: keys.publish_ahead, keep: keys.keep };
    let rotation = if compromised { Rotation::Compromised } else { Rotation::Planned };
    let made = rotate(&app.store, &app.master, &Algorithm::ALL, (rotation, &schedule), now).await?;
    let (master, keys) = (app.master.clone(), made.clone());
    app.store
        .write(async move |tx| {
            let Some(provider) = organizations::provider(tx).await? else { return Ok::<_, crate::store::Error>(()) };
            let details = serde_json::json!({ "keys": keys, "compromised": compromised });
            let event = Event::new(provider.id, "keys.rotated", By::operator()).with(details);
            audit::record(tx, &master, event, now).await
        })
        .await?;
    app.stop().await;
    say(&format!("New keys: {}.", made.join(", ")));
    Ok(())
}
