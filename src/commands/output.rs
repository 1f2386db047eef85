//! What commands say: results on standard output, everything else on standard error.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

/// Writes text as it is. A closed pipe is nobody's fault.
pub fn say(text: &str) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Says why the program stops.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(stderr().lock(), "castellan: {error:#}");
    ExitCode::FAILURE
}
