//! Which object versions are given more than once, by others or by others and this party: the same
//! object in the same version. Depends on the versions that stand, and on nothing else; an object
//! without versions of its own has one.

use rusqlite::{Transaction, params};

use crate::Position;
use crate::fold::FLAG_UNVERSIONED;
use crate::store::half;
use comity_wire::id::Uuid;

/// The object and its version.
pub(super) struct Version<'a> {
    pub(super) object_type: i64,
    pub(super) uuid: [u8; 16],
    pub(super) instant: &'a str,
    pub(super) unversioned: bool,
}

/// An entry came to stand.
pub(super) fn come(tx: &Transaction<'_>, key: i64, version: &Version<'_>) -> rusqlite::Result<()> {
    let others = others(tx, key, version)?;
    if others.is_empty() || !others.iter().chain([&key]).any(is_of_a_peer) {
        return Ok(());
    }
    let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO rival VALUES (?1)")?;
    insert.execute([key])?;
    others.iter().try_for_each(|other| insert.execute([other]).map(drop))
}

/// An entry stands no longer; it has no row any more.
pub(super) fn leave(tx: &Transaction<'_>, key: i64, version: &Version<'_>) -> rusqlite::Result<()> {
    let mut delete = tx.prepare_cached("DELETE FROM rival WHERE key = ?1")?;
    if delete.execute([key])? == 0 {
        return Ok(());
    }
    let others = others(tx, key, version)?;
    if others.len() < 2 || !others.iter().any(is_of_a_peer) {
        others.iter().try_for_each(|other| delete.execute([other]).map(drop))?;
    }
    Ok(())
}

/// The other entries that give this version.
fn others(tx: &Transaction<'_>, key: i64, version: &Version<'_>) -> rusqlite::Result<Vec<i64>> {
    let mut statement = tx.prepare_cached(
        "SELECT key FROM version_of CROSS JOIN version USING (key)
         WHERE half = ?1 AND uuid = ?2 AND type = ?3 AND (instant = ?4 OR ?5 OR flags & ?6 <> 0)
           AND key <> ?7",
    )?;
    let rows = statement.query_map(
        params![
            half(Uuid(version.uuid)),
            version.uuid,
            version.object_type,
            version.instant,
            version.unversioned,
            FLAG_UNVERSIONED,
            key
        ],
        |row| row.get(0),
    )?;
    rows.collect()
}

/// Of this party's own entries no two give one version with other content.
fn is_of_a_peer(key: &i64) -> bool {
    Position::from_key(*key).is_followed()
}
