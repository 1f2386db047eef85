//! The demo's world, written into an empty database in one transaction.
//!
//! [`cast`], [`catalogue`] and [`applications`] say what there is; [`build`] makes it and answers
//! [`Made`], the secrets that the database holds only as hashes or sealed. `Made` itself is kept in the
//! database, sealed as one setting, so that a later start on the same folder can describe it again.
//!
//! Invariant: nothing secret of the demo lies in clear in the database.

pub mod applications;
mod build;
pub mod cast;
pub mod catalogue;
pub mod passwords;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    id::{ConnectionId, OrganizationId, UserId},
    settings, store,
};

/// The setting that holds [`Made`].
const SETTING: &str = "demo_world";

/// What was made: ids, and secrets that nobody can read back from the database's rows.
#[derive(Clone, Serialize, Deserialize)]
pub struct Made {
    /// By the keys of the cast.
    pub organizations: BTreeMap<String, OrganizationId>,
    /// By login: the id, and the TOTP seed in base32.
    pub people: BTreeMap<String, (UserId, Option<String>)>,
    /// (`client_id`, secret), product apps first.
    pub client_secrets: Vec<(String, String)>,
    /// (organization's key, connection, token)
    pub connections: Vec<(String, ConnectionId, String)>,
    pub api_token: String,
    /// The origins of the product apps, in the catalogue's order.
    pub apps: Vec<String>,
}

impl Made {
    /// The secret of a client.
    pub fn secret_of(&self, client_id: &str) -> Option<&str> {
        self.client_secrets.iter().find(|(id, _)| id == client_id).map(|(_, secret)| secret.as_str())
    }
}

/// The world of this database: found, or made now for product apps at these origins.
///
/// # Errors
/// The database failed.
pub async fn found_or_made(app: &App, apps: &[String]) -> store::Result<Made> {
    let kept = settings::find_sealed(&mut app.store.reader().await?, &app.master, SETTING).await?;
    if let Some(kept) = kept {
        let made = serde_json::from_slice(&kept).map_err(|error| store::Error::Damaged(error.to_string()))?;
        return moved(app, made, apps).await;
    }
    let (master, now) = (app.master.clone(), app.clock.now());
    let apps = apps.to_vec();
    app.store
        .write(async move |tx| {
            let made = build::world(tx, &master, &apps, now).await?;
            keep(tx, &master, &made).await?;
            Ok(made)
        })
        .await
}

/// The same world with its product apps at other ports.
async fn moved(app: &App, mut made: Made, apps: &[String]) -> store::Result<Made> {
    if made.apps == apps {
        return Ok(made);
    }
    made.apps = apps.to_vec();
    let (master, now) = (app.master.clone(), app.clock.now());
    app.store
        .write(async move |tx| {
            build::move_apps(tx, &made.apps, now).await?;
            keep(tx, &master, &made).await?;
            Ok(made.clone())
        })
        .await
}

async fn keep(tx: &mut store::Tx<'_>, master: &crate::secret::MasterKeys, made: &Made) -> store::Result<()> {
    let text = serde_json::to_vec(made).map_err(|error| store::Error::Damaged(error.to_string()))?;
    settings::put_sealed(tx, master, SETTING, &text).await
}
