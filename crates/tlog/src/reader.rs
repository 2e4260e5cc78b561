//! The read side: connections of its own, which never block the writer and see whole commits.
//!
//! A reader is cheap to open and belongs to one thread; a server keeps a pool. What it hands out
//! is decided by the caller, which knows who asks: this module knows bytes, and no rights.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension, Row, Transaction};
use zeroize::Zeroize;

use crate::commitment::{Commitment, Salt};
use crate::merkle::{Hash, Nodes, root_of};
use crate::seal::{self, DataKey};
use crate::storage::schema::{KEYS, LOG, Schema};
use crate::storage::sqlite::{
    BUSY_WAIT, read_commitments, read_follow, read_head, read_tile, sort,
};
use crate::storage::{ArrivalRow, EntryRef, Follow, Head, INDEX_MAX, StorageError};
use crate::tile::{TILE_WIDTH, TileKind, TilePath, push_record};

/// Why something could not be read. That it is not there is no error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A stored body does not open with its key.
    #[error("log.db: entry {}/{}: its body does not open; run `comity verify`", .0.log, .0.index)]
    Sealed(EntryRef),
}

/// A pair of connections to read with.
pub struct Reader {
    log: Connection,
    keys: Connection,
}

/// What opens an entry to somebody else: the salt and the envelope.
pub struct Opened {
    /// The salt.
    pub salt: Salt,
    /// The octets of the envelope.
    pub envelope: Vec<u8>,
}

impl Reader {
    /// Opens the logs in a directory to read.
    ///
    /// # Errors
    /// There are none, or the files are not ours.
    pub fn open(dir: &Path) -> Result<Reader, ReadError> {
        Ok(Reader { log: open_file(dir, &LOG)?, keys: open_file(dir, &KEYS)? })
    }

    /// Opens the logs of a directory that has nothing that opens their entries: all bodies are
    /// there, and no salt is. The file of keys is not made.
    ///
    /// # Errors
    /// As for [`Reader::open`].
    pub fn open_without_keys(dir: &Path) -> Result<Reader, ReadError> {
        let log = open_file(dir, &LOG)?;
        let keys = Connection::open_in_memory().and_then(|keys| {
            KEYS.tables.iter().try_for_each(|(_, sql)| keys.execute_batch(sql))?;
            Ok(keys)
        });
        Ok(Reader { log, keys: keys.map_err(|error| sort(&error, KEYS.file))? })
    }

    /// Bounds the pages that it keeps of each file, in kibibytes: for one of many readers.
    ///
    /// # Errors
    /// The files are not ours.
    pub fn with_cache(self, kib: u32) -> Result<Reader, ReadError> {
        for (connection, file) in [(&self.log, LOG.file), (&self.keys, KEYS.file)] {
            connection
                .pragma_update(None, "cache_size", -i64::from(kib))
                .map_err(|error| sort(&error, file))?;
        }
        Ok(self)
    }

    pub(crate) fn connections(&self) -> (&Connection, &Connection) {
        (&self.log, &self.keys)
    }

    /// The head of a log, with its signed checkpoint.
    pub fn head(&self, log: u8) -> Result<Option<Head>, ReadError> {
        Ok(read_head(&self.log, log)?)
    }

    /// How far a log of somebody else is followed.
    pub fn follow(&self, log: u8) -> Result<Option<Follow>, ReadError> {
        Ok(read_follow(&self.log, log)?)
    }

    /// The octets of a tile or of an entry bundle. A partial one is the beginning of what there
    /// is now; nothing where the log has not got that far.
    pub fn tile(&self, log: u8, path: &TilePath) -> Result<Option<Vec<u8>>, ReadError> {
        match path.kind {
            TileKind::Hashes(level) => {
                let Some(mut bytes) = read_tile(&self.log, log, level, path.n)? else {
                    return Ok(None);
                };
                let length = usize::from(path.width) * crate::merkle::HASH_BYTES;
                if bytes.len() < length {
                    return Ok(None);
                }
                bytes.truncate(length);
                Ok(Some(bytes))
            }
            TileKind::Entries => self.bundle(log, path.n, path.width),
        }
    }

    fn bundle(&self, log: u8, n: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(from) = n.checked_mul(u64::from(TILE_WIDTH)) else {
            return Ok(None);
        };
        if from > INDEX_MAX {
            return Ok(None);
        }
        // The hashes of level 0 stand in one row, the commitments between bodies; but leaves
        // cannot be had from their hashes.
        let mut bundle = Vec::with_capacity(usize::from(width) * 35);
        let mut count = 0;
        read_commitments(&self.log, log, from, from + u64::from(width), &mut |commitment| {
            push_record(&mut bundle, &commitment);
            count += 1;
        })?;
        Ok((count == width).then_some(bundle))
    }

