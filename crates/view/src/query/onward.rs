//! What this party passed on of others. They are named, not numbered: whoever is not followed any
//! more, or not yet again, has no number here.

use rusqlite::params;

use crate::Position;
use crate::query::Ask;
use crate::store::ViewError;

/// The own entries that pass on an entry of another party's log `shared`.
pub fn passed_on(asked: &impl Ask, origin: &str, index: u64) -> Result<Vec<Position>, ViewError> {
    let mut statement = asked.connected().prepare_cached(
        "SELECT key FROM passed_on WHERE origin = ?1 AND idx = ?2 AND consents = 0 ORDER BY key",
    )?;
    let rows = statement
        .query_map(params![origin, number(index)], |row| Ok(Position::from_key(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The own entries that name a consent of another party's, each with the index of what it passes
/// on.
pub fn passed_on_by(
    asked: &impl Ask,
    origin: &str,
    consent: u64,
) -> Result<Vec<(Position, u64)>, ViewError> {
    let mut statement = asked.connected().prepare_cached(
        "SELECT named.key, passed.idx FROM passed_on AS named
         JOIN passed_on AS passed ON passed.key = named.key AND passed.consents = 0
         WHERE named.origin = ?1 AND named.idx = ?2 AND named.consents = 1 ORDER BY named.key",
    )?;
    let rows = statement.query_map(params![origin, number(consent)], |row| {
        Ok((Position::from_key(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All that passes on anything of another party.
pub fn passed_on_of(asked: &impl Ask, origin: &str) -> Result<Vec<Position>, ViewError> {
    let mut statement = asked.connected().prepare_cached(
        "SELECT key FROM passed_on WHERE origin = ?1 AND consents = 0 ORDER BY key",
    )?;
    let rows = statement.query_map([origin], |row| Ok(Position::from_key(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn number(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
