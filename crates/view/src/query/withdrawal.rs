//! What was withdrawn, by whom, and who acted on it.

use crate::Position;
use crate::fold::release::KIND_WITHDRAW;
use crate::query::Ask;
use crate::store::{View, ViewError};

/// Whether an entry of somebody else was withdrawn by him.
pub fn is_withdrawn(view: &View, position: Position) -> Result<bool, ViewError> {
    let mut statement =
        view.connection().prepare_cached("SELECT 1 FROM withdrawn WHERE key = ?1")?;
    Ok(statement.exists([position.key()])?)
}

/// The collections that hold an entry, and when it came into each.
pub fn arrivals_of(asked: &impl Ask, position: Position) -> Result<Vec<(u32, i64)>, ViewError> {
    let mut statement = asked
        .connected()
        .prepare_cached("SELECT collection, date_added FROM held WHERE key = ?1")?;
    let rows = statement.query_map([position.key()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A withdrawal of ours, whom it is for, and the logs in which receipts of it stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// The entry.
    pub position: Position,
    /// The parties that it is for.
    pub parties: Vec<String>,
    /// The logs of those that acted on it.
    pub receipts: Vec<u8>,
}

/// Withdrawals of ours, the newest first.
pub fn withdrawals(asked: &impl Ask, limit: usize) -> Result<Vec<Withdrawal>, ViewError> {
    let _snapshot = asked.connected().unchecked_transaction()?;
    let mut statement = asked.connected().prepare_cached(
        "SELECT key, parties FROM released JOIN audience ON audience.id = released.audience
         WHERE kind = ?1 ORDER BY key DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query([KIND_WITHDRAW, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let position = Position::from_key(row.get(0)?);
        let parties: String = row.get(1)?;
        let parties = parties.split(' ').map(str::to_owned).collect();
        found.push(Withdrawal { position, parties, receipts: receipts(asked, position)? });
    }
    Ok(found)
}

/// The logs in which receipts of a withdrawal of ours stand.
pub fn receipts(asked: &impl Ask, withdrawal: Position) -> Result<Vec<u8>, ViewError> {
    let mut statement = asked
        .connected()
        .prepare_cached("SELECT log FROM receipt WHERE withdrawal = ?1 ORDER BY log")?;
    let rows = statement.query_map([withdrawal.key()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Receipts that stand in one log, with the withdrawal that each is about: the newest first.
pub fn receipts_in(
    asked: &impl Ask,
    log: u8,
    limit: usize,
) -> Result<Vec<(Position, Position)>, ViewError> {
    let mut statement = asked.connected().prepare_cached(
        "SELECT withdrawal, receipt FROM receipt WHERE log = ?1 ORDER BY withdrawal DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map([i64::from(log), limit], |row| {
        Ok((Position::from_key(row.get(0)?), Position::from_key(row.get(1)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
