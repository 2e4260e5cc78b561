//! `share`: an object version is known. Depends on the entry alone, and on whether it was
//! withdrawn: the body of somebody else's entry may come after his withdrawal of it. `alone`: it is
//! certain that no other version of the object is there, nor among what is folded with it.

use rusqlite::{CachedStatement, Transaction, params};

use crate::Position;
use crate::fold::{FLAG_HELD_BACK, FLAG_REVOKED, FLAG_UNVERSIONED, Fresh, ObjectFacts, rival};
use crate::store::half;

/// The statements of this fold: looking them up for each row costs as much as a row.
pub(super) struct Insert<'t> {
    version: CachedStatement<'t>,
    version_of: CachedStatement<'t>,
}

impl<'t> Insert<'t> {
    pub(super) fn prepare(tx: &'t Transaction<'_>) -> rusqlite::Result<Insert<'t>> {
        Ok(Insert {
            version: tx.prepare_cached(
                "INSERT INTO version VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?,
            version_of: tx.prepare_cached("INSERT INTO version_of VALUES (?1, ?2)")?,
        })
    }
}

pub(super) fn fold(
    tx: &Transaction<'_>,
    insert: &mut Insert<'_>,
    types: &mut Vec<(String, i64)>,
    position: Position,
    facts: &ObjectFacts<'_>,
    alone: bool,
) -> rusqlite::Result<Option<Fresh>> {
    let again = position.is_followed() && is_known_or_withdrawn(tx, position)?;
    if again {
        return Ok(None);
    }
    let object_type = type_number(tx, types, facts.object_type)?;
    let instant = facts.instant.sort_key();
    let plain = is_plain(facts);
    let flag = |set: bool, bit: i64| if set { bit } else { 0 };
    let flags = flag(facts.revoked, FLAG_REVOKED)
        | flag(facts.unversioned, FLAG_UNVERSIONED)
        | flag(facts.held_back, FLAG_HELD_BACK);
    let (key, uuid) = (position.key(), facts.uuid.0);
    insert.version.execute(params![
        key,
        object_type,
        uuid,
        (!plain).then_some(facts.id),
        facts.version,
        instant,
        facts.created.map(|created| created.sort_key()),
        facts.created_by.map(|uuid| uuid.0),
        flags,
        facts.expires,
    ])?;
    insert.version_of.execute([half(facts.uuid), key])?;
    if !alone {
        let (instant, unversioned) = (instant.as_str(), facts.unversioned);
        rival::come(tx, key, &rival::Version { object_type, uuid, instant, unversioned })?;
    }
    Ok(Some(Fresh { key, uuid, object_type, expires: facts.expires, alone }))
}

/// An entry of somebody else is folded with each collection that it comes into.
fn is_known_or_withdrawn(tx: &Transaction<'_>, position: Position) -> rusqlite::Result<bool> {
    tx.prepare_cached(
        "SELECT 1 FROM version WHERE key = ?1 UNION ALL SELECT 1 FROM withdrawn WHERE key = ?1",
    )?
    .exists([position.key()])
}

/// Whether the identifier can be written again from type and UUID: its digits are lower case.
fn is_plain(facts: &ObjectFacts<'_>) -> bool {
    !facts.id.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Types are few and asked for with every object, so they are kept in memory, sorted by name.
fn type_number(
    tx: &Transaction<'_>,
    types: &mut Vec<(String, i64)>,
    name: &str,
) -> rusqlite::Result<i64> {
    let at = match types.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
        Ok(at) => return Ok(types.get(at).map_or(0, |(_, number)| *number)),
        Err(at) => at,
    };
    tx.prepare_cached("INSERT OR IGNORE INTO object_type (name) VALUES (?1)")?.execute([name])?;
    let number = tx
        .prepare_cached("SELECT id FROM object_type WHERE name = ?1")?
        .query_row([name], |row| row.get(0))?;
    types.insert(at, (name.to_owned(), number));
    Ok(number)
}
