//! The processes of a body: one `comity serve` for each node. One that ends without being told to
//! is started again, later and later.
//!
//! A node ends when its standard input does. The pipe is this process's, so whatever becomes of it,
//! and be it killed, no node is left over. Nodes are in process groups of their own: a Ctrl-C at
//! the terminal reaches this process alone, which stops them in order.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::layout::{Layout, Member};
use crate::command::Failure;

/// The first wait before a node is started again, doubled each time, up to the last.
const WAIT_FIRST: Duration = Duration::from_millis(250);
const WAIT_LAST: Duration = Duration::from_secs(30);

/// Threads that answer requests in each node, unless the environment says otherwise: many nodes
/// share the machine.
const WORKERS: &str = "2";

/// What the allocator gives back to the system when it is free, as in `packaging/comity.service`;
/// and how many heaps it keeps.
const ALLOCATOR: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "262144"), ("MALLOC_ARENA_MAX", "2")];

/// The last lines of a node's log that are told when it does not start.
const TOLD_LINES: usize = 3;

/// What the nodes are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Serve,
    Stop,
    Kill,
}

/// What becomes of a node.
#[derive(Debug)]
pub(super) enum Event {
    /// It serves clients at this URL.
    Ready { party: String, url: String },
    /// It ended before it ever served.
    Failed { party: String, why: String },
    /// It ended without being told to.
    Died { party: String, status: ExitStatus, again_in: Duration },
    /// It ended as it was told.
    Stopped { party: String },
}

/// A node and how it is served.
pub(super) struct Kept {
    party: String,
    directory: PathBuf,
    listens: String,
    meets: String,
    log: PathBuf,
    tls: bool,
    ready: bool,
}

impl Kept {
    pub(super) fn new(layout: &Layout, member: &Member, tls: bool) -> Kept {
        Kept {
            party: member.party.clone(),
            directory: layout.node(&member.party),
            listens: member.listens(),
            meets: member.meets(),
            log: layout.log(&member.party),
            tls,
            ready: false,
        }
    }

    /// Serves the node until it is told to stop.
    pub(super) async fn keep(
        mut self,
        mut order: watch::Receiver<Order>,
        told: mpsc::UnboundedSender<Event>,
    ) {
        let party = self.party.clone();
        let mut wait = WAIT_FIRST;
        loop {
            let began = Instant::now();
            let ended = self.serve(&mut order, &told).await;
            if *order.borrow() != Order::Serve {
                let _ = told.send(Event::Stopped { party });
                return;
            }
            let status = match ended {
                Ok(status) if self.ready => status,
                Ok(_) => {
                    let _ = told.send(Event::Failed { party, why: self.last_words() });
                    return;
                }
                Err(failure) => {
                    let _ = told.send(Event::Failed { party, why: failure.to_string() });
                    return;
                }
            };
            if began.elapsed() > WAIT_LAST {
                wait = WAIT_FIRST;
            }
            let _ = told.send(Event::Died { party: party.clone(), status, again_in: wait });
            tokio::select! {
                () = sleep(wait) => {}
                _ = order.changed() => {
                    let _ = told.send(Event::Stopped { party });
                    return;
                }
            }
            wait = (wait * 2).min(WAIT_LAST);
        }
    }

    /// One process, from its start to its end.
    async fn serve(
        &mut self,
        order: &mut watch::Receiver<Order>,
        told: &mpsc::UnboundedSender<Event>,
    ) -> Result<ExitStatus, Failure> {
        let fault = |error| Failure::new(format!("the node of `{}`: {error}", self.party));
        let mut child = self.start().map_err(fault)?;
        let mut input = child.stdin.take();
        let mut lines: Option<Lines<BufReader<ChildStdout>>> =
            child.stdout.take().map(|out| BufReader::new(out).lines());
        loop {
            tokio::select! {
                line = next(&mut lines) => match line {
                    Some(line) => {
                        if let Some(url) = line.strip_prefix("listening on ") {
                            self.ready = true;
                            let (party, url) = (self.party.clone(), url.to_owned());
                            let _ = told.send(Event::Ready { party, url });
                        }
                    }
                    None => lines = None,
                },
                status = child.wait() => return status.map_err(fault),
                changed = order.changed() => {
                    let wanted = *order.borrow();
                    // Without anybody who gives orders there is nobody to serve for.
                    if wanted == Order::Kill || changed.is_err() {
                        let _ = child.start_kill();
                        return child.wait().await.map_err(fault);
                    }
                    drop(input.take());
                }
            }
        }
    }

    fn start(&self) -> std::io::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("serve")
            .arg(&self.directory)
            .args(["--listen", &self.listens, "--peers", &self.meets, "--until-stdin-ends"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true);
        if self.tls {
            command.arg("--tls");
        }
        for (name, value) in ALLOCATOR.into_iter().chain([("TOKIO_WORKER_THREADS", WORKERS)]) {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        command.spawn()
    }

    /// What the node said last.
    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(TOLD_LINES)..).unwrap_or_default();
        format!("it did not start; {} says:\n{}", self.log.display(), last.join("\n"))
    }
}

/// The next line; where there are no more, none ever comes.
async fn next(lines: &mut Option<Lines<BufReader<ChildStdout>>>) -> Option<String> {
    match lines {
        Some(lines) => lines.next_line().await.ok().flatten(),
        None => std::future::pending().await,
    }
}
