//! Whether the logs that are here are those that were last written: marks against heads.
//!
//! Two marks stand outside of the log store. What they say after a stop at each point of a commit
//! (the numbers are those of [`Sequencer::commit`]):
//!
//! - before (2): both name the heads that stand.
//! - after (2), before (6): `keys.db` has taken the heads as they were before this commit, with
//!   the keys, in one transaction. They stand, and the start removes the keys above them.
//! - after (6), before the mark file is written: it is one commit behind, which is no fault.
//! - after that, killed: the mark file has the new heads. A log store from any earlier moment is
//!   found.
//! - after that, without power: the mark file may have lost what it was not told to keep. The mark
//!   in `keys.db` stands, one commit behind: a log store that is older by exactly that one commit
//!   is not found. [`Sequencer::settle`], which runs whenever nothing else does, and the orderly
//!   end close that gap.
//!
//! A mark may be behind a head, never above it, unless the log store was put back.

use super::{CommitError, LogConfig, OpenError, Sequencer};
use crate::merkle::{self, Hash, Nodes, root_of};
use crate::storage::mark::Mark;
use crate::storage::{Storage, StorageError};
use crate::tile::TILE_WIDTH;

/// A log that is not as it was last signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Its name.
    pub log: String,
    /// Its origin.
    pub origin: String,
    /// Its size here.
    pub here: u64,
    /// The size that was signed.
    pub signed: u64,
}

impl std::fmt::Display for Behind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Behind { log, here, signed, .. } = self;
        if here < signed {
            write!(formatter, "log `{log}` has {here} entries here and signed {signed} before")
        } else {
            write!(formatter, "log `{log}` has other entries here than it signed, among {signed}")
        }
    }
}

/// Compares marks with a log that has so many entries here. `agrees` says whether the first ones
/// have the root of a mark; it is never asked beyond that size.
pub(crate) fn compare<E>(
    name: &str,
    origin: &str,
    marks: &[Mark],
    log: u8,
    here: u64,
    mut agrees: impl FnMut(&Mark) -> Result<bool, E>,
) -> Result<Option<Behind>, E> {
    let mut signed = None;
    for mark in marks.iter().filter(|mark| mark.log == log && mark.origin == origin) {
        if mark.size > here || !agrees(mark)? {
            signed = signed.max(Some(mark.size));
        }
    }
    let (log, origin) = (name.to_owned(), origin.to_owned());
    Ok(signed.map(|signed| Behind { log, origin, here, signed }))
}

impl<S: Storage> Sequencer<S> {
    /// Before anything is signed, and before any key is taken for left over: the logs are those
    /// that were last written here.
    ///
    /// Without `roots` it looks at sizes alone, which even a damaged store has.
    pub(super) fn check_marks(
        &mut self,
        configs: &[LogConfig],
        roots: bool,
    ) -> Result<(), OpenError> {
        let marks = self.storage.marks()?;
        let mut behind = Vec::new();
        for LogConfig { id, name, origin, .. } in configs {
            let head = self.storage.head(*id)?;
            if head.is_none() && self.has_entries(*id)? {
                // Entries and no head: damaged, which the opening of that log says.
                continue;
            }
            let here = head.map_or(0, |head| head.size);
            let mut nodes = StoredNodes { storage: &mut self.storage, log: *id };
            let agrees = |mark: &Mark| -> Result<bool, StorageError> {
                Ok(!roots || merkle::root(mark.size, &mut nodes)? == mark.root)
            };
            behind.extend(compare(name, origin, &marks, *id, here, agrees)?);
        }
        if behind.is_empty() { Ok(()) } else { Err(OpenError::Behind(behind)) }
    }

    fn has_entries(&mut self, log: u8) -> Result<bool, StorageError> {
        let mut any = false;
        self.storage.commitments(log, 0, 1, &mut |_| any = true)?;
        Ok(any)
    }

    /// The marks to be kept with the keys of the next entries: of each log that grew since its
    /// last one, the head as it stands in the store.
    pub(super) fn marks_due(&self) -> Vec<Mark> {
        let due = self.logs.values().filter(|log| log.marked != Some(log.head.size));
        due.map(|log| Mark::of(&log.config.origin, &log.head)).collect()
    }

    /// They are kept.
    pub(super) fn marks_kept(&mut self) {
        self.logs.values_mut().for_each(|log| log.marked = Some(log.head.size));
    }

    /// Notes the heads that stand now. The commit is a fact already: where this fails, the mark in
    /// the key store is what is left, and whoever runs the node hears of it.
    pub(super) fn mark_heads(&mut self) {
        let marks: Vec<Mark> =
            self.logs.values().map(|log| Mark::of(&log.config.origin, &log.head)).collect();
        if let Err(fault) = self.storage.mark_heads(&marks) {
            self.mark_fault = Some(fault);
        }
    }

    /// Waits until the mark is on the disk.
    pub(super) fn settle_marks(&mut self) {
        if let Err(fault) = self.storage.sync_marks() {
            self.mark_fault = Some(fault);
        }
    }

    /// Why the mark of the heads could not be written, where it could not; told once.
    pub fn take_mark_fault(&mut self) -> Option<StorageError> {
        self.mark_fault.take()
    }

    /// Keeps the keys, and beside them how far the logs had come.
    pub(super) fn keep_keys(&mut self, rows: &[crate::storage::KeyRow]) -> Result<(), CommitError> {
        if rows.is_empty() {
            return Ok(());
        }
        let due = self.marks_due();
        self.storage.put_keys(rows, &due)?;
        self.marks_kept();
        Ok(())
    }
}

/// Nodes of a stored tree, each from one tile.
pub(super) struct StoredNodes<'s, S: Storage> {
    pub(super) storage: &'s mut S,
    pub(super) log: u8,
}

impl<S: Storage> Nodes for StoredNodes<'_, S> {
    type Error = StorageError;

    fn node(&mut self, level: u8, index: u64) -> Result<Hash, StorageError> {
        let (tile_level, above) = (level / 8, level % 8);
        let first = index << above;
        let n = first / u64::from(TILE_WIDTH);
        let missing =
            || StorageError::Damaged(format!("log.db: tile {}/{tile_level}/{n}", self.log));
        let hashes = self.storage.tile(self.log, tile_level, n)?.ok_or_else(missing)?;
        let at = usize::try_from(first % u64::from(TILE_WIDTH)).unwrap_or(0);
        let row = hashes.get(at..at + (1 << above)).ok_or_else(missing)?;
        Ok(root_of(row))
    }
}
