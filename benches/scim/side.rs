//! The same script at Castellan, scim2-server and SCIMMY, one after the other in one run.

use std::{
    fmt::Write,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{
    client::{Party, encoded},
    seed::Seeded,
};
use crate::{
    http::{Answer, Connection, Target},
    options::Options,
    server::{self, Demo, Process, free_port},
};

/// How long one row may take at each server; at least one request is made.
const SLICE: Duration = Duration::from_secs(2);
/// How long users are created at most: a slow server is measured at what it has by then.
const CREATING: Duration = Duration::from_secs(60);

/// What one server took for each row: CPU and median wall, in milliseconds.
struct Column {
    name: &'static str,
    rows: Vec<(&'static str, f64, f64)>,
    users: usize,
    resident: f64,
}

/// The comparison as Markdown; empty without `--peers`.
pub async fn table(options: &Options, seeded: &Seeded, demo: &server::Options) -> Result<String> {
    let Some(peers) = &options.peers else { return Ok(String::new()) };
    let tool = seeded.connection("beside").await?;
    let running = Demo::start(demo).await?;
    let party = Party::ours(&running, &tool)?;
    let mut columns = vec![column("Castellan", &party, &running.process, options.peer_users).await?];
    drop(running);
    let (process, target) = scim2_server(peers).await?;
    columns.push(column("scim2-server", &Party::of(target, "", true), &process, options.peer_users).await?);
    drop(process);
    let (process, target) = scimmy(peers).await?;
    columns.push(column("SCIMMY", &Party::of(target, "/scim", false), &process, options.peer_users).await?);
    markdown(&columns)
}

async fn scim2_server(peers: &Path) -> Result<(Process, Target)> {
    let port = free_port()?;
    let program = peers.join("venv").join("bin").join("scim2-server");
    let process = Process::pinned(&program.display().to_string(), |command| {
        command.args(["--port", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    })?;
    Ok((process, listening(port, "/ServiceProviderConfig").await?))
}

async fn scimmy(peers: &Path) -> Result<(Process, Target)> {
    let port = free_port()?;
    let process = Process::pinned("node", |command| {
        command.current_dir(peers).args(["scimmy.mjs", &port.to_string()]).stdout(Stdio::null());
    })?;
    Ok((process, listening(port, "/scim/ServiceProviderConfig").await?))
}

async fn listening(port: u16, path: &str) -> Result<Target> {
    let target = Target { address: ([127, 0, 0, 1], port).into(), host: format!("127.0.0.1:{port}") };
    let request = target.get(path, &[("authorization", "Bearer bench")]);
    for _ in 0..400 {
        if Connection::new(&target).send(&request).await.is_ok() {
            return Ok(target);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("nothing answers at {path} of port {port}")
}

/// One server's turn.
struct Turn<'p> {
    party: &'p Party,
    process: &'p Process,
    connection: Connection,
    rows: Vec<(&'static str, f64, f64)>,
}

async fn column(name: &'static str, party: &Party, process: &Process, users: usize) -> Result<Column> {
    let connection = Connection::open(&party.target).await?;
    let mut turn = Turn { party, process, connection, rows: Vec::new() };
    let ids = turn.create(users).await?;
    let reached = ids.len();
    let middle = reached / 2;
    turn.row("GET /Users/{id}", |party| party.get(&format!("/Users/{}", ids[middle]))).await?;
    for (row, filter) in [
        ("userName eq, hit", format!("userName eq \"beside.{middle}@bench.example\"")),
        ("userName eq, miss", "userName eq \"nobody@bench.example\"".to_owned()),
        ("externalId eq", format!("externalId eq \"beside-{middle}\"")),
        ("emails[type eq \"work\"].value eq", {
            format!("emails[type eq \"work\" and value eq \"beside.{middle}@bench.example\"]")
        }),
    ] {
        turn.row(row, |party| party.get(&format!("/Users?filter={}", encoded(&filter)))).await?;
    }
    turn.row("list, 100 a page", |party| party.get("/Users?startIndex=1&count=100")).await?;
    turn.groups(&ids).await?;
    Ok(Column { name, rows: turn.rows, users: reached, resident: process.resident_mib()? })
}

impl Turn<'_> {
    async fn create(&mut self, users: usize) -> Result<Vec<String>> {
        let request = super::lists::creating(self.party, "beside");
        let (began, cpu) = (Instant::now(), self.process.cpu_seconds()?);
        let (mut ids, mut times) = (Vec::new(), Vec::new());
        while ids.len() < users && began.elapsed() < CREATING {
            let asked = request(ids.len()).context("a request")?;
            let (answer, time) = self.send(&asked).await?;
            ids.push(answer.json()?["id"].as_str().context("an id")?.to_owned());
            times.push(time);
        }
        self.keep("POST /Users", cpu, times)?;
        Ok(ids)
    }

    async fn groups(&mut self, ids: &[String]) -> Result<()> {
        let (last, others) = ids.split_last().context("users")?;
        let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "beside" });
        let (made, _) = self.send(&self.party.request("POST", "/Groups", Some(&group))).await?;
        let path = format!("/Groups/{}", made.json()?["id"].as_str().context("an id")?);
        let members = |ids: &[String]| ids.iter().map(|id| json!({ "value": id })).collect::<Value>();
        let patch = |party: &Party, operation: Value| {
            let body =
                json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
            party.request("PATCH", &path, Some(&body))
        };
        let (cpu, mut times) = (self.process.cpu_seconds()?, Vec::new());
        for thousand in others.chunks(1000) {
            let add = json!({ "op": "add", "path": "members", "value": members(thousand) });
            times.push(self.send(&patch(self.party, add)).await?.1);
        }
        self.keep("PATCH group, 1,000 members more", cpu, times)?;
        let one = std::slice::from_ref(last);
        let (cpu, mut times) = (self.process.cpu_seconds()?, Vec::new());
        let began = Instant::now();
        while times.is_empty() || began.elapsed() < SLICE {
            let add = json!({ "op": "add", "path": "members", "value": members(one) });
            times.push(self.send(&patch(self.party, add)).await?.1);
            let remove = json!({ "op": "remove", "path": format!("members[value eq \"{last}\"]") });
            times.push(self.send(&patch(self.party, remove)).await?.1);
        }
        self.keep("PATCH group of everybody, one member more or less", cpu, times)?;
        self.row("GET group without members", |party| party.get(&format!("{path}?excludedAttributes=members"))).await
    }

    /// The same request again and again.
    async fn row(&mut self, row: &'static str, request: impl Fn(&Party) -> Vec<u8>) -> Result<()> {
        let request = request(self.party);
        let (began, cpu, mut times) = (Instant::now(), self.process.cpu_seconds()?, Vec::new());
        while times.is_empty() || began.elapsed() < SLICE {
            times.push(self.send(&request).await?.1);
        }
        self.keep(row, cpu, times)
    }

    async fn send(&mut self, request: &[u8]) -> Result<(Answer, f64)> {
        if self.party.closes {
            self.connection = Connection::new(&self.party.target);
        }
        self.party.timed(&mut self.connection, request).await
    }

    fn keep(&mut self, row: &'static str, cpu: f64, mut times: Vec<f64>) -> Result<()> {
        let cpu = (self.process.cpu_seconds()? - cpu) * 1e3 / crate::measure::count(times.len());
        times.sort_by(f64::total_cmp);
        self.rows.push((row, cpu, times.get(times.len() / 2).copied().unwrap_or_default()));
        Ok(())
    }
}

fn markdown(columns: &[Column]) -> Result<String> {
    let mut text = String::from("\nSide by side, CPU milliseconds of the server for each request (median wall):\n\n|");
    for Column { name, users, .. } in columns {
        write!(text, " | {name} ({users} users)")?;
    }
    text.push_str(" |\n| ---");
    text.push_str(&" | ---".repeat(columns.len()));
    text.push_str(" |\n");
    let rows = columns.first().map_or(0, |column| column.rows.len());
    for row in 0..rows {
        write!(text, "| {}", columns[0].rows[row].0)?;
        for column in columns {
            let (_, cpu, wall) = column.rows[row];
            write!(text, " | {cpu:.2} ({wall:.1})")?;
        }
        text.push_str(" |\n");
    }
    text.push_str("| memory");
    for column in columns {
        write!(text, " | {:.0} MiB", column.resident)?;
    }
    text.push_str(" |\n");
    Ok(text)
}
