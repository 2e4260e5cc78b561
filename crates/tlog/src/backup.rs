//! Copies of the two files as of one moment, while somebody writes them.
//!
//! A copy is made page by page within a read transaction, so that it is what a commit left and
//! nothing in between, and has the free pages too, which are empty. The writer is not held up; what
//! it erases meanwhile leaves its journal once the copy is done.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::storage::schema::{KEYS, LOG, Schema};
use crate::storage::sqlite::{BUSY_WAIT, Written, read_head, sort};
use crate::storage::{Head, StorageError};

/// Pages copied between two looks at how far it is: some megabytes.
const STEP_PAGES: i32 = 1024;

/// How often the moment is sought again, where a commit falls between two looks at it. The looks
/// are microseconds apart, so that even a busy writer leaves most of them alone.
const TRIES_MAX: usize = 1000;

/// Both files at one moment.
pub struct Snapshot {
    log: Connection,
    keys: Connection,
}

impl Snapshot {
    /// Takes a snapshot of the logs in a directory.
    ///
    /// Keys are durable before the entries that they open, and go after the bodies that they
    /// opened: where no commit fell between the two looks, the keys that are seen are those of the
    /// entries that are seen, and perhaps some above the heads, which a start removes.
    ///
    /// # Errors
    /// The files cannot be read, or the writer never left a moment.
    pub fn take(dir: &Path) -> Result<Snapshot, StorageError> {
        let judge = open(dir, &LOG)?;
        for _ in 0..TRIES_MAX {
            let snapshot = Snapshot { log: open(dir, &LOG)?, keys: open(dir, &KEYS)? };
            hold(&snapshot.log, &LOG)?;
            hold(&snapshot.keys, &KEYS)?;
            if heads(&snapshot.log)? == heads(&judge)? {
                return Ok(snapshot);
            }
        }
        Err(StorageError::Busy(LOG.file))
    }

    /// The heads of all logs.
    pub fn heads(&self) -> Result<Vec<Head>, StorageError> {
        heads(&self.log)
    }

    /// Octets of `log.db`, and of `keys.db`.
    pub fn octets(&self) -> Result<[u64; 2], StorageError> {
        let of = |connection, schema: &Schema| {
            octets(connection).map_err(|error| sort(&error, schema.file))
        };
        Ok([of(&self.log, &LOG)?, of(&self.keys, &KEYS)?])
    }

    /// Copies `log.db` into a directory; `each` hears of octets that are copied.
    pub fn copy_log(&self, to: &Path, each: &mut dyn FnMut(u64)) -> Result<(), StorageError> {
        copy(&self.log, &LOG.path(to), each).map_err(|error| sort(&error, LOG.file))
    }

    /// Copies `keys.db`, but for the keys of entries that are erased and whose keys were on their
    /// way out. Rows that were moved leave nothing in the copy either: of the pages that are still
    /// in the journal nobody has cleared that.
    pub fn copy_keys(&self, to: &Path, each: &mut dyn FnMut(u64)) -> Result<(), StorageError> {
        let fault = |error: rusqlite::Error| sort(&error, KEYS.file);
        let path = KEYS.path(to);
        copy(&self.keys, &path, each).map_err(fault)?;
        let mut statement = self.log.prepare("SELECT key FROM erasing").map_err(fault)?;
        let rows = statement.query_map([], |row| row.get::<_, i64>(0)).map_err(fault)?;
        let gone = rows.collect::<Result<Vec<_>, _>>().map_err(fault)?;
        let copied = Connection::open(&path).map_err(fault)?;
        let mut copied = Written::new(copied, &path, KEYS.page_size);
        copied
            .execute_batch("PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 0; BEGIN")
            .map_err(fault)?;
        for key in gone {
            copied.execute("DELETE FROM key WHERE key = ?1", [key]).map_err(fault)?;
        }
        copied.execute_batch("COMMIT").map_err(fault)?;
        copied.clear_all().map_err(fault)
    }
}

fn open(dir: &Path, schema: &Schema) -> Result<Connection, StorageError> {
    let fault = |error: rusqlite::Error| sort(&error, schema.file);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(schema.path(dir), flags).map_err(fault)?;
    connection.busy_timeout(BUSY_WAIT).map_err(fault)?;
    Ok(connection)
}

/// Begins to read: what others commit from here on is not seen.
fn hold(connection: &Connection, schema: &Schema) -> Result<(), StorageError> {
    connection
        .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")
        .map_err(|error| sort(&error, schema.file))
}

fn heads(log: &Connection) -> Result<Vec<Head>, StorageError> {
    let fault = |error: rusqlite::Error| sort(&error, LOG.file);
    let mut statement = log.prepare_cached("SELECT log FROM head ORDER BY log").map_err(fault)?;
    let ids = statement.query_map([], |row| row.get::<_, u8>(0)).map_err(fault)?;
    let ids = ids.collect::<Result<Vec<_>, _>>().map_err(fault)?;
    ids.into_iter().map(|id| read_head(log, id)).filter_map(Result::transpose).collect()
}

/// Octets of a database as this connection sees it.
///
/// # Errors
/// SQLite's.
pub fn octets(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let octets = number("page_count")?.saturating_mul(number("page_size")?);
    Ok(u64::try_from(octets).unwrap_or(0))
}

/// Copies a database as a connection sees it, one that reads already, into a new file.
///
/// # Errors
/// SQLite's.
pub fn copy(from: &Connection, to: &Path, each: &mut dyn FnMut(u64)) -> rusqlite::Result<()> {
    let mut copy = Connection::open(to)?;
    {
        let page: i64 = from.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let page = u64::try_from(page).unwrap_or(0);
        let backup = Backup::new(from, &mut copy)?;
        let mut before = 0;
        loop {
            let step = backup.step(STEP_PAGES)?;
            let progress = backup.progress();
            let done = u64::try_from(progress.pagecount - progress.remaining).unwrap_or(0);
            each((done.saturating_sub(before)) * page);
            before = done;
            if step == StepResult::Done {
                break;
            }
            if step != StepResult::More {
                std::thread::yield_now();
            }
        }
    }
    // The copy counts as a new schema otherwise, and its header would not be that of the file.
    let cookie: i64 = from.pragma_query_value(None, "schema_version", |row| row.get(0))?;
    copy.pragma_update(None, "schema_version", cookie)?;
    copy.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    copy.close().map_err(|(_, error)| error)
}
