//! The command line: one file for each subcommand.
//!
//! Each does its work on the same rooms as the server, so that a rule holds wherever it is asked from,
//! and each may run beside a running server, which sees its writes within a second.

mod audit;
mod check_config;
mod client;
mod demo;
mod keys;
mod logging;
mod migrate;
mod output;
mod running;
mod serve;
mod start;
mod user;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::Source;

/// The identity server for vendors who sell products through managed service providers.
///
/// `castellan demo` shows everything at once; `castellan serve` is the server.
#[derive(Parser)]
#[command(name = "castellan", version, propagate_version = true, max_term_width = 100)]
struct CommandLine {
    /// The configuration file; without it castellan.toml, if there is one. Variables CASTELLAN_...
    /// override it. docs/castellan.toml documents every key.
    #[arg(long, global = true, env = "CASTELLAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a demonstration: a world of people and products, a mailbox, and three product apps
    Demo(demo::Arguments),
    /// Start the server
    Serve,
    /// Bring the database's schema up to date, and stop
    Migrate,
    /// Make and manage users
    #[command(subcommand)]
    User(user::Command),
    /// Make and manage OAuth clients
    #[command(subcommand)]
    Client(client::Command),
    /// Rotate signing keys, make master keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Check the audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Read and judge the configuration, and stop
    CheckConfig,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = CommandLine::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&anyhow::Error::new(error)),
    };
    let outcome = runtime.block_on(run(arguments));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(code) => code,
        Err(error) => output::fail(&error),
    }
}

async fn run(arguments: CommandLine) -> anyhow::Result<ExitCode> {
    let source = Source::new(arguments.config);
    match arguments.command {
        Command::Demo(arguments) => demo::run(arguments).await?,
        Command::Serve => serve::run(&source).await?,
        Command::Migrate => migrate::run(&source).await?,
        Command::User(command) => user::run(command, &source).await?,
        Command::Client(command) => client::run(command, &source).await?,
        Command::Keys(command) => keys::run(command, &source).await?,
        Command::Audit(command) => return audit::run(command, &source).await,
        Command::CheckConfig => check_config::run(&source)?,
    }
    Ok(ExitCode::SUCCESS)
}
