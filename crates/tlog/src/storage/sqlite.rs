//! The store in two SQLite files, `log.db` and `keys.db`, in write-ahead mode with
//! `synchronous=FULL`: a commit has been flushed to the disk when it returns.
//!
//! `secure_delete` overwrites what is deleted, `gaps.rs` what was moved before, and a truncating
//! checkpoint empties the journal, so that what was erased cannot be read from the files (what the
//! disk keeps below them is beyond a program's reach; hence the data keys).

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use rusqlite::{ErrorCode, OptionalExtension, params};

mod gaps;
mod keys;
pub(crate) mod mark;
mod open;
mod read;

pub(crate) use read::{read_commitments, read_follow, read_head, read_marks, read_tile};

pub(crate) use gaps::Written;
#[cfg(test)]
pub(crate) use gaps::gap;
use keys::KeyFile;
use mark::MarkFile;
use open::open_file;

use super::schema::{KEYS, LOCK, LOG};
use super::{
    ArrivalRow, DedupKey, EntryRef, Follow, Head, INDEX_MAX, KeyRow, Mark, Storage, StorageError,
    checksum,
};
use crate::commitment::Commitment;
use crate::merkle::{Hash, hashes_of};

/// How long a statement waits for another connection. Readers never hold a file for long; a
/// truncating checkpoint may meet one.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Kibibytes of pages that the writer keeps of each file. It writes at the end and looks back at
/// little else; what a transaction changed stays in memory beyond this until its commit.
const WRITER_CACHE_KIB: u32 = 4 * 1024;

/// The store of a node, opened to write.
pub struct SqliteStorage {
    log: Written,
    keys: KeyFile,
    mark: MarkFile,
    /// Held as long as the store is open. The system lets go of it when the process ends, however
    /// it ends.
    _lock: Option<File>,
}

impl SqliteStorage {
    /// Opens the store in a directory, which has to exist; creates the files where there are none.
    ///
    /// # Errors
    /// Another process has it open to write, or the files are not ours.
    pub fn open(dir: &Path) -> Result<SqliteStorage, StorageError> {
        let file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(dir.join(LOCK))
            .map_err(|error| StorageError::Io(format!("`{LOCK}`: {error}")))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError::Held(dir.display().to_string()));
            }
            Err(TryLockError::Error(error)) => {
                return Err(StorageError::Io(format!("`{LOCK}`: {error}")));
            }
        }
        SqliteStorage::open_files(dir, Some(file))
    }

    /// The same, with the mark of the heads in a file elsewhere, which has to be there: on another
    /// volume it outlives that the whole directory is put back.
    ///
    /// # Errors
    /// As for [`SqliteStorage::open`], or the mark is not there.
    pub fn open_marked(dir: &Path, outside: &Path) -> Result<SqliteStorage, StorageError> {
        let mark = MarkFile::open_outside(outside)?;
        Ok(SqliteStorage { mark, ..SqliteStorage::open(dir)? })
    }

    /// For the test of two writers: what happens where the lock does not work, as on some network
    /// file systems.
    #[cfg(test)]
    pub(crate) fn open_unlocked(dir: &Path) -> Result<SqliteStorage, StorageError> {
        SqliteStorage::open_files(dir, None)
    }

    #[cfg(test)]
    pub(crate) fn connections(&self) -> (&rusqlite::Connection, &rusqlite::Connection) {
        (&self.log, &self.keys.0)
    }

    fn open_files(dir: &Path, lock: Option<File>) -> Result<SqliteStorage, StorageError> {
        Ok(SqliteStorage {
            log: open_file(dir, &LOG)?,
            keys: KeyFile(open_file(dir, &KEYS)?),
            mark: MarkFile::open(dir)?,
            _lock: lock,
        })
    }
}

