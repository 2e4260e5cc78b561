//! The listener for peers, where one is wanted.

use std::sync::Arc;

use comity_node::Node;
use comity_serve::Listening;
use comity_serve::peer::{Door, Limits, listen};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::again::Bound;
use crate::arguments::Serve;
use crate::command::{Failure, certificate};
use crate::output::Output;

/// Starts it, until `stop`. It says where once it is ready.
pub(super) async fn serve(
    arguments: &Serve,
    output: &Output,
    node: &Arc<Node>,
    bound: &Bound,
    stop: oneshot::Receiver<()>,
) -> Result<Option<JoinHandle<()>>, Failure> {
    let address = arguments.peers.clone().unwrap_or_else(|| node.config().peers.clone());
    if address.is_empty() {
        return Ok(None);
    }
    let identity = certificate::transport(node.directory())?;
    let charter = node.clone();
    let parties = Arc::new(move |pin: &str| charter.peer_of(pin));
    let door = Door::new(node.clone(), parties, Limits::default());
    let (began, mut beginning) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        let ready = |listening: &Listening| drop(began.try_send(Ok(listening.clone())));
        let served = listen(door, &identity, &address, ready, async {
            let _ = stop.await;
        });
        if let Err(error) = served.await {
            let _ = began.try_send(Err(Failure::new(error.to_string())));
        }
    });
    match beginning.recv().await {
        Some(Ok(Listening { scheme, address })) => {
            let _ = bound.peers.set(address);
            output.line(&format!("peers on {scheme}://{address}"));
            tracing::info!(%address, "serving peers");
            Ok(Some(task))
        }
        Some(Err(failure)) => Err(failure),
        None => Err(Failure::new("the listener for peers ended early")),
    }
}
