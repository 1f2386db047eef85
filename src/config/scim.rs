use std::path::PathBuf;

use serde::Deserialize;

use super::Invalid;

/// What provisioning over SCIM looks like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scim {
    /// A folder with copies of files of `schemas/`, changed: they stand in for the built-in ones.
    pub schemas: Option<PathBuf>,
}

impl Scim {
    pub(super) fn judge(&self) -> Result<(), Invalid> {
        match &self.schemas {
            Some(folder) if !folder.is_dir() => {
                let problem = format!("{} is no folder", folder.display());
                Err(Invalid::new("scim.schemas", problem, "Name a folder with changed copies of schemas/*.json"))
            }
            _ => Ok(()),
        }
    }
}
