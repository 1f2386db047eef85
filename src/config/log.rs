use serde::Deserialize;

/// What is logged, and how. Secrets never are, at any level.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Directives as of `tracing`: `info`, `castellan=debug,info`.
    pub level: String,
    pub format: Format,
}

/// One line each: for people, or for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Text,
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Text }
    }
}
