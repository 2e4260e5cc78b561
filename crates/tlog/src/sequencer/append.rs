//! A commit, step by step.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::checkpoint::Checkpoint;
use crate::commitment::Commitment;
use crate::merkle::Range;
use crate::seal::Sealed;
use crate::storage::{DedupKey, EntryRef, Head, INDEX_MAX, KeyRow, Storage, StorageError};
use crate::tile::Edge;

use super::journal::Journal;
use super::mutant::Mutant;
use super::{
    ArrivalOf, Batch, CommitError, Committed, ENVELOPE_BYTES_MAX, Log, PendingEntry, Sequenced,
    Sequencer,
};

/// Entries that have their places and are not yet stored.
pub(super) struct Staged {
    entries: Vec<StagedEntry>,
    pub(super) keys: Vec<KeyRow>,
    answers: Vec<Sequenced>,
}

struct StagedEntry {
    entry: EntryRef,
    commitment: Commitment,
    body: Vec<u8>,
    dedup: Option<DedupKey>,
}

/// A tree whose root was computed twice, in memory and from what is stored. Only
/// [`Sequencer::check_tree`] makes one.
struct Checked {
    log: u8,
    edge: Edge,
    range: Range,
}

/// A checked tree with its note, which nobody but the store has seen.
pub(super) struct Signed {
    edge: Edge,
    pub(super) head: Head,
}

impl<S: Storage> Sequencer<S> {
    /// Commits a batch: all of it or nothing. When it returns `Ok`, everything is durable and the
    /// notes may be published.
    ///
    /// # Errors
    /// After [`CommitError::Fatal`] the process has to end; after all others nothing has changed.
    pub fn commit(&mut self, batch: Batch, now_micros: i64) -> Result<Committed, CommitError> {
        if self.dead {
            return Err(CommitError::Fatal("an earlier error was fatal".to_owned()));
        }
        self.admissible(&batch)?;
        let result = self.run(batch, now_micros);
        self.conclude(result)
    }

    fn run(&mut self, batch: Batch, now: i64) -> Result<Committed, CommitError> {
        let Batch { entries, arrivals, departures, erasures, openings, scanned } = batch;
        // (1) We are the writer until the end, and the logs are as we left them.
        self.storage.begin()?;
        self.same_heads()?;
        let mut staged = self.stage(entries)?;
        let received = self.stage_openings(openings, &mut staged.keys)?;
        // (2) What opens the entries is durable before the entries are. If we stop here, keys of
        //     entries that do not exist are left, which recovery or the next commit removes.
        self.put_keys(&staged, false)?;
        // (3) The log store, all in one transaction. If we stop here, it never was.
        let grown = self.store(&staged)?;
        let received = self.store_openings(received)?;
        let followed = self.note_scanned(&scanned)?;
        let as_is = self.has(Mutant::ClockAsIs);
        let mut journal = Journal::new(&mut self.storage, now, as_is)?;
        let arrivals = journal.arrive(&arrivals, &staged.answers)?;
        let departures = journal.depart(&departures)?;
        journal.close()?;
        self.erase_early(&erasures)?;
        for entry in &erasures {
            self.unsettled |= self.storage.erase_body(*entry)?;
        }
        // (4) Check each tree against what was written, and sign. If we stop here, a signature
        //     existed in this process's memory and nowhere else.
        let mut signed = Vec::with_capacity(grown.len());
        for (log, edge) in grown {
            let checked = self.check_tree(log, edge)?;
            signed.push(self.sign(checked)?);
        }
        // (5) The new heads replace exactly the old ones, or another writer is at work.
        for new in &signed {
            self.swap_head(&new.head)?;
        }
        self.leak(&signed);
        // (6) From here on it is true. If we stop before, the batch never was; if after, a retry
        //     with the same idempotency key finds it.
        self.storage.commit()?;
        self.put_keys(&staged, true)?;
        let heads = self.adopt(signed);
        self.adopt_follows(followed);
        self.mark_heads();
        // (7) Keys of erased entries go. If we stop before, the store remembers, and recovery does.
        let settled = self.settle_erasures()?;
        Ok(Committed { entries: staged.answers, received, arrivals, departures, heads, settled })
    }

