//! `comity serve`: the node, until it is told to stop.

mod again;
mod peers;

use std::sync::Arc;

use comity_node::{Directory, Node};
use comity_serve::metrics::{Requests, supervision};
use comity_serve::pinned::Identity;
use comity_serve::{Listening, Scheme, ServeError, Tls, counted, listen};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

use crate::Outcome;
use crate::arguments::Serve;
use crate::command::signals::Signals;
use crate::command::{Failure, certificate};
use crate::control;
use crate::notify::Supervisor;
use crate::output::Output;
use crate::peer::{follow, own, told_of_changes};
use crate::surroundings;
use again::Bound;

/// How long requests that the drain did not wait for may hold a thread.
const AFTER_DRAIN: std::time::Duration = std::time::Duration::from_secs(2);

pub(crate) fn run(arguments: &Serve, output: &Output) -> Result<Outcome, Failure> {
    start_log(arguments.log_json);
    require_addresses(arguments)?;
    let directory = Directory::new(&arguments.dir);
    look_at_peers(&directory)?;
    let node = Arc::new(control::open(&directory)?);
    let address = arguments.listen.clone().unwrap_or_else(|| node.config().listen.clone());
    // Before the control socket, which would be left behind.
    let scheme = scheme(arguments, &node, &address)?;
    control::serve(&node)
        .map_err(|error| Failure::new(format!("the control socket cannot be made: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))?;
    let bound = Bound::default();
    let result = runtime.block_on(serve(arguments, output, &node, &address, &scheme, &bound));
    // Requests that the drain did not wait for must not keep the process.
    runtime.shutdown_timeout(AFTER_DRAIN);
    let _ = std::fs::remove_file(node.directory().control());
    node.close();
    if result.is_ok() && node.successor().is_some() {
        let config = node.config().clone();
        drop(node);
        tracing::info!("starting anew, under the charter that is in force now");
        return Err(again::start(arguments, &config, &bound));
    }
    tracing::info!("stopped");
    result.map(|()| Outcome::Done)
}

fn require_addresses(arguments: &Serve) -> Result<(), Failure> {
    let given = [
        ("--listen", &arguments.listen),
        ("--peers", &arguments.peers),
        ("--metrics", &arguments.metrics),
    ];
    for (option, text) in given {
        let Some(text) = text.as_ref().filter(|text| !text.is_empty()) else { continue };
        let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.and_then(|(_, port)| port.parse::<u16>().ok()).is_none() {
            let text = text.escape_default();
            return Err(Failure::new(format!(
                "{option} `{text}`; required: HOST:PORT, as 127.0.0.1:8440"
            )));
        }
    }
    Ok(())
}

/// Before anything is signed: no peer that can be reached knows of more than is here.
fn look_at_peers(directory: &Directory) -> Result<(), Failure> {
    if !directory.holds_node() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))?;
    let looked = runtime.block_on(own::look(directory));
    // The name of a peer may still be looked up on a thread of its own.
    runtime.shutdown_background();
    looked
}

/// Says that the node stops, and lets go of what the listeners wait for.
fn stop_with<T>(node: &Node, stop: T) {
    node.announce_stop();
    drop(stop);
}

/// Ends when another charter is in force.
async fn succeeded(node: &Node, changed: &Notify) {
    while node.successor().is_none() {
        changed.notified().await;
    }
}

/// Serves until a signal, then until what is open has ended, or until a second signal. Metrics
/// and health are told to the last.
async fn serve(
    arguments: &Serve,
    output: &Output,
    node: &Arc<Node>,
    address: &str,
    scheme: &Scheme,
    bound: &Bound,
) -> Result<(), Failure> {
    let unheard = |error| Failure::new(format!("signals cannot be heard: {error}"));
    let mut signals = Signals::new(arguments.until_stdin_ends).map_err(unheard)?;
    let hangup = signal(SignalKind::hangup()).map_err(unheard)?;
    let supervisor = Supervisor::from_environment();
    let changed = told_of_changes(node);
    let requests = Arc::new(Requests::default());
    let (told_to_stop, stop) = oneshot::channel::<()>();
    let (drained, end) = oneshot::channel::<()>();
    let told = supervise(arguments, output, node, &requests, bound, end).await?;
    let (peers_told_to_stop, peers_stop) = oneshot::channel::<()>();
    let peers = peers::serve(arguments, output, node, bound, peers_stop).await?;
    let following = identity(node)?.map(|own| tokio::spawn(follow(node.clone(), own)));
    let router = counted(node.clone(), requests);
    let again = tokio::spawn(read_again(hangup, scheme.clone()));
    let ready = |listening: &Listening| {
        opened(listening, output, scheme, bound);
        supervisor.ready();
    };
    let served = listen(router, address, scheme, ready, async {
        let _ = stop.await;
    });
    let mut served = std::pin::pin!(async {
        let result = served.await;
        // Where it failed, nobody told the other one to stop.
        if let (Ok(()), Some(peers)) = (&result, peers) {
            let _ = peers.await;
        }
        result
    });
    let living = tokio::spawn(supervisor.clone().live());
    let mut told_to_stop = Some((told_to_stop, peers_told_to_stop));
    let result = loop {
        tokio::select! {
            result = &mut served => break result,
            () = succeeded(node, &changed), if told_to_stop.is_some() => {
                stop_with(node, told_to_stop.take());
            }
            () = signals.next() => match told_to_stop.take() {
                Some(stop) => {
                    tracing::info!("stopping: open requests end first");
                    supervisor.stopping();
                    stop_with(node, stop);
                }
                None => {
                    tracing::warn!("told to stop twice: open requests are cut off");
                    break Ok(());
                }
            },
        }
    };
    drop(drained);
    living.abort();
    again.abort();
    following.inspect(JoinHandle::abort);
    if let Some(told) = told {
        let _ = told.await;
    }
    result.map_err(|error| Failure::new(error.to_string()))
}

/// The door for clients is open.
fn opened(listening: &Listening, output: &Output, scheme: &Scheme, bound: &Bound) {
    let Listening { scheme: name, address } = listening;
    let _ = bound.listen.set(*address);
    output.line(&format!("listening on {name}://{address}"));
    if let Scheme::Tls(tls) = scheme {
        output.line(&format!("public key {}", tls.pin()));
    }
    tracing::info!(scheme = name, %address, "serving");
}

/// What this node shows to its peers. Without a key that can be used it follows none, and serves
/// its own users all the same, unless it has peers.
fn identity(node: &Node) -> Result<Option<Arc<Identity>>, Failure> {
    match certificate::transport(node.directory()) {
        Ok(identity) => Ok(Some(Arc::new(identity))),
        Err(failure) if node.peers()?.is_empty() => {
            tracing::warn!(%failure, "no peers can be followed");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Starts the listener for metrics and health, where one is wanted, until `end`.
async fn supervise(
    arguments: &Serve,
    output: &Output,
    node: &Arc<Node>,
    requests: &Arc<Requests>,
    bound: &Bound,
    end: oneshot::Receiver<()>,
) -> Result<Option<JoinHandle<()>>, Failure> {
    let address = arguments.metrics.clone().unwrap_or_else(|| node.config().metrics.clone());
    if address.is_empty() {
        return Ok(None);
    }
    let scheme = if arguments.metrics_anywhere { Scheme::PlainAnywhere } else { Scheme::Plain };
    let service = supervision(node.clone(), requests.clone(), Arc::new(surroundings::process));
    let (began, mut beginning) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        let ready = |listening: &Listening| drop(began.try_send(Ok(listening.clone())));
        let served = listen(service, &address, &scheme, ready, async {
            let _ = end.await;
        });
        if let Err(error) = served.await {
            let _ = began.try_send(Err(told(&error)));
        }
    });
    match beginning.recv().await {
        Some(Ok(Listening { scheme, address })) => {
            let _ = bound.metrics.set(address);
            output.line(&format!("metrics on {scheme}://{address}/metrics"));
            Ok(Some(task))
        }
        Some(Err(failure)) => Err(failure),
        None => Err(Failure::new("the listener for metrics ended early")),
    }
}

fn told(error: &ServeError) -> Failure {
    match error {
        ServeError::Plain(address) => Failure::new(format!(
            "metrics on `{address}`, which is not this machine alone; give --metrics-anywhere where only those who may see them can ask"
        )),
        other => Failure::new(other.to_string()),
    }
}

fn scheme(arguments: &Serve, node: &Node, address: &str) -> Result<Scheme, Failure> {
    let given = arguments.tls_certificate.clone().zip(arguments.tls_key.clone());
    let (certificate, key) = match given {
        Some(given) => given,
        None if arguments.tls => certificate::own(node, address)?,
        None if arguments.plain_http_anywhere => return Ok(Scheme::PlainAnywhere),
        None => return Ok(Scheme::Plain),
    };
    let tls = Tls::read(&certificate, &key).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Scheme::Tls(Arc::new(tls)))
}

/// Reads the certificate and its key again with each SIGHUP. Where they cannot be used, those that
/// were there stay.
async fn read_again(mut hangup: Signal, scheme: Scheme) {
    while hangup.recv().await.is_some() {
        match &scheme {
            Scheme::Plain | Scheme::PlainAnywhere => {
                tracing::info!("SIGHUP: there is no certificate to read again");
            }
            Scheme::Tls(tls) => match tls.reload() {
                Ok(()) => tracing::info!(public_key = tls.pin(), "the certificate was read again"),
                Err(error) => tracing::error!(%error, "the certificate stays as it was"),
            },
        }
    }
}

/// The log goes to standard error; RUST_LOG says how much of it.
fn start_log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is a test's business.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}
