//! Every secret of the demo and every one that a run makes is a canary: none may be found in the
//! database, its write-ahead log, or a log at trace level.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{search::Canaries, secrets};
use crate::{goals::heading, options::Options, server::Demo};

pub async fn canary(options: &Options) -> Result<String> {
    let mut start = options.demo("canary")?;
    let log = options.folder.join("trace.log");
    start.log = Some(("trace".to_owned(), log.clone()));
    let mut demo = Demo::start(&start).await?;
    let mut canaries = Canaries::default();
    secrets::of_the_world(&demo.world, &mut canaries);
    secrets::use_everything(&demo, &mut canaries).await?;
    // The audit chain and the outbox work in the background.
    tokio::time::sleep(Duration::from_secs(2)).await;

    let mut search = Search { canaries, places: BTreeMap::new(), found: Vec::new() };
    // A search that finds nothing must be one that can find something: here a name, below a line.
    let login = demo.world.product_pair()?.1.login.to_ascii_lowercase();
    let mut login_seen = false;
    for (kind, place) in places(options, &start.folder.join("demo"))? {
        login_seen |= contains(&search.file(kind, &place)?, login.as_bytes());
    }
    ensure!(login_seen, "the search did not even find a login name in the database");
    demo.process.stop()?;
    let logged = search.file("log at trace level", &log)?;
    for path in ["/token", "/login/password", "/introspect"] {
        let told = format!("path=\"{path}\"");
        ensure!(contains(&logged, told.as_bytes()), "the log does not even tell of a request to {path}");
    }
    let text = search.report(options)?;
    ensure!(search.found.is_empty(), "secrets lie about:\n{}\n{text}", search.found.join("\n"));
    Ok(text)
}

/// What was searched, and what was found.
struct Search {
    canaries: Canaries,
    places: BTreeMap<&'static str, (usize, usize)>,
    found: Vec<String>,
}

impl Search {
    fn file(&mut self, kind: &'static str, path: &Path) -> Result<Vec<u8>> {
        let bytes = fs::read(path)?;
        let hits = self.canaries.found_in(&bytes);
        let (size, count) = self.places.entry(kind).or_default();
        *size += bytes.len();
        *count += hits.len();
        self.found.extend(hits.into_iter().map(|hit| format!("{hit}: in {}", path.display())));
        Ok(bytes)
    }

    fn report(&self, options: &Options) -> Result<String> {
        let mut text = heading(options)?;
        writeln!(text, "{} canaries, in plain, hex, base64, escaped and decoded.\n", self.canaries.len())?;
        writeln!(text, "| where | bytes | found |\n| --- | --- | --- |")?;
        for (kind, (size, count)) in &self.places {
            writeln!(text, "| {kind} | {size} | {count} |")?;
        }
        Ok(text)
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// The database's files while the server runs; PostgreSQL's dump, tables and write-ahead log.
fn places(options: &Options, folder: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    let mut places = Vec::new();
    for path in files_below(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains(".db") {
            places.push((if name.ends_with("-wal") { "write-ahead log" } else { "database" }, path));
        }
    }
    if let Some(database) = &options.database {
        let dump = options.folder.join("dump.sql");
        let status = Command::new("pg_dump").arg("--file").arg(&dump).arg(database).status().context("pg_dump")?;
        ensure!(status.success(), "pg_dump");
        places.push(("dump", dump));
    }
    for folder in &options.also_search {
        for path in files_below(folder)? {
            let log = path.components().any(|part| part.as_os_str() == "pg_wal");
            places.push((if log { "write-ahead log" } else { "database" }, path));
        }
    }
    Ok(places)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}