/// What an error of SQLite means for the caller. Only those that leave nothing in doubt have names.
pub(crate) fn sort(error: &rusqlite::Error, file: &'static str) -> StorageError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StorageError::Full(file),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageError::Busy(file),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StorageError::Damaged(format!("{file}: {error}"))
        }
        _ => StorageError::Io(format!("{file}: {error}")),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` passes")]
fn in_log(error: rusqlite::Error) -> StorageError {
    sort(&error, LOG.file)
}

fn damaged(table: &str, row: impl std::fmt::Display) -> StorageError {
    StorageError::Damaged(format!("{}: {table} {row}: not of its form", LOG.file))
}

/// SQLite's integers are signed; ours are counts that stay below 2^48.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Storage for SqliteStorage {
    fn begin(&mut self) -> Result<(), StorageError> {
        let mut statement = self.log.prepare_cached("BEGIN IMMEDIATE").map_err(in_log)?;
        statement.execute([]).map(|_| ()).map_err(in_log)
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        let mut statement = self.log.prepare_cached("COMMIT").map_err(in_log)?;
        statement.execute([]).map_err(in_log)?;
        drop(statement);
        self.log.committed();
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), StorageError> {
        if self.log.is_autocommit() {
            return Ok(());
        }
        self.log
            .execute_batch("ROLLBACK")
            .map_err(|error| StorageError::Io(format!("{}: {error}", LOG.file)))
    }

    fn head(&mut self, log: u8) -> Result<Option<Head>, StorageError> {
        read_head(&self.log, log)
    }

    fn swap_head(&mut self, old: Option<(u64, Hash)>, new: &Head) -> Result<bool, StorageError> {
        let range = new.range.to_bytes();
        let changed = match old {
            None => self
                .log
                .prepare_cached(
                    "INSERT INTO head (log, size, root, note, range) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (log) DO NOTHING",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        new.log,
                        signed(new.size),
                        new.root.0,
                        new.note,
                        range
                    ])
                }),
            Some((size, root)) => self
                .log
                .prepare_cached(
                    "UPDATE head SET size = ?2, root = ?3, note = ?4, range = ?5
                     WHERE log = ?1 AND size = ?6 AND root = ?7",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        new.log,
                        signed(new.size),
                        new.root.0,
                        new.note,
                        range,
                        signed(size),
                        root.0
                    ])
                }),
        };
        changed.map(|rows| rows == 1).map_err(in_log)
    }

    fn put_entry(
        &mut self,
        entry: EntryRef,
        commitment: &Commitment,
        body: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        self.log
            .prepare_cached("INSERT INTO entry (key, commitment, body) VALUES (?1, ?2, ?3)")
            .and_then(|mut statement| {
                statement.execute(params![entry.key(), commitment.0.as_slice(), body])
            })
            .map(|_| ())
            .map_err(in_log)
    }

    fn has_body(&mut self, entry: EntryRef) -> Result<bool, StorageError> {
        self.log
            .prepare_cached("SELECT 1 FROM entry WHERE key = ?1 AND body IS NOT NULL")
            .and_then(|mut statement| statement.exists([entry.key()]))
            .map_err(in_log)
    }

    fn put_body(&mut self, entry: EntryRef, body: &[u8]) -> Result<bool, StorageError> {
        self.log
            .prepare_cached("UPDATE entry SET body = ?2 WHERE key = ?1 AND body IS NULL")
            .and_then(|mut statement| statement.execute(params![entry.key(), body]))
            .map(|rows| rows == 1)
            .map_err(in_log)
    }

    fn replace_body(&mut self, entry: EntryRef, body: &[u8]) -> Result<(), StorageError> {
        self.log
            .prepare_cached("UPDATE entry SET body = ?2 WHERE key = ?1")
            .and_then(|mut statement| statement.execute(params![entry.key(), body]))
            .map(|_| ())
            .map_err(in_log)
    }

    fn remove_entries_from(&mut self, from: EntryRef) -> Result<(), StorageError> {
        let last = EntryRef { log: from.log, index: INDEX_MAX };
        self.log
            .prepare_cached("DELETE FROM entry WHERE key BETWEEN ?1 AND ?2")
            .and_then(|mut statement| statement.execute([from.key(), last.key()]))
            .map(|_| ())
            .map_err(in_log)
    }

    fn follow(&mut self, log: u8) -> Result<Option<Follow>, StorageError> {
        read_follow(&self.log, log)
    }

    fn set_follow(&mut self, log: u8, follow: &Follow) -> Result<(), StorageError> {
        let (staged, range) = (signed(follow.staged.size()), follow.staged.to_bytes());
        self.log
            .prepare_cached(
                "REPLACE INTO follow (log, staged, range, scanned) VALUES (?1, ?2, ?3, ?4)",
            )
            .and_then(|mut statement| {
                statement.execute(params![log, staged, range, signed(follow.scanned)])
            })
            .map(|_| ())
            .map_err(in_log)
    }

    fn commitments(
        &mut self,
        log: u8,
        from: u64,
        to: u64,
        each: &mut dyn FnMut(Commitment),
    ) -> Result<(), StorageError> {
        read_commitments(&self.log, log, from, to, each)
    }

    fn erase_body(&mut self, entry: EntryRef) -> Result<bool, StorageError> {
        let key = [entry.key()];
        let removed = self
            .log
            .prepare_cached("UPDATE entry SET body = NULL WHERE key = ?1 AND body IS NOT NULL")
            .and_then(|mut statement| statement.execute(key))
            .map_err(in_log)?;
        let noted = removed > 0 || entry.is_followed();
        if noted {
            self.log
                .prepare_cached("INSERT INTO erasing (key) VALUES (?1) ON CONFLICT DO NOTHING")
                .and_then(|mut statement| statement.execute(key))
                .map_err(in_log)?;
        }
        Ok(noted)
    }

    fn erasing(&mut self) -> Result<Vec<EntryRef>, StorageError> {
        let mut statement = self
            .log
            .prepare_cached(
                "SELECT erasing.key, entry.key IS NOT NULL AND entry.body IS NULL
                 FROM erasing LEFT JOIN entry USING (key) ORDER BY 1",
            )
            .map_err(in_log)?;
        let mut rows = statement.query([]).map_err(in_log)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(in_log)? {
            let key: i64 = row.get(0).map_err(in_log)?;
            // A list that names an entry with a body was not written by us: no key goes for it.
            let agreed: bool = row.get(1).map_err(in_log)?;
            match EntryRef::from_key(key).filter(|_| agreed) {
                Some(entry) => entries.push(entry),
                None => return Err(damaged("erasing", key)),
            }
        }
        Ok(entries)
    }

    fn erased(&mut self, entries: &[EntryRef]) -> Result<(), StorageError> {
        let mut statement =
            self.log.prepare_cached("DELETE FROM erasing WHERE key = ?1").map_err(in_log)?;
        for entry in entries {
            statement.execute([entry.key()]).map_err(in_log)?;
        }
        Ok(())
    }

    fn put_tile(
        &mut self,
        log: u8,
        level: u8,
        n: u64,
        hashes: &[Hash],
    ) -> Result<(), StorageError> {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        self.log
            .prepare_cached(
                "INSERT INTO tile (log, level, n, hashes) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (log, level, n) DO UPDATE SET hashes = excluded.hashes",
            )
            .and_then(|mut statement| statement.execute(params![log, level, signed(n), bytes]))
            .map(|_| ())
            .map_err(in_log)
    }

    fn tile(&mut self, log: u8, level: u8, n: u64) -> Result<Option<Vec<Hash>>, StorageError> {
        match read_tile(&self.log, log, level, n)? {
            None => Ok(None),
            Some(bytes) => hashes_of(&bytes)
                .map(Some)
                .ok_or_else(|| damaged("tile", format_args!("{log}/{level}/{n}"))),
        }
    }

    fn put_dedup(&mut self, key: &DedupKey, entry: EntryRef) -> Result<(), StorageError> {
        let sum = checksum(b"dedup", &[key, &entry.key().to_be_bytes()]);
        self.log
            .prepare_cached("INSERT INTO dedup (mac, key, sum) VALUES (?1, ?2, ?3)")
            .and_then(|mut statement| {
                statement.execute(params![key.as_slice(), entry.key(), sum.as_slice()])
            })
            .map(|_| ())
            .map_err(in_log)
    }

    fn dedup(&mut self, key: &DedupKey) -> Result<Option<EntryRef>, StorageError> {
        let mut statement =
            self.log.prepare_cached("SELECT key FROM dedup WHERE mac = ?1").map_err(in_log)?;
        let found: Option<i64> =
            statement.query_row([key.as_slice()], |row| row.get(0)).optional().map_err(in_log)?;
        found.map(|key| EntryRef::from_key(key).ok_or_else(|| damaged("dedup", key))).transpose()
    }

    fn put_arrival(&mut self, row: &ArrivalRow) -> Result<(), StorageError> {
        self.log
            .prepare_cached(
                "INSERT INTO arrival (seq, collection, log, idx, date_added, gone, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    signed(row.seq),
                    row.collection,
                    row.entry.log,
                    signed(row.entry.index),
                    row.date_added,
                    row.gone,
                    row.sum().as_slice()
                ])
            })
            .map(|_| ())
            .map_err(in_log)
    }

    fn last_seq(&mut self) -> Result<u64, StorageError> {
        let last: i64 = self
            .log
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM arrival")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(in_log)?;
        u64::try_from(last).map_err(|_| damaged("arrival", last))
    }

    fn clock(&mut self, collection: u32) -> Result<Option<i64>, StorageError> {
        self.log
            .prepare_cached("SELECT last FROM clock WHERE collection = ?1")
            .and_then(|mut statement| {
                statement.query_row([collection], |row| row.get(0)).optional()
            })
            .map_err(in_log)
    }

    fn set_clock(&mut self, collection: u32, last: i64) -> Result<(), StorageError> {
        self.log
            .prepare_cached("REPLACE INTO clock (collection, last) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![collection, last]))
            .map(|_| ())
            .map_err(in_log)
    }

    fn put_keys(&mut self, rows: &[KeyRow], marks: &[Mark]) -> Result<(), StorageError> {
        self.keys.put(rows, marks)
    }

    fn mark_heads(&mut self, marks: &[Mark]) -> Result<(), StorageError> {
        self.mark.write(marks)
    }

    fn sync_marks(&mut self) -> Result<(), StorageError> {
        self.mark.sync()
    }

    fn marks(&mut self) -> Result<Vec<Mark>, StorageError> {
        let mut marks = read_marks(&self.keys.0)?;
        marks.extend(self.mark.marks()?);
        Ok(marks)
    }

    fn remove_keys(&mut self, entries: &[EntryRef]) -> Result<(), StorageError> {
        self.keys.remove(entries)
    }

    fn remove_keys_from(&mut self, from: EntryRef) -> Result<(), StorageError> {
        self.keys.remove_from(from)
    }

    fn scrub(&mut self) -> Result<bool, StorageError> {
        let mut all = true;
        for (file, name) in [(&self.keys.0, KEYS.file), (&self.log, LOG.file)] {
            all &= file.settle().map_err(|error| sort(&error, name))?;
        }
        Ok(all)
    }

    fn local_secret(&mut self, fresh: &[u8; 32]) -> Result<[u8; 32], StorageError> {
        self.keys.local_secret(fresh)
    }
}
