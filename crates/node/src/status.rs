//! Status resources of TAXII: what became of each object of a POST. Kept for a day at least.

use comity_wire::taxii::Status;
use rusqlite::{OptionalExtension, params, params_from_iter};

use crate::local::{self, Local, LocalError, with_sum};

/// Microseconds that a status is kept after its POST (T036: at least 24 hours).
pub const KEPT_MICROS: i64 = 25 * 3_600 * 1_000_000;

/// Statuses removed in one go, so that a sweep never holds the store for long.
const SWEEP_ROWS_MAX: i64 = 500;

pub(crate) fn put(
    local: &Local,
    account: i64,
    received: i64,
    status: &Status,
) -> Result<(), LocalError> {
    let body = serde_json::to_string(status)
        .map_err(|error| LocalError::Refused(format!("status cannot be written: {error}")))?;
    let row = with_sum([status.id.clone().into(), account.into(), received.into(), body.into()]);
    let connection = local.lock();
    // The objects are on disk already; the status of the last second before a loss of power may
    // be lost, and the client then posts again without harm.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let sweep = "DELETE FROM status WHERE id IN
        (SELECT id FROM status WHERE received < ?1 ORDER BY received LIMIT ?2)";
    let result = connection
        .prepare_cached("INSERT INTO status VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut insert| insert.execute(params_from_iter(row)))
        .and_then(|_| connection.prepare_cached(sweep))
        .and_then(|mut sweep| sweep.execute([received - KEPT_MICROS, SWEEP_ROWS_MAX]));
    connection.pragma_update(None, "synchronous", "FULL")?;
    result?;
    Ok(())
}

/// Removes statuses whose time is over, whether or not others come.
pub(crate) fn sweep(local: &Local, now: i64) -> Result<usize, LocalError> {
    let connection = local.lock();
    Ok(connection.execute("DELETE FROM status WHERE received < ?1", [now - KEPT_MICROS])?)
}

/// The status of an id, for the account that made the POST; another's does not exist (T034).
pub(crate) fn get(local: &Local, account: i64, id: &str) -> Result<Option<String>, LocalError> {
    let connection = local.lock();
    let mut statement =
        connection.prepare_cached("SELECT body FROM status WHERE id = ?1 AND account = ?2")?;
    Ok(statement.query_row(params![id, account], |row| row.get(0)).optional()?)
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    local::damaged(local, "status", "id", "id, account, received, body")
}
