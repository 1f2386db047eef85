use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::server::Process;

const CALLS: &str = "trace=fdatasync,fsync,read,recvfrom,write,writev,sendto,sendmsg";

/// strace, attached to processes that run already.
pub struct Strace {
    process: Process,
    file: PathBuf,
}

/// What the trace holds of one exchange: in this order, or the promise is broken.
#[derive(Default)]
pub struct Exchanges {
    pub answered: usize,
    pub flushed_before: usize,
}

impl Strace {
    pub async fn attach(file: &Path, processes: &[String]) -> Result<Self> {
        let mut command = Command::new("strace");
        command.args(["-f", "-s", "96", "-e", CALLS, "-o"]).arg(file).stderr(Stdio::null());
        processes.iter().for_each(|id| {
            command.args(["-p", id]);
        });
        let process = Process::spawn(command)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Self { process, file: file.to_owned() })
    }

    /// Detaches and answers with the lines, in the order of the kernel's events.
    pub fn lines(mut self) -> Result<Vec<String>> {
        self.process.stop()?;
        let text = fs::read(&self.file).with_context(|| self.file.display().to_string())?;
        Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
    }
}

impl Exchanges {
    /// Reads lone exchanges: a request that begins with `request`, flushes that returned, the 200.
    pub fn of(lines: &[String], request: &str) -> Self {
        let mut exchanges = Self::default();
        let mut flushed = None;
        for line in lines {
            if line.contains(request) {
                flushed = Some(false);
            } else if is_done_flush(line) {
                flushed = flushed.map(|_| true);
            } else if line.contains("\"HTTP/1.1 200")
                && let Some(flushed) = flushed.take()
            {
                exchanges.answered += 1;
                exchanges.flushed_before += usize::from(flushed);
            }
        }
        exchanges
    }
}

/// A flush that has returned 0: whole, or the resumed half of one.
fn is_done_flush(line: &str) -> bool {
    (line.contains("fdatasync") || line.contains("fsync")) && line.trim_end().ends_with("= 0")
}
