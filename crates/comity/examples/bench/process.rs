//! Processes that serve: started, measured, and ended whatever happens.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use crate::Outcome;

/// How often the memory of a process is looked at. The peak is the kernel's own; the split into
/// anonymous and file pages is as fine as this.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long an orderly end may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// What has to end when this process is told to.
static RUNNING: LazyLock<Mutex<HashSet<u32>>> = LazyLock::new(Mutex::default);

/// On SIGINT and SIGTERM ends what was started and removes what was written.
pub(crate) fn end_with_a_signal(scratch: &Path) -> Outcome<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let scratch = scratch.to_owned();
    let runtime = crate::load::runtime()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let (Ok(mut terminate), Ok(mut interrupt)) =
                (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
            else {
                return;
            };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            for number in RUNNING.lock().iter().flat_map(|running| running.iter()) {
                send("KILL", *number);
            }
            let _ = fs::remove_dir_all(&scratch);
            std::process::exit(130);
        });
    });
    Ok(())
}

/// A process that is ended and waited for when it is dropped.
pub(crate) struct Running {
    child: Child,
    memory: Arc<Mutex<Memory>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Outcome<Running> {
        let child = command
            .spawn()
            .map_err(|error| format!("`{}`: {error}", command.get_program().display()))?;
        let memory = Arc::new(Mutex::new(Memory::default()));
        let (number, seen) = (child.id(), memory.clone());
        if let Ok(mut running) = RUNNING.lock() {
            running.insert(number);
        }
        std::thread::spawn(move || {
            while let Some(now) = Memory::of(number) {
                if let Ok(mut seen) = seen.lock() {
                    seen.join(now);
                }
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Ok(Running { child, memory })
    }

    pub(crate) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    pub(crate) fn stdout(&mut self) -> Outcome<BufReader<ChildStdout>> {
        Ok(BufReader::new(self.child.stdout.take().ok_or("no standard output")?))
    }

    /// What it came to use so far.
    pub(crate) fn memory(&self) -> Memory {
        let mut seen = self.memory.lock().map(|seen| *seen).unwrap_or_default();
        seen.join(Memory::of(self.child.id()).unwrap_or_default());
        seen
    }

    /// Waits for the end; the exit code.
    pub(crate) fn wait(&mut self) -> Outcome<Option<i32>> {
        let status = self.child.wait()?;
        self.forget();
        Ok(status.code())
    }

    /// SIGTERM, and an orderly end.
    pub(crate) fn stop(&mut self) -> Outcome<()> {
        send("TERM", self.child.id());
        let until = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                self.forget();
                return if status.success() { Ok(()) } else { Err(format!("{status}").into()) };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("a server does not end when it is told to".into())
    }

    fn forget(&self) {
        if let Ok(mut running) = RUNNING.lock() {
            running.remove(&self.child.id());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.forget();
    }
}

/// A server of this project: it says where it listens once it does.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// From its start to that line.
    pub(crate) started_in: f64,
    running: Running,
    log: PathBuf,
    _stdin: Option<ChildStdin>,
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it, with standard error in a file, and waits until it listens.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Outcome<Server> {
        let err = fs::OpenOptions::new().create(true).append(true).open(log)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(err).env_remove("RUST_LOG");
        let began = Instant::now();
        let mut running = Running::start(command)?;
        let mut stdout = running.stdout()?;
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let started_in = began.elapsed().as_secs_f64();
        let address = line.trim().strip_prefix("listening on http://");
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            return Err(format!("a server did not start: `{line}`\n{}", tail(log)).into());
        };
        let (stdin, log) = (running.stdin(), log.to_owned());
        Ok(Server { address, started_in, running, log, _stdin: stdin, _stdout: stdout })
    }

    pub(crate) fn memory(&self) -> Memory {
        self.running.memory()
    }

    pub(crate) fn stop(mut self) -> Outcome<()> {
        self.running.stop().map_err(|error| format!("{error}\n{}", self.told()).into())
    }

    /// SIGKILL.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// The end of what it said on standard error.
    pub(crate) fn told(&self) -> String {
        tail(&self.log)
    }

    /// An error, with what the server said.
    pub(crate) fn explain<T>(&self, result: Outcome<T>) -> Outcome<T> {
        result.map_err(|error| format!("{error}\nthe server says:\n{}", self.told()).into())
    }
}

/// Memory of a process, in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) peak: u64,
    pub(crate) anonymous: u64,
    pub(crate) file: u64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Option<Memory> {
        let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
        };
        let (peak, anonymous, file) = (field("VmHWM")?, field("RssAnon")?, field("RssFile")?);
        Some(Memory { peak, anonymous, file })
    }

    /// The larger of two, each by itself.
    pub(crate) fn join(&mut self, other: Memory) {
        self.peak = self.peak.max(other.peak);
        self.anonymous = self.anonymous.max(other.anonymous);
        self.file = self.file.max(other.file);
    }
}

fn send(signal: &str, process: u32) {
    let _ = Command::new("kill").args([format!("-{signal}"), process.to_string()]).status();
}

pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(20);
    lines.get(start..).unwrap_or_default().join("\n")
}
