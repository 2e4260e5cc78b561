//! The heads that peers follow, in memory, and who wants to hear of a new one. Whoever waits asks
//! no store: what was committed last is here, and a ring says that it is another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comity_tlog::{Head as Stored, Reader};
use comity_wire::entry::Log;

use crate::bells::Bells;
use crate::node::Node;

/// The logs that peers follow.
pub const FOLLOWED: [Log; 2] = [Log::Shared, Log::Acts];

/// What a log's last checkpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The log.
    pub log: Log,
    /// Number of leaves.
    pub size: u64,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// The heads, and the bells.
#[derive(Default)]
pub struct Heads {
    latest: Mutex<Vec<Head>>,
    bells: Bells,
}

impl std::fmt::Debug for Heads {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Heads")
    }
}

impl Heads {
    /// The heads that are stored.
    pub(crate) fn of(log: &Reader) -> Heads {
        let heads = Heads::default();
        let stored = FOLLOWED.iter().filter_map(|one| log.head(one.id()).ok().flatten());
        heads.moved(stored.collect());
        heads
    }

    /// The last heads that were committed, one for each log that peers follow.
    pub fn latest(&self) -> Vec<Head> {
        lock(&self.latest).clone()
    }

    /// Calls `bell` after each commit that moves one of the heads, for as long as the node lives.
    /// It is called on the thread that folds, before the next group is: it must not wait.
    pub fn ring(&self, bell: impl Fn() + Send + Sync + 'static) {
        self.bells.hang(bell);
    }

    /// Takes the heads of a commit, and rings where one of them moved. Heads come in the order
    /// of their commits.
    pub(crate) fn moved(&self, heads: Vec<Stored>) {
        let mut any = false;
        for head in heads {
            let Some(log) = Log::from_id(head.log).filter(|log| FOLLOWED.contains(log)) else {
                continue;
            };
            let head = Head { log, size: head.size, checkpoint: head.note };
            let mut latest = lock(&self.latest);
            match latest.iter_mut().find(|known| known.log == log) {
                Some(known) => *known = head,
                None => latest.push(head),
            }
            any = true;
        }
        if any {
            self.bells.ring();
        }
    }
}

impl Node {
    /// The heads that peers follow.
    pub fn heads(&self) -> &Arc<Heads> {
        &self.heads
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use comity_tlog::Hash;

    use super::*;

    fn stored(log: Log, size: u64) -> Stored {
        let note = format!("{}\n{size}\n", log.name());
        Stored {
            log: log.id(),
            size,
            root: Hash([0; 32]),
            note,
            range: comity_tlog::merkle::Range::default(),
        }
    }

    #[test]
    fn a_bell_rings_for_the_logs_that_peers_follow_and_the_last_head_counts() {
        let (heads, rung) = (Heads::default(), Arc::new(AtomicUsize::new(0)));
        let counted = rung.clone();
        heads.ring(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        heads.moved(vec![stored(Log::Private, 7), stored(Log::Audit, 9)]);
        assert_eq!((rung.load(Ordering::SeqCst), heads.latest().len()), (0, 0));
        heads.moved(vec![stored(Log::Shared, 1), stored(Log::Acts, 2)]);
        heads.moved(vec![stored(Log::Shared, 3), stored(Log::Private, 8)]);
        assert_eq!(rung.load(Ordering::SeqCst), 2, "once for each commit");
        let sizes: Vec<(Log, u64)> =
            heads.latest().iter().map(|head| (head.log, head.size)).collect();
        assert_eq!(sizes, [(Log::Shared, 3), (Log::Acts, 2)]);
        assert_eq!(heads.latest()[0].checkpoint, "shared\n3\n");
    }
}
