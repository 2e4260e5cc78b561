//! The disk reserve: space that new objects leave to what must go on, which is records of access,
//! withdrawals and the journals of SQLite. Without it a full disk stops reads, too, since nothing
//! is read without a record.
//!
//! Free space is looked at once a second, by a thread of its own, and never while somebody waits.
//! If the process stops, nothing of this is kept: the next start looks again before it serves.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::directory::Directory;
use crate::node::{Node, NodeError, Surroundings};

/// How often free space is looked at. A disk takes some 100 MB/s, so a reserve of that order is
/// not used up in between.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Once below the reserve, objects are taken again with an eighth of it to spare: without that,
/// each freed page would let one request through.
const SPARE_DIVISOR: u64 = 8;

/// Why nothing is taken where a peer holds a later head of this party's own logs.
const HALTED: &str = "a peer holds a later head of this party's logs than is here";

/// What is not known.
const UNKNOWN: u64 = u64::MAX;

/// What was seen of the file system last.
#[derive(Debug)]
pub(crate) struct Reserve {
    octets: u64,
    free: AtomicU64,
    low: AtomicBool,
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Reserve {
    /// `octets` of 0 is no reserve.
    pub(crate) fn new(octets: u64) -> Reserve {
        Reserve {
            octets,
            free: AtomicU64::new(UNKNOWN),
            low: AtomicBool::new(false),
            stopped: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    /// Takes note of how much is free now; nothing where the system does not say.
    pub(crate) fn note(&self, free: Option<u64>) {
        self.free.store(free.unwrap_or(UNKNOWN), Ordering::Relaxed);
        let Some(free) = free else { return };
        let was = self.low.load(Ordering::Relaxed);
        let enough = if was { self.octets + self.octets / SPARE_DIVISOR } else { self.octets };
        let low = free < enough;
        self.low.store(low, Ordering::Relaxed);
        match (was, low) {
            (false, true) => {
                tracing::warn!(
                    free,
                    reserve = self.octets,
                    "below the disk reserve: no new objects"
                );
            }
            (true, false) => {
                tracing::info!(free, reserve = self.octets, "objects are taken again");
            }
            _ => {}
        }
    }

    /// Free octets, where the system said so.
    pub(crate) fn free(&self) -> Option<u64> {
        Some(self.free.load(Ordering::Relaxed)).filter(|free| *free != UNKNOWN)
    }

    /// Whether new objects have to wait.
    pub(crate) fn is_low(&self) -> bool {
        self.low.load(Ordering::Relaxed)
    }

    /// An error while there is too little space for new objects.
    pub(crate) fn require(&self) -> Result<(), NodeError> {
        if !self.is_low() {
            return Ok(());
        }
        Err(NodeError::Reserve { free: self.free().unwrap_or_default(), reserve: self.octets })
    }

    /// Looks until [`Reserve::stop`], and does `each` time what else is done once a second.
    pub(crate) fn watch(
        self: Arc<Reserve>,
        directory: &Directory,
        surroundings: &Surroundings,
        each: impl Fn() + Send + 'static,
    ) -> std::io::Result<std::thread::JoinHandle<()>> {
        let (root, free) = (directory.root().to_owned(), surroundings.free.clone());
        std::thread::Builder::new().name("space".to_owned()).spawn(move || {
            let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            while !*stopped {
                let waited = self.changed.wait_timeout(stopped, LOOK_EVERY);
                stopped = waited.unwrap_or_else(PoisonError::into_inner).0;
                self.note(free(&root));
                each();
            }
        })
    }

    pub(crate) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

impl Node {
    /// An error while there is too little space for new objects. It is asked before anything is
    /// judged, so that a refused submission costs nothing.
    pub(crate) fn require_space(&self) -> Result<(), NodeError> {
        self.halt.require()?;
        self.reserve.require().inspect_err(|error| self.metrics.turned_away(error))
    }

    /// Why no new objects are taken, if so.
    pub fn read_only(&self) -> Option<&'static str> {
        if self.halt.why().is_some() {
            return Some(HALTED);
        }
        if self.reserve.is_low() {
            return Some("below the disk reserve");
        }
        self.writer.is_short().then_some("the disk is full")
    }

    /// Free octets on the file system of the node, as they were within the last second.
    pub fn free_space(&self) -> Option<u64> {
        self.reserve.free()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_refused_below_the_reserve_and_taken_again_with_some_to_spare() {
        let reserve = Reserve::new(800);
        assert!(reserve.require().is_ok(), "nothing is known yet");
        reserve.note(Some(800));
        assert!(reserve.require().is_ok());
        reserve.note(Some(799));
        let refused = reserve.require().unwrap_err();
        assert!(matches!(refused, NodeError::Reserve { free: 799, reserve: 800 }));
        reserve.note(Some(899));
        assert!(reserve.require().is_err(), "an eighth to spare");
        reserve.note(None);
        assert!(reserve.require().is_err(), "what is not known changes nothing");
        reserve.note(Some(900));
        assert!(reserve.require().is_ok());
    }

    #[test]
    fn a_reserve_of_nothing_refuses_nothing() {
        let reserve = Reserve::new(0);
        reserve.note(Some(0));
        assert!(reserve.require().is_ok());
    }
}
