//! The way to a peer's node: a connection with both sides' keys pinned, answers that are never
//! larger or later than asked for, and the doorbell. What is done with them is not known here.
//!
//! Whatever comes from a peer is bounded before it is read: heads, bodies, events, time.

pub(crate) mod branch;
mod connection;
mod doorbell;
mod error;
mod event;
mod evidence;
mod follow;
pub(crate) mod own;
pub(crate) mod recover;
pub(crate) mod stick;
#[cfg(test)]
mod tests;

pub(crate) use connection::Connection;
#[cfg(test)]
pub(crate) use connection::{Answer, Waits};
pub(crate) use doorbell::{Doorbell, Ring};
pub(crate) use error::PeerError;
pub(crate) use follow::follow;

use std::sync::Arc;

use comity_node::Node;
use tokio::sync::Notify;

/// What is notified when there are other peers to follow, or another charter is in force.
pub(crate) fn told_of_changes(node: &Node) -> Arc<Notify> {
    let changed = Arc::new(Notify::new());
    let tell = changed.clone();
    node.on_change(move || tell.notify_one());
    changed
}
