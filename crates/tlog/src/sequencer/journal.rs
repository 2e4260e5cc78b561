//! The lines that a commit adds to the arrival journal: who entered which collection, and when.

use std::collections::BTreeMap;

use crate::storage::{ArrivalRow, EntryRef, Storage, StorageError};

use super::{ArrivalOf, Arrived, CommitError, PendingArrival, Sequenced};

/// Gives the lines of the arrival journal their numbers and times.
pub(super) struct Journal<'s, S: Storage> {
    storage: &'s mut S,
    now: i64,
    /// A planted bug: see `Mutant::ClockAsIs`.
    as_is: bool,
    seq: u64,
    clocks: BTreeMap<u32, i64>,
}

impl<'s, S: Storage> Journal<'s, S> {
    pub(super) fn new(storage: &'s mut S, now: i64, as_is: bool) -> Result<Self, StorageError> {
        let seq = storage.last_seq()?;
        let clocks = BTreeMap::new();
        Ok(Journal { storage, now, as_is, seq, clocks })
    }

    fn line(
        &mut self,
        collection: u32,
        entry: EntryRef,
        gone: bool,
    ) -> Result<Arrived, StorageError> {
        let last = match self.clocks.get(&collection) {
            _ if self.as_is => None,
            Some(last) => Some(*last),
            None => self.storage.clock(collection)?,
        };
        // Strictly increasing in the collection, whatever the clock does: clients page by it.
        let date_added = last.map_or(self.now, |last| self.now.max(last.saturating_add(1)));
        self.clocks.insert(collection, date_added);
        self.seq += 1;
        let seq = self.seq;
        self.storage.put_arrival(&ArrivalRow { seq, collection, entry, date_added, gone })?;
        Ok(Arrived { seq, date_added })
    }

    pub(super) fn arrive(
        &mut self,
        arrivals: &[PendingArrival],
        answers: &[Sequenced],
    ) -> Result<Vec<Option<Arrived>>, CommitError> {
        let mut lines = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let entry = match arrival.entry {
                ArrivalOf::Old(entry) => Some(entry),
                ArrivalOf::New(at) => {
                    answers.get(at).filter(|answer| !answer.duplicate).map(|answer| answer.entry)
                }
            };
            lines.push(match entry {
                Some(entry) => Some(self.line(arrival.collection, entry, false)?),
                None => None,
            });
        }
        Ok(lines)
    }

    pub(super) fn depart(
        &mut self,
        departures: &[(u32, EntryRef)],
    ) -> Result<Vec<Arrived>, CommitError> {
        let mut lines = Vec::with_capacity(departures.len());
        for (collection, entry) in departures {
            lines.push(self.line(*collection, *entry, true)?);
        }
        Ok(lines)
    }

    /// Writes the clocks, which is what makes them survive.
    pub(super) fn close(self) -> Result<(), StorageError> {
        for (collection, last) in self.clocks {
            self.storage.set_clock(collection, last)?;
        }
        Ok(())
    }
}