    /// The envelope of an entry; nothing where it is erased or does not exist.
    pub fn open_entry(&self, entry: EntryRef) -> Result<Option<Vec<u8>>, ReadError> {
        let mut found = None;
        self.open_many(&[entry], |_, envelope| found = Some(envelope.to_vec()))?;
        Ok(found)
    }

    /// The first entry of a log from an index on whose content was not erased.
    pub fn first_kept(&self, from: EntryRef) -> Result<Option<EntryRef>, ReadError> {
        let last = EntryRef { log: from.log, index: INDEX_MAX };
        let mut statement = self.statement(
            &self.log,
            "SELECT key FROM entry WHERE key BETWEEN ?1 AND ?2 AND body IS NOT NULL
             ORDER BY key LIMIT 1",
        )?;
        let found: Option<i64> = statement
            .query_row([from.key(), last.key()], |row| row.get(0))
            .optional()
            .map_err(|error| sort(&error, LOG.file))?;
        Ok(found.and_then(EntryRef::from_key))
    }

    /// The envelopes of many entries, in the order asked for. Those that are erased or do not
    /// exist are left out; `each` takes the place in `entries` and the envelope.
    pub fn open_many(
        &self,
        entries: &[EntryRef],
        mut each: impl FnMut(usize, &[u8]),
    ) -> Result<(), ReadError> {
        // One snapshot for all of them: taking the locks costs more than reading a row. That of
        // the keys begins with the first key, after that of the bodies.
        let _bodies = self.snapshot(&self.log, entries.len())?;
        let _keys = self.snapshot(&self.keys, entries.len())?;
        let mut buffer = Vec::new();
        let mut first = 0;
        // Entries came in together more often than not, and a range is cheaper than its rows.
        for run in entries.chunk_by(|one, next| next.key() == one.key() + 1) {
            self.open_run(run, &mut buffer, |at, envelope| each(first + at, envelope))?;
            first += run.len();
        }
        buffer.zeroize();
        Ok(())
    }

