use std::{
    fs,
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// The server's core. The loader has another.
pub const SERVER_CORE: &str = "0";
/// The kernel counts CPU time in hundredths of a second (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// A process that ends when this value does.
pub struct Process {
    child: Child,
    /// The process that is counted: the child, or under a tracer its child.
    pub id: u32,
}

impl Process {
    /// Starts the program on the server's core.
    pub fn pinned(program: &str, configure: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", SERVER_CORE, program]);
        configure(&mut command);
        Self::spawn(command)
    }

    pub fn spawn(mut command: Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let id = child.id();
        Ok(Self { child, id })
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// CPU seconds of user and system so far, all threads, those that ended included.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id))?;
        // The program's name stands in brackets and may hold spaces; fields 14 and 15 are meant.
        let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |index: usize| -> Result<f64> { Ok(fields.get(index).context("/proc/PID/stat")?.parse()?) };
        Ok((ticks(11)? + ticks(12)?) / TICKS)
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        self.status_mib("VmRSS:")
    }

    /// The most memory that was ever resident, in MiB.
    pub fn peak_mib(&self) -> Result<f64> {
        self.status_mib("VmHWM:")
    }

    fn status_mib(&self, name: &str) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = text.lines().find(|line| line.starts_with(name)).context("/proc/PID/status")?;
        let kibibytes: f64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
        Ok(kibibytes / 1024.0)
    }

    /// `kill -9`: no time to say good-bye.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// `kill -TERM`, then waits for the end.
    pub fn stop(&mut self) -> Result<()> {
        let status = Command::new("kill").args(["-TERM", &self.id.to_string()]).status()?;
        ensure!(status.success(), "kill -TERM");
        let deadline = Instant::now() + Duration::from_secs(15);
        while Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill()?;
        bail!("the server did not stop within 15 s of SIGTERM")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
