use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{Process, World, process::SERVER_CORE};
use crate::http::{Connection, Target};

/// How long a start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to start the demo.
#[derive(Clone)]
pub struct Options {
    pub program: String,
    pub folder: PathBuf,
    pub port: u16,
    /// PostgreSQL, instead of SQLite in the folder.
    pub database: Option<String>,
    /// Its log level, and the file the log goes to.
    pub log: Option<(String, PathBuf)>,
    /// On the server's core, or on all of them.
    pub pinned: bool,
}

impl Options {
    pub fn new(program: &str, folder: &Path, database: Option<&str>) -> Result<Self> {
        Ok(Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            port: free_port()?,
            database: database.map(str::to_owned),
            log: None,
            pinned: true,
        })
    }
}

/// `castellan demo`, up and described.
pub struct Demo {
    pub process: Process,
    pub world: World,
    pub target: Target,
    /// From the start of the process to the first 200 of discovery.
    pub ready: Duration,
    /// From the start of the process until the describe file stands there, so every listener answers.
    pub described: Duration,
    /// CPU seconds at that moment.
    pub cpu_at_start: f64,
}

impl Demo {
    pub async fn start(options: &Options) -> Result<Self> {
        fs::create_dir_all(&options.folder)?;
        let describe = options.folder.join("describe.json");
        let _ = fs::remove_file(&describe);
        let began = Instant::now();
        let mut process = Process::spawn(command(options, &describe)?)?;
        let target =
            Target { address: ([127, 0, 0, 1], options.port).into(), host: format!("localhost:{}", options.port) };
        let ready = first_answer(&target, &mut process, began).await?;
        let mut described = None;
        while described.is_none() {
            if describe.exists() {
                described = Some(began.elapsed());
            }
            pause(&mut process, began).await?;
        }
        let text = fs::read_to_string(&describe)?;
        let world = serde_json::from_str(&text).context("the describe file")?;
        let cpu_at_start = process.cpu_seconds()?;
        Ok(Self { process, world, target, ready, described: described.unwrap_or_default(), cpu_at_start })
    }
}

fn command(options: &Options, describe: &Path) -> Result<Command> {
    let mut words = vec![options.program.clone()];
    if options.pinned {
        words.splice(0..0, ["taskset", "--cpu-list", SERVER_CORE].map(str::to_owned));
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command.arg("demo").arg("--dir").arg(options.folder.join("demo"));
    command.args(["--listen", &format!("127.0.0.1:{}", options.port)]).arg("--describe").arg(describe);
    if let Some(database) = &options.database {
        command.args(["--database", database]);
    }
    command.stdout(Stdio::null());
    if let Some((level, file)) = &options.log {
        let log = fs::File::options().create(true).append(true).open(file)?;
        command.env("CASTELLAN_LOG__LEVEL", level).stderr(log);
    } else {
        command.env("CASTELLAN_LOG__LEVEL", "warn");
    }
    Ok(command)
}

async fn first_answer(target: &Target, process: &mut Process, began: Instant) -> Result<Duration> {
    let request = target.get("/.well-known/openid-configuration", &[]);
    loop {
        let answer = Connection::new(target).send(&request).await;
        if answer.is_ok_and(|answer| answer.status == 200) {
            return Ok(began.elapsed());
        }
        pause(process, began).await?;
    }
}

async fn pause(process: &mut Process, began: Instant) -> Result<()> {
    if let Some(status) = process.child().try_wait()? {
        bail!("the demo ended at its start: {status}");
    }
    if began.elapsed() > PATIENCE {
        bail!("the demo was not ready within {PATIENCE:?}");
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A second node as operators run it: `castellan serve` on the same PostgreSQL, with the same keys.
pub async fn second_node(first: &Options) -> Result<(Process, Target)> {
    let port = free_port()?;
    let mut command = Command::new(&first.program);
    command
        .arg("serve")
        .current_dir(&first.folder)
        .env("CASTELLAN_LISTEN", format!("127.0.0.1:{port}"))
        .env("CASTELLAN_PUBLIC_URL", format!("http://localhost:{}", first.port))
        .env("CASTELLAN_DATABASE", first.database.as_deref().context("nodes share a PostgreSQL")?)
        .env("CASTELLAN_MASTER_KEY_FILE", first.folder.join("demo").join("castellan.key"))
        .env("CASTELLAN_LIMITS__REQUESTS_PER_SECOND", "0")
        .env("CASTELLAN_LOG__LEVEL", "warn")
        .stdout(Stdio::null());
    let mut process = Process::spawn(command)?;
    let target = Target { address: ([127, 0, 0, 1], port).into(), host: format!("localhost:{}", first.port) };
    first_answer(&target, &mut process, Instant::now()).await?;
    Ok((process, target))
}
