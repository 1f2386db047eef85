//! The goals of the server's speed, judged as ratios to ceilings of the same run.

mod judge;
mod ours;
mod readings;
mod report;
mod start;

use std::time::Duration;

use anyhow::{Result, ensure};

pub use report::heading;
pub use start::start;

use crate::{goals::readings::Readings, options::Options, server::Demo};

/// How much time the table may take.
pub struct Effort {
    rounds: usize,
    slice: Duration,
}

impl Effort {
    /// One round of a second each: has something fallen off a cliff?
    pub const SMOKE: Self = Self { rounds: 1, slice: Duration::from_secs(1) };
    /// Five alternating rounds, worth writing down.
    pub const FULL: Self = Self { rounds: 5, slice: Duration::from_secs(2) };
}

/// The ceilings may move by so much between the first reading and the last.
const DRIFT: f64 = 0.25;

/// Measures, alternating with the ceilings, and judges.
pub async fn table(options: &Options, effort: &Effort) -> Result<String> {
    let rounds = options.rounds.unwrap_or(effort.rounds);
    let demo = Demo::start(&options.demo("table")?).await?;
    let mut ours = ours::Ours::prepare(&demo).await?;
    let mut readings = Readings::default();
    let ceilings = readings::CeilingServers::start(options)?;
    ceilings.read(&mut readings, effort.slice).await?;
    for _ in 0..rounds {
        ours.read(&mut readings, effort.slice).await?;
        ceilings.read(&mut readings, effort.slice).await?;
    }
    ours.read_memory(&mut readings).await?;
    ours::read_isolation(options, &mut readings, effort.slice).await?;
    let drift = readings.drift_of_ceilings();
    let quiet = drift.values().all(|drift| *drift <= DRIFT);
    let goals = judge::judge(&readings, options.database.is_some());
    if !quiet {
        let text = report::table(options, &goals, &readings, &drift)?;
        ensure!(options.noisy, "the ceilings moved by more than 25 %; the machine was not quiet:\n{text}");
        return Ok(format!("{text}\nThe ceilings moved by more than 25 % during this run: it is no evidence.\n"));
    }
    report::table(options, &goals, &readings, &drift)
}
