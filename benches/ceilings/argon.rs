use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde_json::{Value, json};

/// Hashes a second of one thread's CPU time, at OWASP's parameters and in one piece of memory.
pub fn measure(duration: Duration) -> Result<Value> {
    let parameters = Params::new(19_456, 2, 1, Some(32)).map_err(|error| anyhow!("{error}"))?;
    let mut memory = vec![Block::new(); parameters.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let mut output = [0; 32];
    let mut hash = |salt: u64| {
        let salt = [salt.to_be_bytes(); 2].concat();
        argon2
            .hash_password_into_with_memory(b"correct horse battery staple", &salt, &mut output, &mut memory)
            .map_err(|error| anyhow!("{error}"))
    };
    hash(0)?; // Touches the memory once.
    let (began, cpu) = (Instant::now(), cpu_seconds()?);
    let mut hashes: u64 = 0;
    while began.elapsed() < duration {
        hashes += 1;
        hash(hashes)?;
    }
    Ok(json!({ "per_cpu_second": f64::from(u32::try_from(hashes)?) / (cpu_seconds()? - cpu) }))
}

/// The CPU time of this process so far, in the kernel's nanoseconds.
fn cpu_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").context("/proc/self/schedstat")?;
    let nanoseconds: f64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}
