use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Process, SERVER_CORE};
use crate::http::Target;

/// The ceilings' program.
#[derive(Clone)]
pub struct Ceilings {
    pub program: String,
}

impl Ceilings {
    /// Starts one of its servers.
    pub fn serve(&self, mode: &str) -> Result<(Process, Target)> {
        let mut process = Process::pinned(&self.program, |command| {
            command.arg(mode).stdout(Stdio::piped());
        })?;
        let output = process.child().stdout.take().context("its output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let target = Target::of_url(&format!("http://{}", address.trim()))?;
        Ok((process, target))
    }

    /// Units a second on SQLite in that folder, at 1 and at 32 in flight.
    pub fn unit(&self, folder: &Path, seconds: f64) -> Result<(f64, f64)> {
        in_flight(&self.run(&["unit", &folder.display().to_string(), &seconds.to_string()])?)
    }

    /// Inserts a second on PostgreSQL, at 1 and at 32 connections.
    pub fn insert(&self, database: &str, seconds: f64) -> Result<(f64, f64)> {
        in_flight(&self.run(&["insert", database, &seconds.to_string()])?)
    }

    /// Password hashes a CPU-second.
    pub fn argon(&self, seconds: f64) -> Result<f64> {
        self.run(&["argon", &seconds.to_string()])?["per_cpu_second"].as_f64().context("a rate")
    }

    fn run(&self, arguments: &[&str]) -> Result<Value> {
        let output = Command::new("taskset")
            .args(["--cpu-list", SERVER_CORE, &self.program])
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "{} {arguments:?} failed", self.program);
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

fn in_flight(outcome: &Value) -> Result<(f64, f64)> {
    let rate = |name: &str| outcome[name].as_f64().context("a rate");
    Ok((rate("in_flight_1")?, rate("in_flight_32")?))
}
