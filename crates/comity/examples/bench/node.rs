//! A node's directory, and commands about it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::Outcome;
use crate::client::Service;
use crate::process::{Memory, Running, Server, tail};

const PASS_PHRASE: &str = "EXERCISE pass phrase of a benchmark";

/// A node with an analyst, a token of his that reads and writes, and a collection.
pub(crate) struct Node {
    comity: PathBuf,
    dir: PathBuf,
    secret: String,
}

/// What an import did.
pub(crate) struct Imported {
    pub(crate) seconds: f64,
    pub(crate) memory: Memory,
}

impl Node {
    pub(crate) fn make(comity: PathBuf, dir: PathBuf) -> Outcome<Node> {
        let mut node = Node { comity, dir, secret: String::new() };
        node.run(&["init"], &["--party", "cert.example"], "")?;
        let analyst = ["analyst", "--role", "analyst", "--password-stdin"];
        node.run(&["user", "add"], &analyst, PASS_PHRASE)?;
        node.run(&["collection", "add"], &["Benchmark", "--alias", "bench"], "")?;
        let told = node.run(&["token", "add"], &["analyst", "--rights", "read,write"], "")?;
        let secret = told.get("secret").and_then(Value::as_str);
        node.secret = secret.ok_or("no secret of a token")?.to_owned();
        Ok(node)
    }

    /// Imports a bundle of so many objects, all of them new.
    pub(crate) fn import(&self, bundle: &Path, objects: usize) -> Outcome<Imported> {
        let log = self.dir.with_extension("import");
        let mut command = Command::new(&self.comity);
        command.arg("import").arg(&self.dir).arg(bundle).arg("--json");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::fs::File::create(&log)?);
        let began = Instant::now();
        let mut running = Running::start(&mut command)?;
        let told = std::io::read_to_string(running.stdout()?)?;
        let memory = running.memory();
        let code = running.wait()?;
        let seconds = began.elapsed().as_secs_f64();
        let stored = serde_json::from_str::<Value>(&told).ok();
        let stored = stored.and_then(|told| told.get("stored")?.as_u64());
        if code != Some(0) || stored != u64::try_from(objects).ok() {
            let err = tail(&log);
            return Err(
                format!("an import of {objects}, all new, did not do it: {told}{err}").into()
            );
        }
        Ok(Imported { seconds, memory })
    }

    pub(crate) fn serve(&self) -> Outcome<Server> {
        let mut command = Command::new(&self.comity);
        command.arg("serve").arg(&self.dir).args(["--listen", "127.0.0.1:0"]);
        // As packaging/comity.service has it.
        command.env("MALLOC_MMAP_THRESHOLD_", "262144");
        Server::start(&mut command, &self.dir.with_extension("log"))
    }

    /// How to ask it, where it is served.
    pub(crate) fn service(&self, server: &Server) -> Service {
        Service {
            address: server.address,
            collection: "/taxii2/comity/collections/bench/".to_owned(),
            bearer: self.secret.clone(),
        }
    }

    pub(crate) fn remove(self) -> Outcome<()> {
        Ok(std::fs::remove_dir_all(&self.dir)?)
    }

    /// Runs a command that takes the directory after its verb.
    fn run(&self, verb: &[&str], rest: &[&str], input: &str) -> Outcome<Value> {
        let mut child = Command::new(&self.comity)
            .args(verb)
            .arg(&self.dir)
            .args(rest)
            .arg("--json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that asks for nothing may have ended.
            let _ = writeln!(stdin, "{input}");
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let err = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("`comity {}`: {err}", verb.join(" ")).into());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }
}
