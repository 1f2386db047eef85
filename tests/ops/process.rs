//! The program itself, as an operator runs it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// A folder of its own, gone at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("castellan-ops-{}-{}", std::process::id(), free_port()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }

    pub fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.0.join(path)).expect("it is there").permissions().mode() & 0o777
    }

    fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_castellan"));
        command.args(arguments).current_dir(&self.0).envs(variables.iter().copied());
        // The suite's own variable must not reach the program as a key.
        command.env_remove("CASTELLAN_DATABASE").env_remove("CASTELLAN_CONFIG").stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        self.command(arguments, variables).output().expect("the program runs")
    }

    /// Starts it; what it says is kept.
    pub fn start(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let (out, err) = (self.0.join("stdout"), self.0.join("stderr"));
        let mut command = self.command(arguments, variables);
        command.stdout(fs::File::create(&out).expect("a file")).stderr(fs::File::create(&err).expect("a file"));
        Running { child: command.spawn().expect("the program starts"), err }
    }

    /// The file's content, once it is there and not empty.
    pub async fn wait_for(&self, name: &str) -> Vec<u8> {
        let started = Instant::now();
        loop {
            let content = fs::read(self.0.join(name)).unwrap_or_default();
            if !content.is_empty() {
                return content;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{name} does not come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A started program; killed if the test forgets it.
pub struct Running {
    child: Child,
    err: PathBuf,
}

impl Running {
    /// Sends SIGTERM.
    pub fn tell_to_stop(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill");
        assert!(told.success());
    }

    /// Tells it to stop, and answers its log once it ended well.
    pub fn stop(mut self) -> String {
        self.tell_to_stop();
        assert!(self.child.wait().expect("an end").success(), "{}", fs::read_to_string(&self.err).unwrap_or_default());
        fs::read_to_string(&self.err).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
