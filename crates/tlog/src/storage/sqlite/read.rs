//! What the writer, the readers and the verifier read alike.

use rusqlite::{Connection, OptionalExtension, params};

use super::{damaged, in_log, signed, sort};
use crate::commitment::Commitment;
use crate::merkle::{Hash, Range};
use crate::storage::schema::KEYS;
use crate::storage::{EntryRef, Follow, Head, Mark, StorageError};

/// Reads a head; the writer, the readers and the verifier do it alike.
pub(crate) fn read_head(connection: &Connection, log: u8) -> Result<Option<Head>, StorageError> {
    let row = connection
        .prepare_cached("SELECT size, root, note, range FROM head WHERE log = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([log], |row| {
                    Ok((
                        row.get::<_, i64>(0)?,
                        row.get::<_, Vec<u8>>(1)?,
                        row.get::<_, String>(2)?,
                        row.get::<_, Vec<u8>>(3)?,
                    ))
                })
                .optional()
        })
        .map_err(in_log)?;
    let Some((size, root, note, range)) = row else {
        return Ok(None);
    };
    let fault = || damaged("head", log);
    let size = u64::try_from(size).map_err(|_| fault())?;
    Ok(Some(Head {
        log,
        size,
        root: Hash::from_slice(&root).ok_or_else(fault)?,
        note,
        range: Range::from_bytes(size, &range).ok_or_else(fault)?,
    }))
}

/// Reads how far a log of somebody else is followed.
pub(crate) fn read_follow(
    connection: &Connection,
    log: u8,
) -> Result<Option<Follow>, StorageError> {
    let row = connection
        .prepare_cached("SELECT staged, range, scanned FROM follow WHERE log = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([log], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?))
                })
                .optional()
        })
        .map_err(in_log)?;
    let Some((staged, range, scanned)) = row else {
        return Ok(None);
    };
    let fault = || damaged("follow", log);
    let staged = u64::try_from(staged).map_err(|_| fault())?;
    let staged = Range::from_bytes(staged, &range).ok_or_else(fault)?;
    Ok(Some(Follow { staged, scanned: u64::try_from(scanned).map_err(|_| fault())? }))
}

/// Reads the marks of the key file.
pub(crate) fn read_marks(keys: &Connection) -> Result<Vec<Mark>, StorageError> {
    let fault = |error: rusqlite::Error| sort(&error, KEYS.file);
    let mut statement = keys
        .prepare_cached("SELECT log, origin, size, root, sum FROM mark ORDER BY log")
        .map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut marks = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let read = || -> rusqlite::Result<_> {
            let root = Hash(row.get::<_, [u8; 32]>(3)?);
            let size = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(u64::MAX);
            let mark = Mark { log: row.get(0)?, origin: row.get(1)?, size, root };
            Ok((mark, row.get::<_, [u8; 8]>(4)?))
        };
        let (mark, sum) = read().map_err(fault)?;
        if sum != mark.sum() {
            let what = format!("{}: mark {}: its checksum differs", KEYS.file, mark.log);
            return Err(StorageError::Damaged(what));
        }
        marks.push(mark);
    }
    Ok(marks)
}

/// Reads the octets of a tile.
pub(crate) fn read_tile(
    connection: &Connection,
    log: u8,
    level: u8,
    n: u64,
) -> Result<Option<Vec<u8>>, StorageError> {
    connection
        .prepare_cached("SELECT hashes FROM tile WHERE log = ?1 AND level = ?2 AND n = ?3")
        .and_then(|mut statement| {
            statement.query_row(params![log, level, signed(n)], |row| row.get(0)).optional()
        })
        .map_err(in_log)
}

/// Reads commitments in the order of the log, which has to have no gap.
pub(crate) fn read_commitments(
    connection: &Connection,
    log: u8,
    from: u64,
    to: u64,
    each: &mut dyn FnMut(Commitment),
) -> Result<(), StorageError> {
    let at = |index| EntryRef { log, index }.key();
    let mut statement = connection
        .prepare_cached(
            "SELECT key, commitment FROM entry WHERE key >= ?1 AND key < ?2 ORDER BY key",
        )
        .map_err(in_log)?;
    let mut rows = statement.query([at(from), at(to)]).map_err(in_log)?;
    let mut next = from;
    while let Some(row) = rows.next().map_err(in_log)? {
        let key: i64 = row.get(0).map_err(in_log)?;
        let commitment: [u8; 32] = row.get(1).map_err(in_log)?;
        if key != at(next) {
            return Err(damaged("entry", format_args!("{log}/{next}")));
        }
        each(Commitment(commitment));
        next += 1;
    }
    Ok(())
}
