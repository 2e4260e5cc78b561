//! `comity serve`: the node, until it is told to stop.

use std::sync::Arc;

use comity_node::{Directory, Node};
use comity_serve::{Listening, Scheme, listen, router};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::Outcome;
use crate::arguments::Serve;
use crate::command::Failure;
use crate::control;
use crate::output::Output;
use crate::surroundings;

pub(crate) fn run(arguments: &Serve, output: &Output) -> Result<Outcome, Failure> {
    start_log(arguments.log_json);
    let node = Node::open(Directory::new(&arguments.dir), surroundings::real())?;
    let node = Arc::new(node);
    control::serve(&node)
        .map_err(|error| Failure::new(format!("the control socket cannot be made: {error}")))?;
    let address = arguments.listen.clone().unwrap_or_else(|| node.config().listen.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))?;
    let result = runtime.block_on(async {
        let stop = stop_signal()
            .map_err(|error| Failure::new(format!("signals cannot be heard: {error}")))?;
        let ready = |listening: &Listening| {
            output.line(&format!("listening on {}://{}", listening.scheme, listening.address));
        };
        listen(router(node.clone()), &address, &scheme(arguments), ready, stop)
            .await
            .map_err(|error| Failure::new(error.to_string()))
    });
    // Requests that the drain did not wait for must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    let _ = std::fs::remove_file(node.directory().control());
    node.close();
    result.map(|()| Outcome::Done)
}

fn scheme(arguments: &Serve) -> Scheme {
    match (&arguments.tls_certificate, &arguments.tls_key) {
        (Some(certificate), Some(key)) => {
            Scheme::Tls { certificate: certificate.clone(), key: key.clone() }
        }
        _ if arguments.plain_http_anywhere => Scheme::PlainAnywhere,
        _ => Scheme::Plain,
    }
}

fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// The log goes to standard error; RUST_LOG says how much of it.
fn start_log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is a test's business.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}
