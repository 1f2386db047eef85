//! The load: a client in a process of its own that starts `castellan demo`, measures it against the
//! ceilings of the same minutes, and tries to break its promises with `kill -9`.
//!
//! ```text
//! load smoke|full     the table of goals: one short round, or five alternating ones
//! load start          time to ready and idle memory
//! load crash          kill -9 in the middle of code exchanges, again and again
//! load flush          a trace of system calls: a flush between each request and its 200
//! load race           one code, fifty redemptions, one or two nodes
//! load canary         no secret in database, log or memory that outlives it
//! load scim           lists, lookups and large groups, up to a million users
//! ```
//! Options: `--castellan PATH`, `--ceilings PATH`, `--folder DIR`, `--database POSTGRES_URL`,
//! `--rounds N`, `--noisy` (report although the ceilings moved); for scim `--users N`, `--peers DIR`,
//! `--peer-users N`. scripts/bench and scripts/soak call it.
#![expect(clippy::print_stdout, reason = "a program that prints what it measured")]

mod faults;
mod goals;
mod http;
mod journeys;
mod measure;
mod options;
#[path = "../scim/mod.rs"]
mod scim;
mod server;

use anyhow::{Result, bail};
use options::Options;

fn main() -> Result<()> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some((suite, rest)) = arguments.split_first() else {
        println!("A suite is wanted: smoke, full, start, crash, flush, race, canary or scim. scripts/bench runs them.");
        return Ok(());
    };
    let options = Options::parse(rest)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        match suite.as_str() {
            "smoke" => goals::table(&options, &goals::Effort::SMOKE).await,
            "full" => goals::table(&options, &goals::Effort::FULL).await,
            "start" => goals::start(&options).await,
            "crash" => faults::crash(&options).await,
            "flush" => faults::flush(&options).await,
            "race" => faults::race(&options).await,
            "canary" => faults::canary(&options).await,
            "scim" => scim::table(&options).await,
            _ => bail!("unknown suite: {suite}"),
        }
    })?;
    println!("{report}");
    Ok(())
}
