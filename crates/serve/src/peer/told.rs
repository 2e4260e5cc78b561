//! What the log is told of keys that are not let in: the pin, and not each time. Who has no key
//! can make one with every attempt, and must not fill a disk with them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comity_node::Node;

use crate::metrics::KEYS_TURNED_AWAY;

/// How often a line is written at most.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// When the last line was, and what was not told since.
pub(super) struct Told {
    node: Arc<Node>,
    last: Mutex<Option<Duration>>,
    untold: AtomicU64,
}

impl Told {
    pub(super) fn new(node: Arc<Node>) -> Told {
        Told { node, last: Mutex::new(None), untold: AtomicU64::new(0) }
    }

    /// A key that is not let in, or not any more.
    pub(super) fn turned_away(&self, pin: &str) {
        KEYS_TURNED_AWAY.fetch_add(1, Ordering::Relaxed);
        if let Some(untold) = self.next() {
            tracing::warn!(pin, untold, "a key is turned away: no party in standing shows it");
        }
    }

    /// How many were not told since the last line, where there may be another.
    fn next(&self) -> Option<u64> {
        let now = self.node.monotonic();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.saturating_sub(last) < LINE_INTERVAL) {
            self.untold.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *last = Some(now);
        Some(self.untold.swap(0, Ordering::Relaxed))
    }
}
