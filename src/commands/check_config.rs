//! `castellan check-config`.

use super::{logging, output::say, start};
use crate::config::{Config, Source};

/// Reads and judges the configuration; a fault is the error.
pub fn run(source: &Source) -> anyhow::Result<()> {
    let config = Config::load(source)?;
    start::check_schemas(&config)?;
    logging::start(&config.log)?;
    let mail = config.mail.as_ref().map_or_else(|| "nowhere".to_owned(), |mail| format!("{}:{}", mail.host, mail.port));
    let passkeys = config.rp_id().unwrap_or("off: the public URL is an IP address").to_owned();
    say(&format!(
        "The configuration holds.\n  listen      {}\n  public URL  {}\n  database    {}\n  mail to     {mail}\n  passkeys    {passkeys}",
        config.listen,
        config.issuer(),
        if matches!(config.database, crate::store::Url::Postgres(_)) { "PostgreSQL" } else { "SQLite" },
    ));
    Ok(())
}
