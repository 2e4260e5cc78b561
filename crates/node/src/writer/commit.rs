//! A commit, and what is counted of it.

use comity_tlog::{ArrivalOf, Batch, CommitError, Committed, EntryRef};
use comity_view::query;

use crate::node::NodeError;
use crate::quota::{Amount, Moves, Pass};
use crate::writer::Inner;
use crate::writer::decide::entry_ref;

impl Inner {
    /// Commits a batch. `swept`: it withdraws what has expired, and nothing else. `passes` are
    /// what quotas gave its submissions; they end with it.
    pub(super) fn commit(
        &mut self,
        batch: Batch,
        swept: bool,
        passes: Vec<Pass>,
    ) -> Result<Committed, CommitError> {
        let (entries, erased) = (batch.entries.len(), batch.erasures.len() as u64);
        let (now, began) = ((self.surroundings.now)(), (self.surroundings.monotonic)());
        let moves = self.moves(&batch);
        let committed = self.sequencer.commit(batch, now);
        match &committed {
            Ok(committed) => {
                let took = (self.surroundings.monotonic)().saturating_sub(began);
                self.metrics.committed(took, entries);
                self.metrics.settled(committed.settled);
                let counter = if swept { &self.metrics.expired } else { &self.metrics.removed };
                counter.add(erased);
                self.quotas.committed(&moves, passes);
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

    /// Counts what a collection holds: when it gets a quota, and at the start. What this group
    /// decided before is not in it yet, and is counted by its commit.
    pub(super) fn count_held(&self, collection: u32) -> Result<(), NodeError> {
        if self.quotas.is_counted(collection) {
            return Ok(());
        }
        let positions = query::held(&*self.folder.view()?, collection)?;
        let mut held = Amount::default();
        positions.into_iter().for_each(|position| held.add(self.size(entry_ref(position))));
        self.quotas.counted(collection, held);
        Ok(())
    }

    /// What a batch brings into collections with a quota, and takes out of them. It is asked
    /// before the commit: what is erased has no size after it.
    fn moves(&self, batch: &Batch) -> Moves {
        let mut moves = self.quotas.moves();
        if moves.is_empty() {
            return moves;
        }
        for arrival in &batch.arrivals {
            let Some((came, _)) = moves.get_mut(&arrival.collection) else { continue };
            came.add(match arrival.entry {
                ArrivalOf::New(at) => {
                    let octets = batch.entries.get(at).map_or(0, |one| one.sealed.envelope_bytes());
                    Amount { objects: 1, octets: octets as u64 }
                }
                ArrivalOf::Old(entry) => self.size(entry),
            });
        }
        for (collection, entry) in &batch.departures {
            if let Some((_, left)) = moves.get_mut(collection) {
                left.add(self.size(*entry));
            }
        }
        moves
    }

    /// One object version as it is stored. One that cannot be read counts, without octets.
    fn size(&self, entry: EntryRef) -> Amount {
        let octets = self.log.envelope_size(entry).ok().flatten().unwrap_or_default();
        Amount { objects: 1, octets }
    }
}
