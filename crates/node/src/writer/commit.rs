//! A commit, and what is counted of it.

use comity_tlog::{Batch, CommitError, Committed};

use crate::writer::Inner;

impl Inner {
    /// Commits a batch. `swept`: it withdraws what has expired, and nothing else.
    pub(super) fn commit(&mut self, batch: Batch, swept: bool) -> Result<Committed, CommitError> {
        let (entries, erased) = (batch.entries.len(), batch.erasures.len() as u64);
        let (now, began) = ((self.surroundings.now)(), (self.surroundings.monotonic)());
        let committed = self.sequencer.commit(batch, now);
        match &committed {
            Ok(committed) => {
                let took = (self.surroundings.monotonic)().saturating_sub(began);
                self.metrics.committed(took, entries);
                self.metrics.settled(committed.settled);
                let counter = if swept { &self.metrics.expired } else { &self.metrics.removed };
                counter.add(erased);
            }
            Err(_) => self.metrics.failed.one(),
        }
        committed
    }

    /// Erasures that a reader stood in the way of. An error here comes up again with the next
    /// commit, where somebody hears of it.
    pub(super) fn settle(&mut self) {
        if let Ok(settled) = self.sequencer.settle() {
            self.metrics.settled(settled);
        }
    }
}