    /// Refuses what cannot be, before anything is touched.
    fn admissible(&self, batch: &Batch) -> Result<(), CommitError> {
        for entry in &batch.entries {
            let log = self
                .logs
                .get(&entry.log)
                .ok_or(CommitError::Refused("an entry for a log that is not open"))?;
            if entry.sealed.envelope_bytes() > ENVELOPE_BYTES_MAX {
                return Err(CommitError::Refused("an envelope beyond the limit"));
            }
            if log.head.size > INDEX_MAX - batch.entries.len() as u64 {
                return Err(CommitError::Refused("the log is full"));
            }
        }
        let known = |entry: &EntryRef| match self.logs.get(&entry.log) {
            Some(log) => entry.index < log.head.size,
            None => self.is_verified(*entry),
        };
        let arrivals = batch.arrivals.iter().all(|arrival| match arrival.entry {
            ArrivalOf::New(at) => at < batch.entries.len(),
            ArrivalOf::Old(entry) => known(&entry),
        });
        let departures = batch.departures.iter().all(|(_, entry)| known(entry));
        let opened = batch.openings.iter().all(|opening| self.is_verified(opening.entry));
        let scanned = batch.scanned.iter().all(|(log, _)| self.followed.contains_key(log));
        if !arrivals || !departures || !opened || !scanned || !batch.erasures.iter().all(known) {
            return Err(CommitError::Refused("an entry that does not exist"));
        }
        Ok(())
    }

    /// The heads in the store are those of our last commit. Not so: another writer, or a store
    /// that was swapped under us. Signing on either would fork a log.
    fn same_heads(&mut self) -> Result<(), CommitError> {
        if self.has(Mutant::NoSwap) {
            return Ok(());
        }
        for (id, log) in &self.logs {
            let stored = self.storage.head(*id)?;
            if stored.is_none_or(|stored| stored != log.head) {
                return Err(two_writers());
            }
        }
        Ok(())
    }

    /// Gives each entry its place, or finds the place that an earlier try got.
    fn stage(&mut self, entries: Vec<PendingEntry>) -> Result<Staged, CommitError> {
        let mut next: BTreeMap<u8, u64> =
            self.logs.iter().map(|(id, l)| (*id, l.head.size)).collect();
        let mut seen: BTreeMap<DedupKey, EntryRef> = BTreeMap::new();
        let mut staged = Staged {
            entries: Vec::with_capacity(entries.len()),
            keys: Vec::with_capacity(entries.len()),
            answers: Vec::with_capacity(entries.len()),
        };
        for pending in entries {
            let dedup = self.dedup_key(&pending);
            if let Some(key) = dedup.as_ref().filter(|_| !self.has(Mutant::NoDedup)) {
                let earlier = match seen.get(key) {
                    Some(entry) => Some(*entry),
                    None => self.storage.dedup(key)?,
                };
                if let Some(entry) = earlier {
                    let duplicate = true;
                    staged.answers.push(Sequenced { entry, duplicate });
                    continue;
                }
            }
            let Some(index) = next.get_mut(&pending.log) else {
                return Err(CommitError::Refused("an entry for a log that is not open"));
            };
            let entry = EntryRef { log: pending.log, index: *index };
            *index += 1;
            if let Some(key) = dedup {
                seen.insert(key, entry);
            }
            let Sealed { commitment, salt, data_key, body } = pending.sealed;
            staged.answers.push(Sequenced { entry, duplicate: false });
            staged.keys.push(KeyRow { entry, salt, data_key });
            staged.entries.push(StagedEntry { entry, commitment, body, dedup });
        }
        Ok(staged)
    }

