use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::server::{self, Ceilings};

/// The command line after the suite's name.
pub struct Options {
    pub castellan: String,
    pub ceilings: Ceilings,
    pub folder: PathBuf,
    pub database: Option<String>,
    pub rounds: Option<usize>,
    pub noisy: bool,
    /// Process ids whose system calls count as the server's: PostgreSQL's.
    pub also_trace: Vec<String>,
    /// Folders whose files count as the database's: PostgreSQL's cluster.
    pub also_search: Vec<PathBuf>,
    /// A second, empty database, for the demo that runs on all cores.
    pub isolation_database: Option<String>,
    /// How many users the suite scim seeds.
    pub users: usize,
    /// Where other SCIM servers are installed, to be measured beside ours, and at how many users.
    pub peers: Option<PathBuf>,
    pub peer_users: usize,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            castellan: "target/release/castellan".to_owned(),
            ceilings: Ceilings { program: String::new() },
            folder: std::env::temp_dir().join(format!("castellan-load.{}", std::process::id())),
            database: None,
            rounds: None,
            noisy: false,
            also_trace: Vec::new(),
            also_search: Vec::new(),
            isolation_database: None,
            users: 1_000_000,
            peers: None,
            peer_users: 5_000,
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().cloned().with_context(|| format!("{name} wants a value"));
            match name.as_str() {
                "--castellan" => options.castellan = value()?,
                "--ceilings" => options.ceilings.program = value()?,
                "--folder" => options.folder = value()?.into(),
                "--database" => options.database = Some(value()?),
                "--rounds" => options.rounds = Some(value()?.parse()?),
                "--also-trace" => options.also_trace = value()?.split(',').map(str::to_owned).collect(),
                "--also-search" => options.also_search.push(value()?.into()),
                "--isolation-database" => options.isolation_database = Some(value()?),
                "--users" => options.users = value()?.parse()?,
                "--peers" => options.peers = Some(std::fs::canonicalize(value()?)?),
                "--peer-users" => options.peer_users = value()?.parse()?,
                "--noisy" => options.noisy = true,
                _ => bail!("unknown option: {name}"),
            }
        }
        std::fs::create_dir_all(&options.folder)?;
        // Programs and folders are named from other folders too.
        let program = std::fs::canonicalize(&options.castellan).with_context(|| options.castellan.clone())?;
        options.castellan = program.display().to_string();
        options.folder = std::fs::canonicalize(&options.folder)?;
        Ok(options)
    }

    /// How to start the demo in a folder of that name.
    pub fn demo(&self, name: &str) -> Result<server::Options> {
        server::Options::new(&self.castellan, &self.folder.join(name), self.database.as_deref())
    }

    /// What kind of database this run is about.
    pub fn database_kind(&self) -> &'static str {
        if self.database.is_some() { "PostgreSQL" } else { "SQLite" }
    }
}