    /// The same for entries that follow each other in their log.
    fn open_run(
        &self,
        run: &[EntryRef],
        buffer: &mut Vec<u8>,
        mut each: impl FnMut(usize, &[u8]),
    ) -> Result<(), ReadError> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return Ok(());
        };
        let (in_log, in_keys) = (
            |error: rusqlite::Error| sort(&error, LOG.file),
            |error: rusqlite::Error| sort(&error, KEYS.file),
        );
        let mut bodies = self.statement(
            &self.log,
            "SELECT key, commitment, body FROM entry WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
        )?;
        let mut keys = self.statement(
            &self.keys,
            "SELECT key, dek FROM key WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
        )?;
        let mut bodies = bodies.query([first.key(), last.key()]).map_err(in_log)?;
        let mut keys = keys.query([first.key(), last.key()]).map_err(in_keys)?;
        let mut held: Option<(i64, DataKey)> = None;
        // Body first, key second: what is erased in between is erased.
        while let Some(row) = bodies.next().map_err(in_log)? {
            let key: i64 = row.get(0).map_err(in_log)?;
            if !copy(row, 2, buffer).map_err(in_log)? {
                continue;
            }
            while held.as_ref().is_none_or(|(at, _)| *at < key) {
                let Some(row) = keys.next().map_err(in_keys)? else { break };
                let data_key = DataKey(row.get(1).map_err(in_keys)?);
                held = Some((row.get(0).map_err(in_keys)?, data_key));
            }
            let Some((_, data_key)) = held.as_ref().filter(|(at, _)| *at == key) else {
                continue;
            };
            let entry = EntryRef::from_key(key).ok_or_else(|| odd("entry", key))?;
            let commitment = Commitment(row.get(1).map_err(in_log)?);
            seal::unseal(data_key, &commitment, buffer).map_err(|_| ReadError::Sealed(entry))?;
            each(usize::try_from(key - first.key()).unwrap_or(usize::MAX), buffer);
        }
        Ok(())
    }

    /// The salt and the envelope of an entry, for one who may have both.
    pub fn release(&self, entry: EntryRef) -> Result<Option<Opened>, ReadError> {
        let Some(envelope) = self.open_entry(entry)? else {
            return Ok(None);
        };
        Ok(self.salt(entry)?.map(|salt| Opened { salt, envelope }))
    }

    /// The salt of an entry; nothing where it is erased or does not exist.
    pub fn salt(&self, entry: EntryRef) -> Result<Option<Salt>, ReadError> {
        let mut statement = self.statement(&self.keys, "SELECT salt FROM key WHERE key = ?1")?;
        let salt: Option<[u8; 32]> = statement
            .query_row([entry.key()], |row| row.get(0))
            .optional()
            .map_err(|error| sort(&error, KEYS.file))?;
        Ok(salt.map(Salt))
    }

    /// Octets of an entry's envelope; nothing where it is erased or does not exist.
    pub fn envelope_size(&self, entry: EntryRef) -> Result<Option<u64>, ReadError> {
        let sealed: Option<Option<i64>> = self
            .statement(&self.log, "SELECT length(body) FROM entry WHERE key = ?1")?
            .query_row([entry.key()], |row| row.get(0))
            .optional()
            .map_err(|error| sort(&error, LOG.file))?;
        let octets = sealed.flatten().map(i64::unsigned_abs);
        Ok(octets.map(|octets| octets.saturating_sub(seal::TAG_BYTES as u64)))
    }

    /// The commitment of an entry.
    pub fn commitment(&self, entry: EntryRef) -> Result<Option<Commitment>, ReadError> {
        let mut found = None;
        read_commitments(
            &self.log,
            entry.log,
            entry.index,
            entry.index.saturating_add(1),
            &mut |commitment| found = Some(commitment),
        )?;
        Ok(found)
    }

    /// What the leaves of a log commit to, from an index on and below `to`, in order.
    pub fn leaves(
        &self,
        from: EntryRef,
        to: u64,
        each: &mut dyn FnMut(Commitment),
    ) -> Result<(), ReadError> {
        Ok(read_commitments(&self.log, from.log, from.index, to, each)?)
    }

    /// The journal of arrivals from a line on, in order. `each` returns whether to go on.
    pub fn arrivals(
        &self,
        from_seq: u64,
        mut each: impl FnMut(ArrivalRow) -> bool,
    ) -> Result<(), ReadError> {
        let mut statement = self.statement(
            &self.log,
            "SELECT seq, collection, log, idx, date_added, gone, sum FROM arrival
             WHERE seq >= ?1 ORDER BY seq",
        )?;
        let from = i64::try_from(from_seq).unwrap_or(i64::MAX);
        let fault = |error: rusqlite::Error| sort(&error, LOG.file);
        let mut rows = statement.query([from]).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            if !each(arrival(row)?.0) {
                break;
            }
        }
        Ok(())
    }

    /// The number of the last line of the journal, 0 where it is empty.
    pub fn last_arrival(&self) -> Result<u64, ReadError> {
        let mut statement = self.statement(&self.log, "SELECT max(seq) FROM arrival")?;
        let last: Option<i64> =
            statement.query_row([], |row| row.get(0)).map_err(|error| sort(&error, LOG.file))?;
        Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
    }

    /// The opened entries of a log from an index on, in order; `None` for those that are erased.
    /// `each` returns whether to go on.
    pub fn entries(
        &self,
        from: EntryRef,
        mut each: impl FnMut(EntryRef, Option<&[u8]>) -> bool,
    ) -> Result<(), ReadError> {
        let last = EntryRef { log: from.log, index: INDEX_MAX };
        let mut bodies = self.statement(
            &self.log,
            "SELECT key, commitment, body FROM entry WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
        )?;
        let mut keys = self.statement(&self.keys, "SELECT dek FROM key WHERE key = ?1")?;
        let fault = |error: rusqlite::Error| sort(&error, LOG.file);
        let mut rows = bodies.query([from.key(), last.key()]).map_err(fault)?;
        let mut buffer = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let key: i64 = row.get(0).map_err(fault)?;
            let entry = EntryRef::from_key(key).ok_or_else(|| odd("entry", key))?;
            let mut open = false;
            if copy(row, 2, &mut buffer).map_err(fault)?
                && let Some(data_key) = fetch_key(&mut keys, entry)?
            {
                let commitment = Commitment(row.get(1).map_err(fault)?);
                seal::unseal(&data_key, &commitment, &mut buffer)
                    .map_err(|_| ReadError::Sealed(entry))?;
                open = true;
            }
            if !each(entry, open.then_some(buffer.as_slice())) {
                break;
            }
        }
        Ok(())
    }

    /// The nodes of a log's tree, to prove with.
    pub fn nodes(&self, log: u8) -> ReaderNodes<'_> {
        ReaderNodes { reader: self, log }
    }

    /// A read transaction, where there is more than one thing to read in it.
    fn snapshot<'c>(
        &self,
        connection: &'c Connection,
        reads: usize,
    ) -> Result<Option<Transaction<'c>>, ReadError> {
        if reads < 2 {
            return Ok(None);
        }
        let file = if std::ptr::eq(connection, &self.log) { LOG.file } else { KEYS.file };
        Ok(Some(connection.unchecked_transaction().map_err(|error| sort(&error, file))?))
    }

    fn statement<'c>(
        &self,
        connection: &'c Connection,
        sql: &str,
    ) -> Result<CachedStatement<'c>, ReadError> {
        let file = if std::ptr::eq(connection, &self.log) { LOG.file } else { KEYS.file };
        Ok(connection.prepare_cached(sql).map_err(|error| sort(&error, file))?)
    }
}

