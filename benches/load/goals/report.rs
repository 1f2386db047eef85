use std::{collections::BTreeMap, fmt::Write, process::Command};

use anyhow::Result;

use super::{judge::Goal, readings::Readings};
use crate::options::Options;

/// The table of goals, then every reading, as Markdown.
pub fn table(options: &Options, goals: &[Goal], readings: &Readings, drift: &BTreeMap<String, f64>) -> Result<String> {
    let mut text = heading(options)?;
    writeln!(text, "| operation | must | measured | ratio | |")?;
    writeln!(text, "| --- | --- | --- | --- | --- |")?;
    for Goal { operation, must, measured, ratio, met } in goals {
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        writeln!(
            text,
            "| {operation} | {must} | {measured} | {ratio} | {} |",
            if *met { "met" } else { "**missed**" }
        )?;
    }
    writeln!(text, "\n| reading | median | of |\n| --- | --- | --- |")?;
    for (name, value, count) in readings.all() {
        let digits = if value < 10.0 { 2 } else { 0 };
        let moved = drift.get(name).map_or_else(String::new, |drift| format!(", moved by {:.0} %", drift * 100.0));
        writeln!(text, "| {name} | {} | {count}{moved} |", thousands(value, digits))?;
    }
    Ok(text)
}

/// Commit, command and machine.
pub fn heading(options: &Options) -> Result<String> {
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    let dirty =
        if output("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty() { "" } else { " with changes" };
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let suite = arguments.first().map_or("", String::as_str);
    let mut text = String::new();
    writeln!(text, "Commit {commit}{dirty}, `load {suite}` on {}, {}.", options.database_kind(), processor())?;
    writeln!(text, "Machine's load at the end: {load}.\n")?;
    Ok(text)
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = text.lines().filter(|line| line.starts_with("processor")).count();
    format!("{cores} cores of {}", model.trim_start_matches([' ', '\t', ':']))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// A number with commas between its thousands.
pub fn thousands(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or_else(|| grouped.clone(), |rest| format!("{grouped}.{rest}"))
}
