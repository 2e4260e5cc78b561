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
use std::time::Duration;

use comity_node::Node;
use tokio::sync::Notify;
use tokio::time::sleep;

/// How long the whole answer to one request may last: a page of 10 MB over a line of 1 Mbit/s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// How long one question may be put off by a peer, in all.
const SLOWED_MAX: Duration = Duration::from_secs(30);

/// The first wait after a failure, and what one that was put off counts for at least.
const WAIT_FIRST: Duration = Duration::from_millis(250);

/// How long one question was put off so far.
#[derive(Default)]
struct Patience(Duration);

impl Patience {
    /// Waits as long as the peer says, and tells whether to ask again: not where it does not say,
    /// nor where it would be too long in all.
    async fn bears(&mut self, put_off: Option<Duration>) -> bool {
        let Some(wait) = put_off.filter(|wait| self.0 + *wait <= SLOWED_MAX) else { return false };
        sleep(wait).await;
        self.0 += wait.max(WAIT_FIRST);
        true
    }
}

/// What is notified when there are other peers to follow, or another charter is in force.
pub(crate) fn told_of_changes(node: &Node) -> Arc<Notify> {
    let changed = Arc::new(Notify::new());
    let tell = changed.clone();
    node.on_change(move || tell.notify_one());
    changed
}
