//! A node's directory, commands about it, and the process that serves it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::http::Client;

/// How often something is looked at before a test gives up, and how long it waits in between:
/// a minute and a half, for slow machines.
const LOOKS: usize = 3000;
const PAUSE: Duration = Duration::from_millis(30);

/// Waits until `look` finds something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("waited in vain: {what}");
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: &Output) -> Ran {
        Ran {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that it could not be done, with a message that has all of these parts.
    #[track_caller]
    pub(crate) fn fails_with(self, parts: &[&str]) -> Ran {
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in {self:#?}");
        }
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self.exits(3)
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// The binary with arguments, not started.
pub(crate) fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comity"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

pub(crate) fn comity(arguments: &[&str]) -> Ran {
    Ran::of(&binary(arguments).stdin(Stdio::null()).output().unwrap())
}

pub(crate) fn comity_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = binary(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A command may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran::of(&output)
}

/// The password of a user that the harness makes.
pub(crate) fn password(name: &str) -> String {
    format!("pass phrase of {name}")
}

/// A node's directory, in a temporary one that may hold other files beside it.
pub(crate) struct Place {
    beside: TempDir,
    path: PathBuf,
}

impl Place {
    /// An empty place.
    pub(crate) fn empty() -> Place {
        let beside = TempDir::new().unwrap();
        let path = beside.path().join("node");
        Place { beside, path }
    }

    /// A place whose node is in a directory that somebody else looks after.
    pub(crate) fn within(directory: &Path) -> Place {
        Place { path: directory.join("node"), ..Place::empty() }
    }

    /// A node of a body of one.
    pub(crate) fn new() -> Place {
        let place = Place::empty();
        place.init();
        place
    }

    /// A node with one collection, `desk`, and an analyst of that name.
    pub(crate) fn with_desk() -> Place {
        let place = Place::new();
        place.user("desk", "analyst");
        place.collection("desk");
        place
    }

    pub(crate) fn init(&self) {
        self.run(&["init", "DIR", "--party", "cert.example"]).exits(0);
    }

    /// A node of a body of several: made with a draft, and founded by that with its own keys.
    pub(crate) fn found(&self, party: &str, draft: &str) {
        let file = self.file("draft.toml", draft);
        self.run(&["init", "DIR", "--charter", &file, "--party", party]).exits(0);
        let table = self.run(&["peer", "genesis", "DIR"]).exits(0).out;
        let own = format!("{party}={}", self.file("own.genesis", table));
        let text = comity(&["charter", "keys", &file, "--genesis", &own]).exits(0).out;
        let file = self.file("charter.toml", text);
        self.run(&["charter", "found", "DIR", &file]).exits(0);
    }

    /// A file beside the node.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.beside.path().join(name)
    }

    /// Writes a file beside the node and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.beside(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    pub(crate) fn shown(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    /// The arguments, with the node's directory for `DIR`.
    fn about<'a>(shown: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
        let place = |word: &&'a str| if *word == "DIR" { shown } else { word };
        arguments.iter().map(place).collect()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        comity(&Place::about(&self.shown(), arguments))
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        comity_with_input(&Place::about(&self.shown(), arguments), input)
    }

    pub(crate) fn user(&self, name: &str, role: &str) {
        let input = format!("{}\n", password(name));
        let line = ["user", "add", "DIR", name, "--role", role, "--password-stdin"];
        self.run_with_input(&line, input.as_bytes()).exits(0);
    }

    /// Sets a line of the configuration.
    pub(crate) fn configure(&self, line: &str) {
        let path = self.path().join("config.toml");
        let key = line.split(' ').next().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let kept = text.lines().filter(|old| !old.starts_with(&format!("{key} =")));
        let text: String = kept.chain([line]).map(|line| format!("{line}\n")).collect();
        fs::write(&path, text).unwrap();
    }

    pub(crate) fn collection(&self, alias: &str) {
        self.run(&["collection", "add", "DIR", alias, "--alias", alias]).exits(0);
    }

    /// Serves the node on a free port.
    pub(crate) fn serve(&self) -> Served {
        self.serve_in(&[], &[])
    }

    /// The same with more arguments.
    pub(crate) fn serve_with(&self, arguments: &[&str]) -> Served {
        self.serve_in(&[], arguments)
    }

    /// The same with a log of JSON lines, as much of it as `filter` says.
    pub(crate) fn serve_logging(&self, filter: &str) -> Served {
        self.serve_in(&[("RUST_LOG", filter)], &["--log-json"])
    }

    /// The same in an environment of its own.
    pub(crate) fn serve_in(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Served {
        let log = self.beside("serve.log");
        let err = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut child = binary(&["serve", &self.shown(), "--listen", "127.0.0.1:0"])
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(err)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let (mut metrics, mut peers) = (None, None);
        loop {
            if let Some(rest) = line.strip_prefix("metrics on ") {
                metrics = rest.split("/metrics").next().map(str::to_owned);
            } else if let Some(rest) = line.strip_prefix("peers on https://") {
                peers = Some(rest.trim().to_owned());
            } else {
                break;
            }
            line.clear();
            out.read_line(&mut line).unwrap();
        }
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            let _ = child.wait();
            let told = fs::read_to_string(&log).unwrap_or_default();
            panic!("`{line}`, not a place to ask; standard error: {told}");
        };
        let socket = self.path.join("control.sock");
        Served { url: url.to_owned(), metrics, peers, child, _out: out, log, socket }
    }

    /// Every file of the node and below, with its octets.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.path()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    // A journal may go away while its folder is read.
                    found.extend(fs::read(entry.path()).map(|octets| (entry.path(), octets)));
                }
            }
        }
        found
    }

    /// The files of the node that hold some octets.
    pub(crate) fn files_with(&self, octets: &[u8]) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|(_, content)| holds(content, octets));
        files.into_iter().map(|(path, _)| path).collect()
    }
}

/// Whether some octets stand in others.
pub(crate) fn holds(content: &[u8], octets: &[u8]) -> bool {
    let Some(first) = octets.first() else {
        return true;
    };
    let mut rest = content;
    while let Some(at) = rest.iter().position(|octet| octet == first) {
        if rest[at..].starts_with(octets) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// A node that serves. Killed when dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    /// Where metrics are told, if they are.
    pub(crate) metrics: Option<String>,
    /// Where peers are served, if they are: host and port.
    pub(crate) peers: Option<String>,
    child: Child,
    _out: BufReader<std::process::ChildStdout>,
    log: PathBuf,
    socket: PathBuf,
}

impl Served {
    /// What a user of the harness sees.
    pub(crate) fn ask(&self, user: &str) -> Client {
        Client::basic(&self.url, user, &password(user))
    }

    /// What the node has said on standard error.
    pub(crate) fn told(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGTERM, and its orderly end.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.wait(), Some(0), "{}", self.told());
        assert!(!self.socket.exists(), "the control socket is left");
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end, and gives the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        wait_for("the end of the node", || self.child.try_wait().unwrap()).code()
    }

    /// Where the log is.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.log.clone()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGKILL, while others still ask.
    pub(crate) fn kill_now(&self) {
        let line = format!("kill -KILL {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}
