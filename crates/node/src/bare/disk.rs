//! The logs of a simulated node, as its decisions read them.

use comity_tlog::commitment::{Commitment, Salt};
use comity_tlog::storage::memory::MemoryDisk;
use comity_tlog::{ArrivalRow, EntryRef, ReadError};

use crate::node::NodeError;
use crate::stores::{Logs, Mutant};

/// A disk in memory, and the bug that is planted in whoever reads it.
#[derive(Debug, Clone)]
pub(crate) struct Simulated {
    pub(super) disk: MemoryDisk,
    pub(super) mutant: Option<Mutant>,
}

fn sealed(entry: EntryRef) -> NodeError {
    NodeError::Storage(ReadError::Sealed(entry).to_string())
}

impl Logs for Simulated {
    fn size(&self, log: u8) -> Result<u64, NodeError> {
        Ok(self.disk.size(log))
    }

    fn open_entry(&self, entry: EntryRef) -> Result<Option<Vec<u8>>, NodeError> {
        self.disk.open_entry(entry).map_err(sealed)
    }

    fn release(&self, entry: EntryRef) -> Result<Option<(Salt, Vec<u8>)>, NodeError> {
        let Some(envelope) = self.open_entry(entry)? else { return Ok(None) };
        Ok(self.disk.salt(entry).map(|salt| (salt, envelope)))
    }

    fn envelope_size(&self, entry: EntryRef) -> Result<Option<u64>, NodeError> {
        Ok(self.disk.envelope_size(entry))
    }

    fn commitment(&self, entry: EntryRef) -> Result<Option<Commitment>, NodeError> {
        Ok(self.disk.commitment(entry))
    }

    fn entries(
        &self,
        from: EntryRef,
        mut each: impl FnMut(EntryRef, Option<&[u8]>) -> bool,
    ) -> Result<(), NodeError> {
        for index in from.index..self.size(from.log)? {
            let entry = EntryRef { log: from.log, index };
            if !each(entry, self.open_entry(entry)?.as_deref()) {
                break;
            }
        }
        Ok(())
    }

    fn open_many(
        &self,
        entries: &[EntryRef],
        mut each: impl FnMut(usize, &[u8]),
    ) -> Result<(), NodeError> {
        for (at, entry) in entries.iter().enumerate() {
            if let Some(envelope) = self.open_entry(*entry)? {
                each(at, &envelope);
            }
        }
        Ok(())
    }

    fn arrivals(
        &self,
        from: u64,
        mut each: impl FnMut(ArrivalRow) -> bool,
    ) -> Result<(), NodeError> {
        self.disk.arrivals_from(from).into_iter().take_while(|row| each(*row)).for_each(drop);
        Ok(())
    }

    fn last_arrival(&self) -> Result<u64, NodeError> {
        Ok(self.disk.last_arrival())
    }

    fn planted(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

impl Simulated {
    /// Whether this bug is planted.
    pub(super) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}
