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

/// An entry came to stand. Of those that give one version all are rivals or none is, so that one
/// says how it is with the others, however many there are.
pub(super) fn come(tx: &Transaction<'_>, key: i64, version: &Version<'_>) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO rival VALUES (?1)")?;
    let Some(one) = others(tx, key, version, 1)?.pop() else { return Ok(()) };
    if tx.prepare_cached("SELECT 1 FROM rival WHERE key = ?1")?.exists([one])? {
        return insert.execute([key]).map(drop);
    }
    // There is one other, or all are of this party.
    let others = others(tx, key, version, ALL)?;
    if !others.iter().chain([&key]).any(is_of_a_peer) {
        return Ok(());
    }
    insert.execute([key])?;
    others.iter().try_for_each(|other| insert.execute([other]).map(drop))
}

/// An entry stands no longer; it has no row any more.
pub(super) fn leave(tx: &Transaction<'_>, key: i64, version: &Version<'_>) -> rusqlite::Result<()> {
    let mut delete = tx.prepare_cached("DELETE FROM rival WHERE key = ?1")?;
    if delete.execute([key])? == 0 {
        return Ok(());
    }
    let two = others(tx, key, version, 2)?;
    if two.len() == 2 && (two.iter().any(is_of_a_peer) || has_a_peer(tx, version)?) {
        return Ok(());
    }
    // There is one left, or all are of this party.
    let others = others(tx, key, version, ALL)?;
    others.iter().try_for_each(|other| delete.execute([other]).map(drop))
}

/// A limit that is none.
const ALL: i64 = -1;

/// Entries that give a version: of an object without versions all, else those of one instant. What
/// one party gives versions and another does not is not the same.
const THOSE: &str = "SELECT key FROM version_of CROSS JOIN version USING (key)
    WHERE half = ?1 AND uuid = ?2 AND type = ?3
      AND (flags & ?4 <> 0) = ?5 AND (?5 OR instant = ?6)";

/// Other entries that give this version.
fn others(
    tx: &Transaction<'_>,
    key: i64,
    version: &Version<'_>,
    limit: i64,
) -> rusqlite::Result<Vec<i64>> {
    let mut statement = tx.prepare_cached(&format!("{THOSE} AND key <> ?7 LIMIT ?8"))?;
    let rows = statement.query_map(
        params![
            half(Uuid(version.uuid)),
            version.uuid,
            version.object_type,
            FLAG_UNVERSIONED,
            version.unversioned,
            version.instant,
            key,
            limit
        ],
        |row| row.get(0),
    )?;
    rows.collect()
}

/// Whether a peer gives this version.
fn has_a_peer(tx: &Transaction<'_>, version: &Version<'_>) -> rusqlite::Result<bool> {
    let peers = Position { log: Position::FOLLOWED_MIN, index: 0 };
    tx.prepare_cached(&format!("{THOSE} AND key >= ?7 LIMIT 1"))?.exists(params![
        half(Uuid(version.uuid)),
        version.uuid,
        version.object_type,
        FLAG_UNVERSIONED,
        version.unversioned,
        version.instant,
        peers.key()
    ])
}

/// Of this party's own entries no two give one version with other content.
fn is_of_a_peer(key: &i64) -> bool {
    Position::from_key(*key).is_followed()
}