/// Nodes of a stored tree, each from one tile.
pub struct ReaderNodes<'r> {
    reader: &'r Reader,
    log: u8,
}

impl Nodes for ReaderNodes<'_> {
    type Error = ReadError;

    fn node(&mut self, level: u8, index: u64) -> Result<Hash, ReadError> {
        let (tile_level, above) = (level / 8, level % 8);
        let first = index << above;
        let n = first / u64::from(TILE_WIDTH);
        let missing = || odd("tile", format_args!("{}/{tile_level}/{n}", self.log));
        let bytes = read_tile(&self.reader.log, self.log, tile_level, n)?.ok_or_else(missing)?;
        let hashes = crate::merkle::hashes_of(&bytes).ok_or_else(missing)?;
        let at = usize::try_from(first % u64::from(TILE_WIDTH)).unwrap_or(0);
        let row = hashes.get(at..at + (1 << above)).ok_or_else(missing)?;
        Ok(root_of(row))
    }
}

fn open_file(dir: &Path, schema: &Schema) -> Result<Connection, StorageError> {
    let fault = |error: rusqlite::Error| sort(&error, schema.file);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(schema.path(dir), flags).map_err(fault)?;
    connection.busy_timeout(BUSY_WAIT).map_err(fault)?;
    // Plans depend on the statement alone, not on what is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fault)?;
    connection
        .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")
        .map_err(fault)?;
    let id: u32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fault)?;
    if id != schema.application_id {
        return Err(odd(schema.file, "application_id"));
    }
    let found: u32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fault)?;
    if found != schema.user_version {
        let known = schema.user_version;
        return Err(StorageError::Version { file: schema.file, found, known });
    }
    Ok(connection)
}

pub(crate) fn odd(table: &str, row: impl std::fmt::Display) -> StorageError {
    StorageError::Damaged(format!("log.db: {table} {row}: not of its form"))
}

/// Copies a column of octets; `false` where it is NULL.
fn copy(row: &Row<'_>, column: usize, buffer: &mut Vec<u8>) -> rusqlite::Result<bool> {
    buffer.clear();
    match row.get_ref(column)? {
        ValueRef::Blob(bytes) => {
            buffer.extend_from_slice(bytes);
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn fetch_key(
    statement: &mut CachedStatement<'_>,
    entry: EntryRef,
) -> Result<Option<DataKey>, ReadError> {
    let key: Option<[u8; 32]> = statement
        .query_row([entry.key()], |row| row.get(0))
        .optional()
        .map_err(|error| sort(&error, KEYS.file))?;
    Ok(key.map(DataKey))
}

/// A line of the journal and its stored checksum.
pub(crate) fn arrival(row: &Row<'_>) -> Result<(ArrivalRow, [u8; 8]), StorageError> {
    let read = || -> rusqlite::Result<_> {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, u32>(1)?,
            row.get::<_, u8>(2)?,
            row.get::<_, i64>(3)?,
            row.get::<_, i64>(4)?,
            row.get::<_, i64>(5)?,
            row.get::<_, [u8; 8]>(6)?,
        ))
    };
    let (seq, collection, log, index, date_added, gone, sum) =
        read().map_err(|error| sort(&error, LOG.file))?;
    let line = (u64::try_from(seq).ok(), u64::try_from(index).ok());
    let ((Some(seq), Some(index)), 0..=1) = (line, gone) else {
        return Err(odd("arrival", seq));
    };
    let row =
        ArrivalRow { seq, collection, entry: EntryRef { log, index }, date_added, gone: gone == 1 };
    Ok((row, sum))
}
