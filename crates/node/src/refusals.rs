//! The ledger of refusals: when, who, by which way, where in the object, class and code. Never a
//! value, never an id.

use comity_gate::Refusal;
use rusqlite::params_from_iter;
use serde::Serialize;

use crate::local::{self, Local, LocalError, with_sum};

/// Rows that the ledger keeps; the oldest go first. A flood of bad objects must not fill a disk.
pub const ROWS_MAX: i64 = 200_000;

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// The account's pseudonym.
    pub caller: String,
    /// `taxii` or `import`.
    pub way: String,
    /// Which object of the input, from 1.
    pub number: i64,
    /// Where in the object.
    pub path: String,
    /// The class of what was found.
    pub class: String,
    /// The stable code.
    pub code: String,
}

/// A refusal and its place in the input.
#[derive(Debug, Clone)]
pub(crate) struct Refused<'a> {
    pub(crate) number: u64,
    pub(crate) refusal: &'a Refusal,
}

pub(crate) fn put(
    local: &Local,
    at: i64,
    caller: &str,
    way: &str,
    refused: &[Refused<'_>],
) -> Result<(), LocalError> {
    if refused.is_empty() {
        return Ok(());
    }
    let mut connection = local.lock();
    let transaction = connection.transaction()?;
    for one in refused {
        transaction
            .prepare_cached(
                "INSERT INTO refusal (at, account, way, number, path, class, code, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params_from_iter(with_sum([
                at.into(),
                caller.to_owned().into(),
                way.to_owned().into(),
                i64::try_from(one.number).unwrap_or(i64::MAX).into(),
                one.refusal.path.as_str().to_owned().into(),
                one.refusal.found.to_string().into(),
                one.refusal.code.id.to_owned().into(),
            ])))?;
    }
    let newest = transaction.last_insert_rowid();
    transaction.execute("DELETE FROM refusal WHERE id <= ?1", [newest - ROWS_MAX])?;
    transaction.commit()?;
    Ok(())
}

/// Removes lines of before a time.
pub(crate) fn sweep(local: &Local, before: i64) -> Result<usize, LocalError> {
    Ok(local.lock().execute("DELETE FROM refusal WHERE at < ?1", [before])?)
}

/// The newest lines, newest first.
pub(crate) fn list(local: &Local, limit: usize) -> Result<Vec<Line>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare(
        "SELECT at, account, way, number, path, class, code FROM refusal
         ORDER BY id DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        Ok(Line {
            at: row.get(0)?,
            caller: row.get(1)?,
            way: row.get(2)?,
            number: row.get(3)?,
            path: row.get(4)?,
            class: row.get(5)?,
            code: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    local::damaged(local, "refusal", "id", "at, account, way, number, path, class, code")
}
