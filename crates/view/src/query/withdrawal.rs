//! What was withdrawn, by whom, and who acted on it.

use crate::Position;
use crate::store::{Queries, View, ViewError};

/// Whether an entry of somebody else was withdrawn by him.
pub fn is_withdrawn(view: &View, position: Position) -> Result<bool, ViewError> {
    let mut statement =
        view.connection().prepare_cached("SELECT 1 FROM withdrawn WHERE key = ?1")?;
    Ok(statement.exists([position.key()])?)
}

/// The collections that hold an entry, and when it came into each.
pub fn arrivals_of(queries: &Queries, position: Position) -> Result<Vec<(u32, i64)>, ViewError> {
    let mut statement = queries
        .connection
        .prepare_cached("SELECT collection, date_added FROM held WHERE key = ?1")?;
    let rows = statement.query_map([position.key()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The logs in which receipts of a withdrawal of ours stand.
pub fn receipts(queries: &Queries, withdrawal: Position) -> Result<Vec<u8>, ViewError> {
    let mut statement = queries
        .connection
        .prepare_cached("SELECT log FROM receipt WHERE withdrawal = ?1 ORDER BY log")?;
    let rows = statement.query_map([withdrawal.key()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
