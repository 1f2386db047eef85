//! `castellan audit`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{output::say, start};
use crate::{audit, config::Source};

#[derive(Subcommand)]
pub enum Command {
    /// Walk every chain: finds a changed byte, a missing event, a link out of order
    Verify,
}

/// Exit code 1 if anything does not hold.
pub async fn run(Command::Verify: Command, source: &Source) -> anyhow::Result<ExitCode> {
    let app = start::open(source).await?;
    let report = audit::verify(&app.store, &app.master).await?;
    app.stop().await;
    for flaw in &report.flaws {
        say(&flaw.to_string());
    }
    say(&format!(
        "{} events in {} links checked, {} flaws, {} events wait for their place.",
        report.events,
        report.links,
        report.flaws.len(),
        report.waiting
    ));
    Ok(if report.flaws.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
