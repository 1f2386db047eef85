//! What the machine gives: each ceiling of the performance goals as a small program of its own.
//!
//! `http` and `jwt` are servers that the loader drives exactly as it drives Castellan; `unit` and
//! `argon` measure themselves. Nothing here is Castellan's: a ceiling that shared its code would
//! fall together with it.
//!
//! ```text
//! ceilings http                        bare axum, a small JSON answer
//! ceilings jwt                         the same, with one ES256 signature and one SHA-256
//! ceilings unit FOLDER SECONDS         one refresh with rotation a commit, on SQLite
//! ceilings insert POSTGRES SECONDS     single-row inserts a commit, on PostgreSQL
//! ceilings argon SECONDS               argon2id, 19 MiB, two passes, memory reused
//! ```
#![expect(clippy::print_stdout, reason = "a program that prints what it measured")]

mod argon;
mod insert;
mod server;
mod unit;

use std::time::Duration;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    match arguments[..] {
        ["http"] => runtime.block_on(server::hello()),
        ["jwt"] => runtime.block_on(server::sign()),
        ["unit", folder, seconds] => print(&runtime.block_on(unit::measure(folder.as_ref(), duration(seconds)?))?),
        ["insert", database, seconds] => print(&runtime.block_on(insert::measure(database, duration(seconds)?))?),
        ["argon", seconds] => print(&argon::measure(duration(seconds)?)?),
        [] => {
            println!("A mode is wanted: http, jwt, unit, insert or argon. scripts/bench runs them all.");
            Ok(())
        }
        _ => bail!("unknown mode or missing argument: {arguments:?}"),
    }
}

fn duration(seconds: &str) -> Result<Duration> {
    Ok(Duration::from_secs_f64(seconds.parse().context("seconds")?))
}

fn print(outcome: &serde_json::Value) -> Result<()> {
    println!("{outcome}");
    Ok(())
}