    fn dedup_key(&self, pending: &PendingEntry) -> Option<DedupKey> {
        let idem = pending.idem.as_ref()?;
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.secret.as_slice()).ok()?;
        mac.update(&[pending.log]);
        mac.update(idem);
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        full.first_chunk::<16>().copied()
    }

    /// Writes leaves, bodies, retries and tiles, and returns the new edge of each log that grew.
    fn store(&mut self, staged: &Staged) -> Result<BTreeMap<u8, Edge>, CommitError> {
        let mut grown: BTreeMap<u8, Edge> = BTreeMap::new();
        for new in &staged.entries {
            let EntryRef { log, .. } = new.entry;
            self.storage.put_entry(new.entry, &new.commitment, Some(&new.body))?;
            if let Some(key) = &new.dedup {
                self.storage.put_dedup(key, new.entry)?;
            }
            let Some(known) = self.logs.get(&log) else {
                return Err(CommitError::Refused("an entry for a log that is not open"));
            };
            let storage = &mut self.storage;
            grown
                .entry(log)
                .or_insert_with(|| known.edge.clone())
                .push(new.commitment.leaf_hash(), &mut |level, n, hashes| {
                    storage.put_tile(log, level, n, hashes)
                })?;
        }
        for (log, edge) in &grown {
            for (level, tile) in edge.partial() {
                self.storage.put_tile(*log, level, tile.n, &tile.hashes)?;
            }
        }
        Ok(grown)
    }

    /// Reads the new leaves back, extends the compact range of the last checkpoint by them, and
    /// compares the root with that of the tiles.
    fn check_tree(&mut self, log: u8, edge: Edge) -> Result<Checked, CommitError> {
        let Some(known) = self.logs.get(&log) else {
            return Err(CommitError::Refused("an entry for a log that is not open"));
        };
        let mut range = known.head.range.clone();
        self.storage.commitments(log, range.size(), INDEX_MAX, &mut |commitment| {
            range.push(commitment.leaf_hash());
        })?;
        if range.root() != edge.root() && !self.has(Mutant::NoCheck) {
            return Err(CommitError::Fatal(format!(
                "log `{}`: what was written is not what was meant, at size {}",
                known.config.name,
                range.size()
            )));
        }
        Ok(Checked { log, edge, range })
    }

    fn sign(&self, checked: Checked) -> Result<Signed, CommitError> {
        let Checked { log, edge, range } = checked;
        let Some(known) = self.logs.get(&log) else {
            return Err(CommitError::Refused("an entry for a log that is not open"));
        };
        let checkpoint = Checkpoint {
            origin: known.config.origin.clone(),
            size: range.size(),
            root: range.root(),
        };
        let note = checkpoint
            .sign(&known.config.key)
            .map_err(|error| CommitError::Fatal(error.to_string()))?;
        let head = Head { log, size: checkpoint.size, root: checkpoint.root, note, range };
        Ok(Signed { edge, head })
    }

    fn swap_head(&mut self, new: &Head) -> Result<(), CommitError> {
        let old = self.logs.get(&new.log).map(|Log { head, .. }| head);
        let mut old = old.map(|head| (head.size, head.root));
        if self.has(Mutant::NoSwap) {
            old = self.storage.head(new.log)?.map(|head| (head.size, head.root));
        }
        if self.storage.swap_head(old, new)? { Ok(()) } else { Err(two_writers()) }
    }

    /// The transaction is durable: the new trees are ours.
    fn adopt(&mut self, signed: Vec<Signed>) -> Vec<Head> {
        let mut heads = Vec::with_capacity(signed.len());
        for Signed { edge, head } in signed {
            if let Some(log) = self.logs.get_mut(&head.log) {
                log.edge = edge;
                log.head = head.clone();
            }
            heads.push(head);
        }
        heads
    }

    /// Removes what is erased for good. A lack of space, or a reader in the way, is no error: the
    /// commit stands, the list in the store remembers, and to fail now would tell a lie.
    pub(super) fn settle_erasures(&mut self) -> Result<bool, CommitError> {
        if !self.unsettled {
            return Ok(true);
        }
        match self.settle_steps() {
            Ok(done) => {
                self.unsettled = !done;
                Ok(done)
            }
            Err(StorageError::Full(_) | StorageError::Busy(_)) => {
                self.storage.rollback()?;
                Ok(false)
            }
            Err(error) => Err(CommitError::Fatal(error.to_string())),
        }
    }

    /// The keys go first, then what the files still hold of them, then the list, so that the list
    /// is the last to forget.
    fn settle_steps(&mut self) -> Result<bool, StorageError> {
        let entries = self.storage.erasing()?;
        self.storage.remove_keys(&entries)?;
        if !self.storage.scrub()? {
            return Ok(false);
        }
        self.storage.begin()?;
        self.storage.erased(&entries)?;
        self.storage.commit()?;
        Ok(true)
    }
}

fn two_writers() -> CommitError {
    CommitError::Fatal("another writer changed the heads of these logs".to_owned())
}
