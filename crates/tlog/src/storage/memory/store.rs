//! The store's contract over the simulated disk.

use std::sync::Arc;

use super::{MemoryStorage, Step, Tables, span, stopped};
use crate::commitment::Commitment;
use crate::merkle::Hash;
use crate::storage::{
    ArrivalRow, DedupKey, EntryRef, Follow, Head, INDEX_MAX, KeyRow, Mark, Storage, StorageError,
};

impl Storage for MemoryStorage {
    fn begin(&mut self) -> Result<(), StorageError> {
        let mut disk = self.disk.disk();
        if !matches!(MemoryStorage::step(&mut disk)?, Step::Go | Step::Flip) {
            disk.stopped = true;
            return Err(stopped());
        }
        if disk.writer.is_some_and(|writer| writer != self.handle) {
            return Err(StorageError::Busy("memory"));
        }
        disk.writer = Some(self.handle);
        self.transaction = Some(Tables::clone(&disk.log.live));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        let mut disk = self.disk.disk();
        let step = MemoryStorage::step(&mut disk)?;
        let Some(state) = self.transaction.take() else {
            return Err(StorageError::Io("no transaction".to_owned()));
        };
        disk.log.write(state);
        disk.writer = None;
        if matches!(step, Step::Within | Step::Unsynced) {
            disk.log.torn = matches!(step, Step::Within);
            disk.stopped = true;
            return Err(stopped());
        }
        disk.log.sync();
        if matches!(step, Step::GoThenFail) {
            disk.stopped = true;
            return Err(stopped());
        }
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), StorageError> {
        let mut disk = self.disk.disk();
        if disk.stopped {
            return Err(stopped());
        }
        if self.transaction.take().is_some() {
            disk.writer = None;
        }
        Ok(())
    }

    fn head(&mut self, log: u8) -> Result<Option<Head>, StorageError> {
        self.read(|tables| tables.heads.get(&log).map(|head| Head::clone(head)))
    }

    fn swap_head(&mut self, old: Option<(u64, Hash)>, new: &Head) -> Result<bool, StorageError> {
        self.change(|tables, _| {
            let stored = tables.heads.get(&new.log);
            let same = stored.map(|head| (head.size, head.root)) == old;
            if same {
                tables.heads.insert(new.log, Arc::new(new.clone()));
            }
            same
        })
    }

    fn put_entry(
        &mut self,
        entry: EntryRef,
        commitment: &Commitment,
        body: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        self.change(|tables, flip| {
            let mut commitment = *commitment;
            if flip && let Some(octet) = commitment.0.first_mut() {
                *octet ^= 1;
            }
            let row = (commitment, body.map(Arc::from));
            tables.entries.insert(entry.key(), row);
        })
    }

    fn has_body(&mut self, entry: EntryRef) -> Result<bool, StorageError> {
        self.read(|tables| tables.entries.get(&entry.key()).is_some_and(|(_, body)| body.is_some()))
    }

    fn put_body(&mut self, entry: EntryRef, body: &[u8]) -> Result<bool, StorageError> {
        self.change(|tables, _| match tables.entries.get_mut(&entry.key()) {
            Some((_, slot @ None)) => {
                *slot = Some(Arc::from(body));
                true
            }
            _ => false,
        })
    }

    fn replace_body(&mut self, entry: EntryRef, body: &[u8]) -> Result<(), StorageError> {
        self.change(|tables, _| {
            if let Some((_, slot)) = tables.entries.get_mut(&entry.key()) {
                *slot = Some(body.into());
            }
        })
    }

    fn remove_entries_from(&mut self, from: EntryRef) -> Result<(), StorageError> {
        let gone = span(from.log, from.index, INDEX_MAX);
        self.change(|tables, _| tables.entries.retain(|key, _| !gone.contains(key)))
    }

    fn follow(&mut self, log: u8) -> Result<Option<Follow>, StorageError> {
        self.read(|tables| tables.follows.get(&log).cloned())
    }

    fn set_follow(&mut self, log: u8, follow: &Follow) -> Result<(), StorageError> {
        self.change(|tables, _| {
            tables.follows.insert(log, follow.clone());
        })
    }

    fn commitments(
        &mut self,
        log: u8,
        from: u64,
        to: u64,
        each: &mut dyn FnMut(Commitment),
    ) -> Result<(), StorageError> {
        self.read(|tables| {
            let rows = tables.entries.range(span(log, from, to));
            rows.for_each(|(_, (commitment, _))| each(*commitment));
        })
    }

