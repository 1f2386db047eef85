//! Throws changed and broken input at what reads SCIM requests: filters, paths, PATCH operations and
//! resources. No input may panic, break a law of its target, or take longer than 50 ms.
//!
//! ```text
//! fuzz filter|path|patch|resource|all [--seconds N] [--seed N]
//! ```
//! Seconds are of CPU time, for each target. Input is made from a corpus of requests as tools send them,
//! by cutting, doubling and mixing; what has an outcome not seen before joins the corpus. Which branches
//! of the code were reached is not measured. scripts/soak runs it for ten minutes each.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints what it found")]

mod corpus;
mod mutate;
mod oracle;
mod targets;

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use proptest::test_runner::{RngAlgorithm, TestRng};
use targets::{Outcome, Target};

/// The longest that an input may take; builds without optimisation are given more.
const LONGEST: Duration = if cfg!(debug_assertions) { Duration::from_millis(750) } else { Duration::from_millis(50) };
/// What is longer is refused before it is read: `limits.body_bytes` as it ships.
const LARGEST_INPUT: usize = 1 << 20;
/// An input that is not through after so much CPU time never will be.
const ENDLESS: Duration = Duration::from_secs(20);
/// How many inputs the corpus holds at most.
const LARGEST_CORPUS: usize = 4096;

fn main() -> Result<()> {
    // `cargo bench` adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let Some(name) = arguments.next() else {
        println!("A target is wanted: filter, path, patch, resource or all. scripts/soak runs them.");
        return Ok(());
    };
    let (mut seconds, mut seed) = (10, 1_u64);
    while let Some(option) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{option} wants a value"))?;
        match option.as_str() {
            "--seconds" => seconds = value.parse()?,
            "--seed" => seed = value.parse()?,
            _ => bail!("unknown option: {option}"),
        }
    }
    let chosen: Vec<&str> = targets::NAMES.into_iter().filter(|target| name == "all" || name == *target).collect();
    ensure!(!chosen.is_empty(), "unknown target: {name}");
    for target in chosen {
        run(target, Duration::from_secs(seconds), seed)?;
    }
    Ok(())
}

fn run(name: &str, budget: Duration, seed: u64) -> Result<()> {
    let mut target = Target::new(name)?;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let watched = watch(name);
    let (mut seen, mut slowest) = (HashSet::new(), (Duration::ZERO, String::new()));
    let (began, mut inputs, mut taken) = (cpu_time()?, 0_u64, 0_u64);
    while !inputs.is_multiple_of(64) || cpu_time()? - began < budget {
        let input = target.input(&mut random);
        if input.len() > LARGEST_INPUT {
            continue;
        }
        *watched.lock().unwrap_or_else(PoisonError::into_inner) = (inputs, input.clone());
        let (outcome, duration) = judge(&target, &input)?;
        inputs += 1;
        if duration > slowest.0 {
            slowest = (duration, input.clone());
        }
        let signature = match outcome {
            Outcome::Taken(signature) => {
                taken += 1;
                signature
            }
            Outcome::Refused(signature) => signature,
            Outcome::Broken(law) => bail!("{name}, seed {seed}: {law}\n{input}"),
        };
        if seen.insert(signature) && target.corpus.len() < LARGEST_CORPUS {
            target.corpus.push(input);
        }
    }
    let (duration, input) = slowest;
    let shown: String = input.chars().take(120).collect();
    println!(
        "{name}: {inputs} inputs, {taken} taken, {} outcomes, slowest {:.1} ms ({} bytes: {shown:?}){}",
        seen.len(),
        duration.as_secs_f64() * 1000.0,
        input.len(),
        target.oracle.report(),
    );
    Ok(())
}

/// The input that is judged, and how many there were before it.
type Watched = Arc<Mutex<(u64, String)>>;

/// Ends this program with the input that does not end: from within, nobody would hear of it.
fn watch(name: &str) -> Watched {
    let watched = Watched::default();
    let (watching, name) = (Arc::clone(&watched), name.to_owned());
    std::thread::spawn(move || {
        let (mut last, mut began) = (0, Duration::ZERO);
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let Ok(computed) = cpu_time() else { continue };
            let watched = watching.lock().unwrap_or_else(PoisonError::into_inner);
            if watched.0 != last {
                (last, began) = (watched.0, computed);
            } else if computed.saturating_sub(began) > ENDLESS {
                eprintln!("{name}: no end after {ENDLESS:?}:\n{}", watched.1);
                std::process::exit(1);
            }
        }
    });
    watched
}

/// Runs an input; one that is slow by the clock is judged by CPU time, the fastest of three.
fn judge(target: &Target, input: &str) -> Result<(Outcome, Duration)> {
    let mut fastest = Duration::MAX;
    for round in 0..4 {
        // The first by the clock, which is cheap to read; if that is long the machine may have been busy.
        let (began, computed) = (Instant::now(), if round == 0 { Duration::ZERO } else { cpu_time()? });
        let outcome = catch_unwind(AssertUnwindSafe(|| target.run(input)));
        let taken = if round == 0 { began.elapsed() } else { cpu_time()? - computed };
        fastest = fastest.min(taken);
        let Ok(outcome) = outcome else { bail!("a panic:\n{input}") };
        if fastest <= LONGEST {
            return Ok((outcome, fastest));
        }
    }
    bail!("slow, {fastest:?}:\n{input}")
}

/// What this process has computed so far, in CPU time.
fn cpu_time() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split(' ').next().context("/proc/self/schedstat")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}
