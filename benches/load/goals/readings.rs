use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Result;

use crate::{
    http::Target,
    journeys::Fixed,
    measure::{self, Measured},
    options::Options,
    server::{Ceilings, Process},
};

/// Connections that keep a server busy.
pub const BUSY: usize = 32;

/// All readings of each quantity, in order.
#[derive(Default)]
pub struct Readings(BTreeMap<String, Vec<f64>>);

impl Readings {
    pub fn push(&mut self, name: &str, value: f64) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }

    /// Keeps both rates and two latencies of a run.
    pub fn keep(&mut self, name: &str, measured: &Measured) {
        self.push(&format!("{name} /cpu-s"), measured.per_cpu_second);
        self.push(&format!("{name} /s"), measured.per_second);
        self.push(&format!("{name} p50 ms"), measured.permille(500).as_secs_f64() * 1e3);
        self.push(&format!("{name} p99 ms"), measured.permille(990).as_secs_f64() * 1e3);
    }

    pub fn median(&self, name: &str) -> Option<f64> {
        let mut values = self.0.get(name)?.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        Some(if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 })
    }

    /// By how much each ceiling's last reading differs from its first.
    pub fn drift_of_ceilings(&self) -> BTreeMap<String, f64> {
        let ceilings = self.0.iter().filter(|(name, _)| name.starts_with("C_"));
        ceilings
            .filter_map(|(name, values)| Some((name.clone(), (values.last()? / values.first()? - 1.0).abs())))
            .collect()
    }

    /// Every quantity's name, median and number of readings.
    pub fn all(&self) -> impl Iterator<Item = (&str, f64, usize)> {
        self.0.iter().filter_map(|(name, values)| Some((name.as_str(), self.median(name)?, values.len())))
    }
}

/// The ceilings' servers, idle while others are measured.
pub struct CeilingServers {
    ceilings: Ceilings,
    hello: (Process, Target),
    sign: (Process, Target),
    folder: PathBuf,
    database: Option<String>,
}

impl CeilingServers {
    pub fn start(options: &Options) -> Result<Self> {
        Ok(Self {
            hello: options.ceilings.serve("http")?,
            sign: options.ceilings.serve("jwt")?,
            ceilings: options.ceilings.clone(),
            folder: options.folder.clone(),
            database: options.database.clone(),
        })
    }

    pub async fn read(&self, readings: &mut Readings, slice: Duration) -> Result<()> {
        let (process, target) = &self.hello;
        let hello = fixed(process, target, &target.get("/", &[]), slice).await?;
        readings.push("C_http /cpu-s", hello.per_cpu_second);
        let (process, target) = &self.sign;
        let form = [("grant_type", "client_credentials"), ("client_id", "machine"), ("client_secret", &"s".repeat(43))];
        let signed = fixed(process, target, &target.post("/token", &[], &form), slice).await?;
        readings.push("C_jwt /cpu-s", signed.per_cpu_second);
        readings.push("C_argon /cpu-s", self.ceilings.argon(slice.as_secs_f64())?);
        let seconds = slice.as_secs_f64() / 2.0;
        if let Some(database) = &self.database {
            let (alone, together) = self.ceilings.insert(database, seconds)?;
            readings.push("C_insert (1) /s", alone);
            readings.push("C_insert (32) /s", together);
        } else {
            let (alone, together) = self.ceilings.unit(&self.folder, seconds)?;
            readings.push("C_unit (1) /s", alone);
            readings.push("C_unit (32 a commit) /s", together);
        }
        Ok(())
    }
}

/// One request over busy connections.
pub async fn fixed(process: &Process, target: &Target, request: &[u8], slice: Duration) -> Result<Measured> {
    let mut journeys = Fixed::connections(target, request, BUSY).await?;
    measure::closed(process, &mut journeys, slice / 10).await?;
    measure::closed(process, &mut journeys, slice).await
}