    fn erase_body(&mut self, entry: EntryRef) -> Result<bool, StorageError> {
        self.change(|tables, _| {
            let body = tables.entries.get_mut(&entry.key());
            let removed = body.is_some_and(|(_, body)| body.take().is_some());
            let noted = removed || entry.is_followed();
            if noted {
                tables.erasing.insert(entry);
            }
            noted
        })
    }

    fn erasing(&mut self) -> Result<Vec<EntryRef>, StorageError> {
        self.read(|tables| tables.erasing.iter().copied().collect())
    }

    fn erased(&mut self, entries: &[EntryRef]) -> Result<(), StorageError> {
        self.change(|tables, _| {
            tables.erasing.retain(|entry| !entries.contains(entry));
        })
    }

    fn put_tile(
        &mut self,
        log: u8,
        level: u8,
        n: u64,
        hashes: &[Hash],
    ) -> Result<(), StorageError> {
        self.change(|tables, _| {
            tables.tiles.insert((log, level, n), Arc::from(hashes));
        })
    }

    fn tile(&mut self, log: u8, level: u8, n: u64) -> Result<Option<Vec<Hash>>, StorageError> {
        self.read(|tables| tables.tiles.get(&(log, level, n)).map(|hashes| hashes.to_vec()))
    }

    fn put_dedup(&mut self, key: &DedupKey, entry: EntryRef) -> Result<(), StorageError> {
        self.change(|tables, _| {
            tables.dedup.insert(*key, entry);
        })
    }

    fn dedup(&mut self, key: &DedupKey) -> Result<Option<EntryRef>, StorageError> {
        self.read(|tables| tables.dedup.get(key).copied())
    }

    fn put_arrival(&mut self, row: &ArrivalRow) -> Result<(), StorageError> {
        self.change(|tables, _| {
            tables.arrivals.insert(row.seq, *row);
        })
    }

    fn last_seq(&mut self) -> Result<u64, StorageError> {
        self.read(|tables| tables.arrivals.keys().next_back().copied().unwrap_or(0))
    }

    fn clock(&mut self, collection: u32) -> Result<Option<i64>, StorageError> {
        self.read(|tables| tables.clocks.get(&collection).copied())
    }

    fn set_clock(&mut self, collection: u32, last: i64) -> Result<(), StorageError> {
        self.change(|tables, _| {
            tables.clocks.insert(collection, last);
        })
    }

    fn put_keys(&mut self, rows: &[KeyRow], marks: &[Mark]) -> Result<(), StorageError> {
        self.change_keys(|keys| {
            keys.marks.extend(marks.iter().map(|mark| (mark.log, mark.clone())));
            let rows = rows.iter().cloned();
            keys.rows.extend(rows.map(|row| (row.entry.key(), Arc::new(row))));
        })
    }

    fn remove_keys(&mut self, entries: &[EntryRef]) -> Result<(), StorageError> {
        self.change_keys(|keys| {
            for entry in entries {
                keys.rows.remove(&entry.key());
            }
        })
    }

    fn remove_keys_from(&mut self, from: EntryRef) -> Result<(), StorageError> {
        let gone = span(from.log, from.index, INDEX_MAX);
        self.change_keys(|keys| keys.rows.retain(|key, _| !gone.contains(key)))
    }

    fn mark_heads(&mut self, marks: &[Mark]) -> Result<(), StorageError> {
        self.disk.disk().marks.write(marks.to_vec());
        Ok(())
    }

    fn sync_marks(&mut self) -> Result<(), StorageError> {
        self.disk.disk().marks.sync();
        Ok(())
    }

    fn marks(&mut self) -> Result<Vec<Mark>, StorageError> {
        let disk = self.disk.disk();
        Ok(disk.keys.live.marks.values().chain(disk.marks.live.iter()).cloned().collect())
    }

    fn scrub(&mut self) -> Result<bool, StorageError> {
        Ok(true)
    }

    fn local_secret(&mut self, fresh: &[u8; 32]) -> Result<[u8; 32], StorageError> {
        self.change_keys(|keys| {
            keys.secret.get_or_insert(*fresh);
        })?;
        Ok(self.disk.disk().keys.live.secret.unwrap_or(*fresh))
    }
}
