use std::fmt::Write;

use anyhow::Result;

use crate::{measure::Measured, server::Process};

/// What came out, a row for each operation.
#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    operation: String,
    /// Milliseconds of the server's processor, and of the clock.
    cpu: Option<f64>,
    p50: Option<f64>,
    p99: Option<f64>,
    note: String,
}

impl Table {
    /// A run of many requests.
    pub fn run(&mut self, operation: &str, measured: &Measured) {
        self.push(Row {
            operation: operation.to_owned(),
            cpu: Some(1e3 / measured.per_cpu_second),
            p50: Some(measured.permille(500).as_secs_f64() * 1e3),
            p99: Some(measured.permille(990).as_secs_f64() * 1e3),
            note: format!("{:.0}/s", measured.per_second),
        });
    }

    /// Single requests, by the clock: their median and their slowest.
    pub fn times(&mut self, operation: &str, mut milliseconds: Vec<f64>, note: &str) {
        milliseconds.sort_by(f64::total_cmp);
        let median = milliseconds.get(milliseconds.len() / 2).copied();
        let row = Row {
            operation: operation.to_owned(),
            cpu: None,
            p50: median,
            p99: milliseconds.last().copied(),
            note: note.to_owned(),
        };
        self.push(row);
    }

    pub fn memory(&mut self, process: &Process, users: usize) -> Result<()> {
        let (resident, peak) = (process.resident_mib()?, process.peak_mib()?);
        let note = format!("{resident:.0} MiB resident, {peak:.0} MiB at most");
        let operation = format!("memory with {users} users");
        self.push(Row { operation, cpu: None, p50: None, p99: None, note });
        Ok(())
    }

    fn push(&mut self, row: Row) {
        self.0.push(row);
    }

    pub fn markdown(&self) -> String {
        let mut text = String::from("| operation | CPU ms | p50 ms | p99 ms | |\n| --- | --- | --- | --- | --- |\n");
        let shown = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
        for Row { operation, cpu, p50, p99, note } in &self.0 {
            let (cpu, p50, p99) = (shown(*cpu), shown(*p50), shown(*p99));
            let _ = writeln!(text, "| {operation} | {cpu} | {p50} | {p99} | {note} |");
        }
        text
    }
}
