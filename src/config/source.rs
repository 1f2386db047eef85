//! Where settings come from: the file, and over it the environment.

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    error::{Error, Kind},
    providers::{Env, Format, Serialized, Toml},
};

use super::{DEFAULT_FILE, Invalid, Settings};

/// Variables whose value is taken as text as it stands: a password may look like a number.
const SECRETS: &[(&str, &str)] = &[
    ("CASTELLAN_MASTER_KEY", "master_key"),
    ("CASTELLAN_DATABASE", "database"),
    ("CASTELLAN_MAIL__PASSWORD", "mail.password"),
];
/// Variables that are no keys of the file.
const OTHERS: &[&str] = &["config", "master_key", "database", "mail__password"];

/// A file, and whether the environment counts.
#[derive(Debug, Clone)]
pub struct Source {
    /// `None`: `castellan.toml` if it is there.
    pub file: Option<PathBuf>,
    /// Off in tests.
    pub environment: bool,
}

impl Source {
    /// The file named on the command line or in `CASTELLAN_CONFIG`, and the environment.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, environment: true }
    }

    /// Whether anything at all is configured: without it, `serve` makes what it needs.
    pub fn is_empty(&self) -> bool {
        let from_environment = self.environment && std::env::vars_os().any(|(name, _)| is_key(&name.to_string_lossy()));
        self.file.is_none() && !Path::new(DEFAULT_FILE).exists() && !from_environment
    }

    pub(super) fn read(&self) -> Result<Settings, Invalid> {
        let mut figment = Figment::new();
        match &self.file {
            Some(file) if !file.exists() => {
                return Err(Invalid::new(
                    "config",
                    format!("{} does not exist", file.display()),
                    "Name a file that does",
                ));
            }
            Some(file) => figment = figment.merge(Toml::file_exact(file)),
            None if Path::new(DEFAULT_FILE).exists() => figment = figment.merge(Toml::file_exact(DEFAULT_FILE)),
            None => {}
        }
        if self.environment {
            let variables = Env::prefixed("CASTELLAN_").filter(|name| is_key(&format!("CASTELLAN_{name}")));
            figment = figment.merge(variables.filter(|name| !OTHERS.iter().any(|other| name == *other)).split("__"));
            for (variable, key) in SECRETS {
                if let Ok(value) = std::env::var(variable) {
                    figment = figment.merge(Serialized::default(key, value));
                }
            }
        }
        figment.extract().map_err(|error| explain(&error))
    }
}

/// `CASTELLAN_TEST_...` belongs to the test suite.
fn is_key(variable: &str) -> bool {
    let variable = variable.to_ascii_uppercase();
    variable.starts_with("CASTELLAN_") && !variable.starts_with("CASTELLAN_TEST_") && variable != "CASTELLAN_CONFIG"
}

/// Figment's error in our words. A value is never repeated: it may be a secret.
fn explain(error: &Error) -> Invalid {
    let path = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(field, known) => {
            let key = if error.path.last().is_some_and(|last| last == field) || path.is_empty() && field.is_empty() {
                path
            } else {
                [path.as_str(), field].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(".")
            };
            Invalid::new(&key, "is no key that this program knows", format!("Known here: {}", known.join(", ")))
        }
        Kind::MissingField(field) => {
            let key = if path.is_empty() { field.to_string() } else { format!("{path}.{field}") };
            Invalid::new(&key, "is missing", "Write it, or remove its section")
        }
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            Invalid::new(&path, "has a value of another kind", format!("Write {expected}"))
        }
        Kind::UnknownVariant(_, known) => {
            Invalid::new(&path, "has an unknown value", format!("Use one of {}", known.join(", ")))
        }
        other => {
            let key = if path.is_empty() { "config" } else { path.as_str() };
            Invalid::new(key, format!("cannot be read: {other}"), "Write it as docs/castellan.toml shows")
        }
    }
}
