use std::{fmt::Write, fs, time::Duration};

use anyhow::Result;

use super::{readings::Readings, report};
use crate::{options::Options, server::Demo};

/// Starts of each kind.
const STARTS: usize = 5;

/// Time to ready on an empty and on an existing folder, and memory at rest.
pub async fn start(options: &Options) -> Result<String> {
    let mut readings = Readings::default();
    for round in 0..options.rounds.unwrap_or(STARTS) {
        let mut start = options.demo(&format!("start-{round}"))?;
        start.pinned = false;
        if round > 0 && start.database.is_some() {
            break; // One database is empty once.
        }
        for folder in ["empty", "existing"] {
            let mut demo = Demo::start(&start).await?;
            readings.push(&format!("{folder} folder: first 200, s"), demo.ready.as_secs_f64());
            readings.push(&format!("{folder} folder: all listeners answer, s"), demo.described.as_secs_f64());
            readings.push(&format!("{folder} folder: CPU until then, s"), demo.cpu_at_start);
            tokio::time::sleep(Duration::from_secs(3)).await;
            readings.push(&format!("{folder} folder: memory after 3 s at rest, MiB"), demo.process.resident_mib()?);
            demo.process.stop()?;
        }
        fs::remove_dir_all(&start.folder)?;
    }
    let mut text = report::heading(options)?;
    writeln!(text, "| start | must | median | |\n| --- | --- | --- | --- |")?;
    let goals = [
        ("empty folder: first 200, s", 0.4),
        ("existing folder: first 200, s", 0.2),
        ("existing folder: CPU until then, s", 0.11),
        ("empty folder: memory after 3 s at rest, MiB", 30.0),
        ("existing folder: memory after 3 s at rest, MiB", 30.0),
        ("empty folder: all listeners answer, s", f64::INFINITY),
        ("existing folder: all listeners answer, s", f64::INFINITY),
    ];
    for (name, must) in goals {
        let Some(value) = readings.median(name) else { continue };
        let verdict = if must.is_infinite() {
            ""
        } else if value <= must {
            "met"
        } else {
            "**missed**"
        };
        let must = if must.is_infinite() { String::new() } else { format!("≤ {must}") };
        writeln!(text, "| {name} | {must} | {value:.3} | {verdict} |")?;
    }
    Ok(text)
}
