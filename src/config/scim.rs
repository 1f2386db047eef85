use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{Invalid, seconds};

/// What provisioning over SCIM looks like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scim {
    /// A folder with copies of files of `schemas/`, changed: they stand in for the built-in ones. Schemas of
    /// other names are added, for its `resource_types.json` to use.
    pub schemas: Option<PathBuf>,
    /// How long a list may take that no index bounds: a filter or order of an attribute without one.
    #[serde(rename = "filter_seconds", deserialize_with = "seconds::deserialize")]
    pub filter: Duration,
}

impl Default for Scim {
    fn default() -> Self {
        Self { schemas: None, filter: Duration::from_secs(2) }
    }
}

impl Scim {
    pub(super) fn judge(&self) -> Result<(), Invalid> {
        seconds::within("scim.filter_seconds", self.filter, Duration::from_secs(1), Duration::from_secs(60))?;
        match &self.schemas {
            Some(folder) if !folder.is_dir() => {
                let problem = format!("{} is no folder", folder.display());
                Err(Invalid::new("scim.schemas", problem, "Name a folder with changed copies of schemas/*.json"))
            }
            _ => Ok(()),
        }
    }
}
