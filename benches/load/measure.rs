//! Running journeys: as fast as they go (closed), or at a fixed rate of arrival (open).

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;

use crate::server::Process;

/// Something a client does again and again, on a connection of its own.
pub trait Journey {
    /// Does it once. `false` when there is nothing left to do it with.
    async fn step(&mut self) -> Result<bool>;
}

/// What a run took.
pub struct Measured {
    pub per_second: f64,
    pub per_cpu_second: f64,
    /// Microseconds, sorted.
    latencies: Vec<u64>,
}

impl Measured {
    /// The latency that so many of a thousand requests stayed within.
    pub fn permille(&self, permille: usize) -> Duration {
        let index = (self.latencies.len() * permille / 1000).min(self.latencies.len().saturating_sub(1));
        Duration::from_micros(self.latencies.get(index).copied().unwrap_or_default())
    }

    fn new(process: &Process, cpu: f64, wall: Duration, latencies: Vec<Vec<u64>>) -> Result<Self> {
        let mut latencies = latencies.concat();
        ensure!(!latencies.is_empty(), "nothing was measured");
        latencies.sort_unstable();
        let count = count(latencies.len());
        let cpu = process.cpu_seconds()? - cpu;
        Ok(Self { per_second: count / wall.as_secs_f64(), per_cpu_second: count / cpu, latencies })
    }
}

/// A count as a number to divide by.
pub fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// Each journey again as soon as it is done, until the time is over or it has nothing left.
pub async fn closed<J: Journey>(process: &Process, journeys: &mut [J], duration: Duration) -> Result<Measured> {
    let (began, cpu) = (Instant::now(), process.cpu_seconds()?);
    let latencies = try_join_all(journeys.iter_mut().map(async |journey| -> Result<Vec<u64>> {
        let mut latencies = Vec::new();
        loop {
            let sent = Instant::now();
            if sent - began >= duration || !journey.step().await? {
                return Ok(latencies);
            }
            latencies.push(micros(sent.elapsed()));
        }
    }))
    .await?;
    Measured::new(process, cpu, began.elapsed(), latencies)
}

/// Arrivals at a fixed rate, whoever is free takes the next. Latency counts from the moment a request
/// was due, so a stall is not hidden by the requests that were held back meanwhile.
pub async fn open<J: Journey>(
    process: &Process,
    journeys: &mut [J],
    per_second: f64,
    duration: Duration,
) -> Result<Measured> {
    let (began, cpu) = (Instant::now(), process.cpu_seconds()?);
    let next = Cell::new(0_u32);
    let next = &next;
    let latencies = try_join_all(journeys.iter_mut().map(async |journey| -> Result<Vec<u64>> {
        let mut latencies = Vec::new();
        loop {
            let due = Duration::from_secs_f64(f64::from(next.replace(next.get() + 1)) / per_second);
            if due >= duration {
                return Ok(latencies);
            }
            tokio::time::sleep_until((began + due).into()).await;
            if !journey.step().await? {
                return Ok(latencies);
            }
            latencies.push(micros(began.elapsed() - due));
        }
    }))
    .await?;
    Measured::new(process, cpu, began.elapsed(), latencies)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
